import { count, decimal, percent, took } from '../../api/format'
import { useGet } from '../../api/query'
import { Money, Tile } from '../../ui'
import type { Filter } from './index'

/** Totals are the figures of the whole time. */
export function Totals({ filter }: { filter: Filter }) {
  const q = useGet('/api/v1/usage', { query: { ...filter, group_by: ['model'], limit: 1 } }, { live: true, keep: true })
  const t = q.data?.total
  const why = q.error ? q.error.message : q.isPending ? 'Loading …' : 'not known'
  const none = t !== undefined && t.attempts === 0
  const answered = t && t.latency_ms.count > 0
  return (
    <div className="tiles">
      <Tile label="Requests" value={t ? count(t.requests) : null} why={why} note={t && `${count(t.attempts)} attempts`} />
      <Tile label="Tokens" value={t ? count(t.tokens.prompt + t.tokens.completion) : null} why={why} note={t && <>{count(t.tokens.prompt)} in, {count(t.tokens.completion)} out{t.tokens.cached > 0 && `, ${count(t.tokens.cached)} from cache`}{t.estimated > 0 && `; ${count(t.estimated)} attempts estimated`}</>} />
      <Tile label="Latency, p95" value={answered ? took(t.latency_ms.p95) : null} why={t ? 'Nothing was answered in full.' : why} note={answered && <>p50 {took(t.latency_ms.p50)}, p99 {took(t.latency_ms.p99)}{t.first_byte_ms.count > 0 && `; first byte p95 ${took(t.first_byte_ms.p95)}`}</>} />
      <Tile label="Error rate" value={t && !none ? percent(t.error_rate) : null} why={none ? 'There was no attempt.' : why} note={t && !none && `${count(t.errors)} of ${count(t.attempts)} attempts failed`} />
      <Tile label="Premium requests" value={t ? decimal(t.premium_requests) : null} why={why} note={t && <><Money nano={t.cost_nano_usd} /> in all{t.unpriced > 0 && `, ${count(t.unpriced)} attempts without a price`}</>} />
    </div>
  )
}
