import { Link } from '@tanstack/react-router'
import { count, day, decimal, usd } from '../../api/format'
import { useGet } from '../../api/query'
import { dayLength, hour, iso, useStep } from '../../api/window'
import { useLive } from '../../live/live'
import { Card, Empty, Facts, Failure, Field, Loading, ModelPicker, Money, Note, Tile, useUrlState } from '../../ui'

const of = (account: string) => (account ? { account_id: account } : {})
const unknown = (q: { isPending: boolean; error: Error | null }) => (q.isPending ? 'Loading …' : q.error ? q.error.message : 'not known')

/** Summary is what is spent today and this month, what the month will come to, and what routing saved. */
export function Summary({ account }: { account: string }) {
  const live = useLive().totals
  const today = useStep(dayLength)
  const begin = Date.UTC(new Date(today).getUTCFullYear(), new Date(today).getUTCMonth())
  const sum = useGet('/api/v1/costs/summary', { query: { ...of(account), from: iso(today), grain: 'hour' } }, { live: true, keep: true })
  // What was spent before today does not change any more.
  const earlier = useGet('/api/v1/costs/summary', { query: { ...of(account), from: iso(begin), to: iso(today), grain: 'day' } }, { staleTime: hour, enabled: begin < today })
  const month = useGet('/api/v1/costs/projection', { query: of(account) }, { live: true })
  const saved = useGet('/api/v1/costs/savings', { query: { ...of(account), from: iso(today - 29 * dayLength) } }, { live: true, keep: true })
  // The stream is of what whoever is logged in sees, not of a chosen account.
  const t = account === '' && live ? { ...live.total, tokens: live.total.prompt_tokens + live.total.completion_tokens } : sum.data ? { ...sum.data.total, tokens: sum.data.total.tokens.prompt + sum.data.total.tokens.completion } : null
  const spent = t && (begin === today ? t.cost_nano_usd : earlier.data ? earlier.data.total.cost_nano_usd + t.cost_nano_usd : null)
  const p = month.data
  const s = saved.data?.total
  return (
    <div className="tiles">
      <Tile label="Today" value={t ? <Money nano={t.cost_nano_usd} /> : null} why={unknown(sum)} note={t && <>{count(t.requests)} requests · {count(t.tokens)} tokens · {decimal(t.premium_requests)} premium</>} />
      <Tile label="This month" value={spent === null ? null : <Money nano={spent} />} why={unknown(earlier)} note={`since ${day(begin + 12 * hour)}, UTC`} />
      <Tile
        label="At month’s end" value={p && p.days > 0 ? <Money nano={p.projected_nano_usd} /> : null} why={p ? 'There is no full day to go by yet.' : unknown(month)}
        note={p && p.days > 0 && <>{usd(p.daily_nano_usd)} a day{!p.enough_data && `, a weak guess from ${count(p.days)} full ${p.days === 1 ? 'day' : 'days'}`}</>}
      />
      <Tile
        label="Saved in 30 days" value={s && s.requests > 0 ? s.saved_nano_usd >= 0 ? <Money nano={s.saved_nano_usd} /> : <>−<Money nano={-s.saved_nano_usd} /></> : null}
        why={s ? 'Nothing to compare yet.' : unknown(saved)} note={s && s.requests > 0 && <>{s.saved_nano_usd < 0 && 'Dearer '}than all to {saved.data?.baseline}, {usd(s.would_nano_usd)}</>}
      />
    </div>
  )
}

/** Unpriced warns of attempts whose cost nobody knows, and names their models. */
export function Unpriced({ account }: { account: string }) {
  const today = useStep(dayLength)
  const q = useGet('/api/v1/costs/summary', { query: { ...of(account), from: iso(today - 29 * dayLength), group_by: ['model'], grain: 'day', limit: 1000 } }, { live: true, keep: true })
  const rows = (q.data?.data ?? []).filter((r) => r.unpriced > 0)
  if (!q.data || q.data.total.unpriced === 0) return null
  return (
    <Note kind="warn">
      <p><strong>{count(q.data.total.unpriced)} attempts of 30 days have no price</strong> and are not in these sums. That is not free: set a price and the sums follow.</p>
      <ul className="row">{rows.map((r) => { const id = r.group?.model ?? ''; return <li key={id}><Link to="/models" search={{ id }}>{id || 'no model'}</Link> <span className="soft">{count(r.unpriced)}</span></li> })}</ul>
    </Note>
  )
}

/** Savings compares what was spent with sending everything to one model. */
export function Savings({ account }: { account: string }) {
  const today = useStep(dayLength)
  const [baseline, setBaseline] = useUrlState('against')
  const q = useGet('/api/v1/costs/savings', { query: { ...of(account), from: iso(today - 29 * dayLength), ...(baseline ? { baseline } : {}) } }, { live: true, keep: true })
  const t = q.data?.total
  return (
    <Card title="Saved by routing, 30 days" aside={<Field label="Compare with" bare>{(f) => <ModelPicker {...f} value={baseline} onChange={setBaseline} clearable placeholder={`Default: ${q.data?.baseline ?? '…'}`} />}</Field>}>
      {q.error && !q.data ? <Failure error={q.error} retry={() => void q.refetch()} what="Savings" /> : !q.data || !t ? <Loading what="Savings" />
        : t.requests === 0 ? <Empty title="Nothing to compare yet" /> : (
          <div className="stack">
            <Facts items={[
              ['Spent', <Money key="s" nano={t.spent_nano_usd} />],
              [`All to ${q.data.baseline}`, <Money key="w" nano={t.would_nano_usd} />],
              [t.saved_nano_usd >= 0 ? 'Saved' : 'Dearer by', <strong key="d"><Money nano={Math.abs(t.saved_nano_usd)} /></strong>],
            ]} />
            <details>
              <summary>By model, and what is taken for granted</summary>
              <Facts items={(q.data.data ?? []).map((r) => [r.model ?? 'none', <><Money nano={r.spent_nano_usd} /> <span className="soft">{r.compared ? <>in place of <Money nano={r.would_nano_usd} /></> : 'not compared: it does something else'}</span></>] as const)} />
              <ul className="soft costs-assumed">{(q.data.assumed ?? []).map((a) => <li key={a}>{a}</li>)}</ul>
            </details>
          </div>
        )}
    </Card>
  )
}
