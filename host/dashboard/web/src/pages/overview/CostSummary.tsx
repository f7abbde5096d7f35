import { Link } from '@tanstack/react-router'
import { count, day, decimal, usd } from '../../api/format'
import { useGet, type Data } from '../../api/query'
import { dayLength, hour, iso, minute, useStep } from '../../api/window'
import { useLive } from '../../live/live'
import { Card, Facts, Failure, Loading, Meter, Money, Note } from '../../ui'

type Budget = NonNullable<NonNullable<Data<'get', '/api/v1/budgets'>>['data']>[number]

/** CostSummary is what is spent, what it will come to, and what is left of the budgets. */
export function CostSummary() {
  const { totals } = useLive()
  const today = useStep(dayLength)
  const sum = useGet('/api/v1/costs/summary', { query: { from: iso(today), grain: 'hour' } }, { live: true, keep: true })
  const month = useGet('/api/v1/costs/projection', {}, { refetchInterval: minute })
  // What was spent before today does not change any more: with today's live sum it is the month's.
  const begin = Date.UTC(new Date(today).getUTCFullYear(), new Date(today).getUTCMonth())
  const earlier = useGet('/api/v1/costs/summary', { query: { from: iso(begin), to: iso(today), grain: 'day' } }, { staleTime: hour, enabled: begin < today })
  const saved = useGet('/api/v1/costs/savings', { query: { from: iso(today - 29 * dayLength) } }, { keep: true, refetchInterval: minute })
  const budgets = useGet('/api/v1/budgets', {}, { live: true })
  const t = totals?.total ?? (sum.data ? { ...sum.data.total, prompt_tokens: sum.data.total.tokens.prompt, completion_tokens: sum.data.total.tokens.completion } : null)
  const s = saved.data
  const unpriced = sum.data?.total.unpriced ?? 0
  const shown = (budgets.data?.data ?? []).filter((b) => b.enabled !== false && b.state)
  return (
    <Card title="Costs" aside={<Link to="/costs">All costs</Link>}>
      {sum.error && !t ? <Failure error={sum.error} retry={() => void sum.refetch()} what="Costs" /> : !t ? <Loading what="Costs" rows={5} /> : (
        <div className="stack">
          <Facts items={[
            ['Today', <><strong><Money nano={t.cost_nano_usd} /></strong> <span className="soft">· {count(t.requests)} requests · {count(t.prompt_tokens + t.completion_tokens)} tokens · {decimal(t.premium_requests)} premium requests</span></>],
            ['This month', begin === today ? <Money nano={t.cost_nano_usd} /> : earlier.data ? <Money nano={earlier.data.total.cost_nano_usd + t.cost_nano_usd} /> : earlier.error ? earlier.error.message : '…'],
            ['Month’s end', month.data
              ? month.data.enough_data
                ? <><Money nano={month.data.projected_nano_usd} /> <span className="soft">at {usd(month.data.daily_nano_usd)} a day until {day(Date.parse(month.data.to) - 1)}</span></>
                : month.data.days === 0 ? <span className="soft">not known: there is no full day to go by yet</span>
                  : <><Money nano={month.data.projected_nano_usd} /> <span className="soft">a weak guess, from {month.data.days === 1 ? 'one full day' : `${month.data.days} full days`}</span></>
              : month.error ? month.error.message : '…'],
            ['Saved in 30 days', s ? s.total.requests === 0 ? <span className="soft">nothing to compare yet</span>
              : <>{s.total.saved_nano_usd >= 0 ? <Money nano={s.total.saved_nano_usd} /> : <><Money nano={-s.total.saved_nano_usd} /> <strong>dearer</strong></>} <span className="soft">than all to {s.baseline}, {usd(s.total.would_nano_usd)}</span></>
              : saved.error ? saved.error.message : '…'],
          ]} />
          {unpriced > 0 && <Note kind="warn">{count(unpriced)} attempts today have no price and are not in these sums. <Link to="/costs">Which ones</Link></Note>}
          {shown.slice(0, 3).map((b) => <BudgetMeter key={b.id} of={b} />)}
          {shown.length > 3 && <p><Link to="/costs">{shown.length - 3} more budgets</Link></p>}
          {budgets.error && <p className="soft">Budgets: {budgets.error.message}</p>}
          {budgets.data && shown.length === 0 && <p className="soft">No budget limits this. <Link to="/costs">Budgets</Link></p>}
        </div>
      )}
    </Card>
  )
}

/** A decimal text of dollars as nano-USD. */
const nanoOf = (text: string): number => Math.round(Number(text) * 1e9)

function BudgetMeter({ of: b }: { of: Budget }) {
  const [spent, all] = [nanoOf(b.state?.spent ?? ''), nanoOf(b.amount)]
  return (
    <Meter
      label={`${b.name || b.id}, ${b.period.replace('_', ' ')}${b.hard ? ', hard' : ''}`} value={Number.isNaN(spent) ? null : spent} max={all}
      marks={(b.thresholds ?? []).filter((x) => !x.projected).map((x) => x.percent / 100)} text={<>{usd(spent)} of {usd(all)}</>}
    />
  )
}
