import type { ReactNode } from 'react'
import { count, percent } from '../api/format'
import { Chip, FamilyMark, Icon, PriorityChip, StatusWord } from '../ui'
import { standInOf, useIll } from './health'
import type { Mark } from './marks'
import { bandOfNode, isDefault, linesOf, ownerOf, type GraphNode, type Rung } from './rungs'
import { shareOf, type Shares } from './share'
import { elsewhere, heldIn, stepWords, type Lit } from './trace'

/** What the drawings of a ladder are told, whichever it is. */
export type Drawing = {
  rungs: readonly Rung[]
  shares: Shares | null
  marks: ReadonlyMap<string, Mark[]>
  lit: Lit | null
  /** Keys of rungs that the filter leaves bright. */
  bright: ReadonlySet<string>
  onOpen?: ((rung: Rung) => void) | undefined
  /** The key of the rung that is open elsewhere. */
  open?: string | undefined
  /** What can be done with a rung: a button or two. */
  actions?: ((rung: Rung) => ReactNode) | undefined
}

/** Head is a rung's number, priority, name, and whose it is. */
export function Head({ rung, children }: { rung: Rung; children?: ReactNode }) {
  const n = rung.node
  const owner = ownerOf(n)
  return (
    <div className="rung-head">
      {isDefault(rung)
        ? <span className="rung-number" aria-hidden="true">∎</span>
        : <span className="rung-number">{n.order ?? '–'}</span>}
      {n.kind === 'rule' && <PriorityChip priority={n.priority ?? 0} band={bandOfNode(n)} />}
      {children ?? <span className="rung-name">{n.name}</span>}
      {owner && <span className="rung-owner">{owner}</span>}
    </div>
  )
}

/** Condition is when a rung decides: its clauses, each on a line of its own; of a plugin its name and version. */
export function Condition({ rung, most = Infinity, hold }: { rung: Rung; /** Lines at most. */ most?: number; /** A clause of a decision: the one that made it. */ hold?: { clause: string; holds: boolean } | undefined }) {
  const n = rung.node
  if (isDefault(rung)) return <p className="rung-when">No rule matched. It is always last and cannot be deleted.</p>
  if (n.plugin) {
    return (
      <p className="rung-when rung-plugin">
        <svg width="16" height="18" viewBox="0 0 16 18" aria-hidden="true"><path d="M8 1l7 4v8l-7 4-7-4V5z" fill="none" stroke="currentColor" strokeWidth="1.5" /></svg>
        <span>plugin <code>{n.plugin}</code> {n.version ? <span className="rung-version">v{n.version}</span> : <span className="soft">version not known</span>}</span>
      </p>
    )
  }
  const lines = linesOf(n)
  const shown = lines.length > most ? lines.slice(0, most - 1) : lines
  return (
    <ul className="rung-when">
      {shown.map((l, i) => {
        const is = hold && heldIn(l.text, hold.clause)
        return (
          <li key={i} className={is ? (hold.holds ? 'clause-held' : 'clause-failed') : undefined}>
            {l.join && <span className="rung-join">{l.join} </span>}
            <code>{l.text}</code>
            {is && <span className="clause-word"> {hold.holds ? '✓ holds' : '✗ does not hold'}</span>}
          </li>
        )
      })}
      {shown.length < lines.length && <li className="soft">and {lines.length - shown.length} more {lines.length - shown.length === 1 ? 'clause' : 'clauses'}</li>}
    </ul>
  )
}

/** Share is a rung's traffic of the last 24 hours. */
export function Share({ rung, shares }: { rung: Rung; shares: Shares | null }) {
  if (!shares) return <span className="rung-share soft">Traffic not known</span>
  if (shares.total === 0) return <span className="rung-share soft">No traffic in 24 h</span>
  const s = shareOf(rung, shares)
  if (!s) return <span className="rung-share soft">–</span>
  return (
    <span className="rung-share">
      <svg className="rung-bar" viewBox="0 0 40 6" preserveAspectRatio="none" aria-hidden="true"><rect width="40" height="6" fill="var(--hover)" /><rect width={Math.max(s.requests > 0 ? 1 : 0, 40 * s.share)} height="6" fill="var(--soft)" /></svg>
      <strong>{percent(s.share)}</strong> <span className="soft">{count(s.requests)} {s.requests === 1 ? 'request' : 'requests'}, 24 h</span>
    </span>
  )
}

/** Marks are a rung's peculiarities; `full` says why, too. */
export function Marks({ marks, full = false }: { marks: readonly Mark[] | undefined; full?: boolean }) {
  if (!marks || marks.length === 0) return null
  return (
    <span className="rung-marks">
      {marks.map((m, i) => (
        <span key={i} className={`mark mark-${m.kind}`}>
          <Chip kind={m.kind === 'warn' ? 'outline' : 'hatched'} title={m.why}>{(m.kind === 'error' || m.kind === 'warn') && <Icon name="triangle" size={12} />}{m.word}</Chip>
          {full ? <span className="mark-why">{m.why}</span> : <span className="sr"> {m.why}</span>}
        </span>
      ))}
    </span>
  )
}

/** Model is a model of a rung, behind its family's mark, with how it is when it is not well. */
export function Model({ node, rung, note }: { node: GraphNode; rung?: Rung | null | undefined; note?: string | undefined }) {
  const ill = useIll()
  const is = ill.get(node.model ?? '')
  return (
    <span className={`rung-model${is?.out ? ' model-out' : ''}`}>
      <FamilyMark family={node.family}>{node.model}</FamilyMark>
      {node.unknown && <span className="rung-missing"><Icon name="triangle" size={12} /> does not exist</span>}
      {is && <StatusWord status={is.status} word={is.word} />}
      {rung && standInOf(rung.models, ill) === node.id && <span className="rung-note">stands in now</span>}
      {note && <span className="rung-note">{note}</span>}
    </span>
  )
}

/** Outcome is what became of a rung in the decision that is lit. */
export function Outcome({ rung, lit }: { rung: Rung; lit: Lit | null }) {
  if (!lit) return null
  const step = lit.steps.get(rung.key)
  if (isDefault(rung)) {
    return <p className={`rung-outcome${lit.decided === rung.key ? ' outcome-matched' : ''}`}>{lit.decided === rung.key ? 'Decided: no rule matched.' : 'Not needed: something before it decided.'}</p>
  }
  // Why one that is not tried is passed over, its mark says.
  if (!step || !rung.tried) return null
  const matched = step.outcome === 'matched'
  return <p className={`rung-outcome${matched ? ' outcome-matched' : ''}`}>{matched ? <Icon name="check" size={13} /> : step.outcome === 'no_match' ? <Icon name="close" size={13} /> : <Icon name="dash" size={13} />} {stepWords(rung, step)}{elsewhere(rung, lit) && <span className="rung-elsewhere"> It goes to {elsewhere(rung, lit)}.</span>}</p>
}

/** holdOf is the clause that made the outcome, for Condition. */
export function holdOf(rung: Rung, lit: Lit | null): { clause: string; holds: boolean } | undefined {
  const step = lit?.steps.get(rung.key)
  if (!step?.clause || (step.outcome !== 'matched' && step.outcome !== 'no_match')) return undefined
  return { clause: step.clause, holds: step.outcome === 'matched' }
}
