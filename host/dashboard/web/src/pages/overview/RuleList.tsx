import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { percent } from '../../api/format'
import { useGet } from '../../api/query'
import { useCan } from '../../api/session'
import { dayLength, floor, hour, iso, useStep } from '../../api/window'
import { bands, familyStyle, type Band } from '../../theme/families'
import { Chip, FamilyMark, PriorityChip, useUrlState } from '../../ui'
import { rungsOf, type Graph, type Node, type Rung } from './ladder'

/** useShares is the share of requests that each rule took in the last day; undefined: not known. */
function useShares(): ((rule: string) => number | undefined) {
  const can = useCan()
  const from = floor(useStep(hour) - dayLength, hour)
  const q = useGet('/api/v1/usage', { query: { grain: 'day', group_by: ['rule'], from: iso(from) } }, { live: true, keep: true, enabled: can('GET', '/api/v1/usage') })
  const total = q.data?.total?.requests ?? 0
  const byRule = useMemo(() => {
    const sums = new Map<string, number>()
    for (const g of q.data?.groups ?? []) {
      const rule = (g.group as { rule?: string } | undefined)?.rule ?? ''
      sums.set(rule, (sums.get(rule) ?? 0) + g.requests)
    }
    return sums
  }, [q.data])
  return (rule) => (q.data === undefined || total === 0 ? undefined : (byRule.get(rule) ?? 0) / total)
}

const isBand = (b: string | undefined): b is Band => b !== undefined && Object.hasOwn(bands, b)

/** RuleList is the rules top to bottom as they are tried, the default handler last. */
export function RuleList({ graph }: { graph: Graph }) {
  const rungs = useMemo(() => rungsOf(graph), [graph])
  const share = useShares()
  const [only, setOnly] = useUrlState('only')
  const families = graph?.legend.families ?? []
  const dim = (r: Rung) => only !== '' && r.node.band !== only && ![r.target, ...r.fallbacks].some((n) => n?.family === only)
  return (
    <div className="rules">
      <div className="legend" role="group" aria-label="Legend: choose one to dim the others">
        {(graph?.legend.bands ?? []).filter(isBand).map((b) => (
          <button key={b} type="button" className="legend-key" aria-pressed={only === b} onClick={() => setOnly(only === b ? '' : b)}>
            <span className="legend-band" style={{ borderColor: bands[b].colour }} aria-hidden="true" />{bands[b].name}
          </button>
        ))}
        {families.map((f) => (
          <button key={f} type="button" className="legend-key" aria-pressed={only === f} onClick={() => setOnly(only === f ? '' : f)}>
            <span className="legend-family" style={{ background: familyStyle(f).colour }} aria-hidden="true" />{f}
          </button>
        ))}
      </div>
      <ol className="rungs">
        {rungs.map((r) => <Row key={r.node.id} rung={r} share={share(r.node.kind === 'default' ? 'default' : (r.node.rule ?? ''))} dim={dim(r)} />)}
      </ol>
    </div>
  )
}

function Row({ rung: { node, target, fallbacks }, share, dim }: { rung: Rung; share: number | undefined; dim: boolean }) {
  const last = node.kind === 'default'
  const off = node.state !== undefined && node.state !== 'active'
  return (
    <li className={`rung${last ? ' rung-default' : ''}${off ? ' rung-off' : ''}${dim ? ' rung-dim' : ''}`}>
      <div className="rung-rule">
        <p className="rung-head">
          {node.order !== undefined && <span className="rung-order">{node.order}</span>}
          {node.priority !== undefined && <PriorityChip priority={node.priority} {...(isBand(node.band) ? { band: node.band } : {})} />}
          {last ? <strong>{node.name}</strong> : <Link to="/routing" search={{ rule: node.rule ?? '' }} className="rung-name">{node.name}</Link>}
          {off && <Chip kind="hatched">{node.state === 'left_out' ? 'left out' : node.state}</Chip>}
        </p>
        {last ? <p className="rung-when soft">nothing matched</p>
          : node.plugin ? <p className="rung-when"><span className="soft">plugin</span> <code>{node.plugin}{node.version && `@${node.version}`}</code></p>
            : (
              <p className="rung-when">
                {(node.clauses ?? []).map((c, i) => <span key={i}>{i > 0 && <span className="rung-join">{node.join} </span>}<code>{c}</code> </span>)}
              </p>
            )}
      </div>
      <div className="rung-to">
        {target && <Model node={target} />}
        {fallbacks.length > 0 && <p className="rung-fallbacks"><span className="soft">on error </span>{fallbacks.map((f) => <Model key={f.id} node={f} />)}</p>}
      </div>
      <div className="rung-share">
        {share === undefined ? <span className="soft">–</span> : <>
          <span className="figure">{percent(share)}</span>
          <span className="share-track" aria-hidden="true"><span style={{ width: `${share * 100}%` }} /></span>
        </>}
        <span className="sr"> of requests in the last 24 hours</span>
      </div>
    </li>
  )
}

const Model = ({ node }: { node: Node }) => (
  <FamilyMark family={node.family}>{node.display ?? node.model}{node.unknown && <Chip kind="hatched">no such model</Chip>}</FamilyMark>
)
