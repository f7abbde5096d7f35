import { count, day, decimal, usd } from '../../api/format'
import { useGet } from '../../api/query'
import { useCan } from '../../api/session'
import { Empty, Facts, Failure, Loading, ModelName, Money, Note } from '../../ui'
import { linesOf, priceAt } from './price'
import type { Row } from './whole'

/** Cost is what each attempt used, by kind of token, at the price that it was billed at. */
export function Cost({ rows }: { rows: readonly Row[] }) {
  const used = rows.filter((r) => r.tokens.prompt + r.tokens.completion > 0 || (r.cost_nano_usd ?? 0) !== 0)
  if (used.length === 0) return <Empty title="Nothing was used" >No attempt used tokens.</Empty>
  const total = used.reduce((n, r) => n + (r.cost_nano_usd ?? 0), 0)
  const unknown = used.filter((r) => r.cost_nano_usd === null).length
  const premium = used.reduce((n, r) => n + r.premium_requests, 0)
  return (
    <div className="stack">
      {used.map((r) => (r.kind === 'attempt' ? <Bill key={r.id} of={r} />
        : <Facts key={r.id} items={[[r.kind === 'correction' ? 'A correction' : 'From elsewhere', <Money key="m" nano={r.cost_nano_usd} />]]} />))}
      <Facts items={[
        ['In all', <><strong><Money nano={total} exact /></strong>{unknown > 0 && <span className="soft"> and {count(unknown)} attempts whose price is not known</span>}</>],
        ['Premium requests', decimal(premium)],
      ]} />
    </div>
  )
}

function Bill({ of: r }: { of: Row }) {
  const can = useCan()
  const may = can('GET', '/api/v1/models/{id}/prices')
  const q = useGet('/api/v1/models/{id}/prices', { path: { id: r.model } }, { staleTime: 60_000, enabled: may })
  const found = q.data ? priceAt(q.data.data ?? [], r) : null
  const lines = found ? linesOf(r.tokens, found.prices, r.images ?? 0) : []
  const sum = lines.reduce((n, l) => n + l.nano, 0)
  const kinds = ([['Input', r.tokens.prompt], ['of it from cache', r.tokens.cached], ['of it written to cache', r.tokens.cache_write + r.tokens.cache_write_1h], ['Output', r.tokens.completion], ['of it reasoning', r.tokens.reasoning]] as const).filter(([, n], i) => n > 0 || i === 0 || i === 3)
  return (
    <section className="stack" aria-label={`Attempt ${r.attempt}: ${r.model}`}>
      <p className="row spread"><span className="row"><strong>{r.attempt}</strong> <ModelName id={r.model} /></span> {r.cost_nano_usd === null ? <span>no price was known</span> : <Money nano={r.cost_nano_usd} exact />}</p>
      {q.error && <Failure error={q.error} what="Its price" retry={() => void q.refetch()} />}
      {may && q.isPending && <Loading what="Its price" />}
      {found ? (
        <div className="table-frame" role="region" aria-label={`Bill of attempt ${r.attempt}`} tabIndex={0}>
          <table className="table table-small">
            <caption className="sr">Tokens by kind, at the price of {r.model}</caption>
            <thead><tr><th scope="col">Kind</th><th scope="col" className="end">Count</th><th scope="col" className="end">Price</th><th scope="col" className="end">Cost</th></tr></thead>
            <tbody>
              {lines.map((l) => <tr key={l.kind}><td>{l.kind}</td><td className="end">{count(l.count, 'exact')}</td><td className="end">${l.price}{l.per > 1 ? ' per million' : ' each'}</td><td className="end">{usd(l.nano, 'exact')}</td></tr>)}
            </tbody>
          </table>
        </div>
      ) : !q.isPending || !may ? <Facts items={kinds.map(([kind, n]) => [kind, `${count(n, 'exact')} tokens`] as const)} /> : null}
      {found && <p className="soft">{found.version.scope === 'account' ? 'The account’s own price' : 'The price'} of {day(found.version.from)}{found.version.source && <>, from {found.version.source}</>}{found.prices !== found.version && ', its tier for long prompts'}.</p>}
      {may && q.data && !found && r.cost_nano_usd !== null && <p className="soft">Which price that was is not known any more.</p>}
      {found && r.cost_nano_usd !== null && sum !== r.cost_nano_usd && <Note kind="warn">At that price it would be {usd(sum, 'exact')}. The ledger has {usd(r.cost_nano_usd, 'exact')}: the price was set later, or the answer was not billed in full.</Note>}
      {r.estimated && <p className="soft">The provider gave no usage: the tokens are an estimate.</p>}
    </section>
  )
}
