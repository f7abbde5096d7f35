import { count, decimal, duration, percent, usd } from '../../api/format'
import { useGet } from '../../api/query'
import { useCan } from '../../api/session'
import { dayLength, floor, hour, iso, minute, useStep } from '../../api/window'
import { rate, useLive } from '../../live/live'
import { Sparkline, Tile, useNow } from '../../ui'
import { percentile } from './percentile'

/** Tiles are the four figures that are looked at first. */
export function Tiles() {
  const can = useCan()
  return (
    <div className="tiles">
      {can('GET', '/api/v1/usage') && <><Requests /><Success /></>}
      {can('GET', '/api/v1/decisions') && <Overhead />}
      {can('GET', '/api/v1/costs/summary') && <Spend />}
    </div>
  )
}

/** useHour is the last 60 full minutes and the current one, minute by minute. */
function useHour() {
  const now = useStep(minute)
  const from = now - 60 * minute
  const q = useGet('/api/v1/usage', { query: { grain: 'minute', from: iso(from) } }, { live: true, keep: true })
  const byMinute = new Map((q.data?.groups ?? []).map((g) => [Date.parse(g.at ?? ''), g]))
  const minutes = q.data ? Array.from({ length: 60 }, (_, i) => byMinute.get(from + i * minute)) : []
  return { q, minutes, current: { began: now, requests: byMinute.get(now)?.requests ?? 0 } }
}

const unknown = (q: { isPending: boolean; error: Error | null }) => (q.isPending ? 'Loading …' : q.error ? q.error.message : 'not known')

function Requests() {
  const { readings, heardAt, state, totals } = useLive()
  const now = useNow()
  const { q, minutes, current } = useHour()
  const live = state === 'open' ? rate(readings, heardAt, now) : null
  // Without a stream: the last full minute and as much of this one as was there when it was read.
  const known = (Math.max(q.dataUpdatedAt, current.began) - current.began) / 1000 + 60
  const value = live ?? (q.data ? ((minutes.at(-1)?.requests ?? 0) + current.requests) / known : null)
  const values = minutes.map((m) => (m?.requests ?? 0) / 60)
  return (
    <Tile
      label="Requests per second" value={value === null ? null : decimal(value)} unit="/s" why={unknown(q)}
      note={<>{live === null ? `last ${Math.round(known)} s` : 'last 10 s'}{totals && <> · {count(totals.total.requests)} today</>}</>}
    >
      <Sparkline values={values} label={`The last hour, minute by minute: at most ${decimal(Math.max(0, ...values))} per second.`} />
    </Tile>
  )
}

function Success() {
  const { q, minutes } = useHour()
  const t = q.data?.total
  const none = t !== undefined && t.attempts === 0
  return (
    <Tile
      label="Success" value={t && !none ? percent(1 - t.error_rate) : null} why={none ? 'No attempts in the last hour' : unknown(q)}
      note={t && !none && <>{count(t.errors)} of {count(t.attempts)} attempts failed in the last hour</>}
    >
      <Sparkline values={minutes.flatMap((m) => (m && m.attempts > 0 ? [1 - m.error_rate] : []))} label="The share of attempts that succeeded in each minute with any." />
    </Tile>
  )
}

/** Overhead is what the gateway adds to a request. Without a stream there is the time that decisions took, which is a part of it. */
function Overhead() {
  const { state, totals } = useLive()
  // Rows, not sums: they are read less often than the rest.
  const q = useGet('/api/v1/decisions', { query: { limit: 100 } }, { refetchInterval: state === 'open' || state === 'polling' ? 15_000 : false })
  const times = (q.data?.data ?? []).flatMap((d) => (d.decide_us === undefined ? [] : [d.decide_us / 1000]))
  const own = totals?.overhead_p95_us
  const line = <Sparkline values={times.slice(0, 60).reverse()} label="What the decision of each of the last 60 requests took." />
  if (own !== undefined) return <Tile label="p95 overhead" value={duration(own / 1000)} note="added by this gateway, last minutes">{line}</Tile>
  return (
    <Tile
      label="p95 decision time" value={times.length > 0 ? duration(percentile(times, 0.95)) : null}
      why={q.data ? 'No requests in the last minutes' : unknown(q)}
      note={times.length > 0 && <>a part of the overhead · last {count(times.length)}</>}
    >
      {line}
    </Tile>
  )
}

function Spend() {
  const { totals } = useLive()
  const at = useStep(minute)
  const today = floor(at, dayLength)
  const q = useGet('/api/v1/costs/summary', { query: { from: iso(today), grain: 'hour' } }, { live: true, keep: true, enabled: totals === null })
  const before = useGet('/api/v1/costs/summary', { query: { from: iso(today - dayLength), to: iso(at - dayLength), grain: 'minute' } }, { keep: true, staleTime: minute })
  const hours = useGet('/api/v1/usage', { query: { grain: 'hour', from: iso(floor(at, hour) - 23 * hour) } }, { live: true, keep: true })
  const nano = totals?.total.cost_nano_usd ?? q.data?.total.cost_nano_usd ?? null
  const was = before.data?.total.cost_nano_usd
  const byHour = new Map((hours.data?.groups ?? []).map((g) => [Date.parse(g.at ?? ''), g.cost_nano_usd]))
  const values = hours.data ? Array.from({ length: 24 }, (_, i) => byHour.get(floor(at, hour) - (23 - i) * hour) ?? 0) : []
  const delta = nano !== null && was !== undefined && was > 0 ? nano / was - 1 : null
  return (
    <Tile
      label="Spend today" value={nano === null ? null : usd(nano)} why={unknown(q)}
      note={
        delta !== null ? <><strong>{delta >= 0 ? '+' : '−'}{percent(Math.abs(delta))}</strong> against yesterday by now, {usd(was)}</>
          : was === 0 ? 'nothing yesterday by now' : before.error ? 'yesterday is not known' : 'since 00:00 UTC'
      }
    >
      <Sparkline values={values} label={`The last 24 hours, hour by hour: at most ${usd(Math.max(0, ...values))} in one.`} />
    </Tile>
  )
}
