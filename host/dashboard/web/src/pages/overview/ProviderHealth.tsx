import { Link } from '@tanstack/react-router'
import { ago, count, duration, percent, timeOf } from '../../api/format'
import { useGet, type Data } from '../../api/query'
import { Card, Chip, Empty, Failure, HealthStrip, Loading, Note, StatusWord, useNow } from '../../ui'

type Subject = NonNullable<NonNullable<Data<'get', '/api/v1/health'>>['data']>[number]

/** ProviderHealth is how each provider is and was for a day. */
export function ProviderHealth() {
  const q = useGet('/api/v1/health', { query: { kind: 'provider', cells: true } }, { live: true, refetchInterval: 60_000 })
  const rows = q.data?.data ?? []
  return (
    <Card title="Provider health" aside={<Link to="/providers">All providers</Link>}>
      {q.error && !q.data ? <Failure error={q.error} retry={() => void q.refetch()} what="Health" />
        : !q.data ? <Loading what="Health" rows={6} />
          : rows.length === 0 ? <Empty title="No providers" />
            : <ul className="providers">{rows.map((s) => <Provider key={`${s.account_id ?? ''}/${s.provider}`} of={s} />)}</ul>}
      {q.data?.stale && <Note kind="warn">What other replicas know could not be read.</Note>}
      {rows.length > 0 && <p className="strip-legend soft"><span>−24 h</span><span>taller is worse, blank is unknown</span><span>now</span></p>}
    </Card>
  )
}

function Provider({ of: s }: { of: Subject }) {
  const now = useNow()
  // Healthy is what the server starts from: without a check or an answer nobody knows.
  const known = s.check !== undefined || s.last_attempt_at !== undefined || s.status !== 'healthy' || (s.attempts ?? 0) > 0
  const next = timeOf(s.next_check_at)
  const facts = [
    s.attempts !== undefined && `${count(s.attempts)} attempts in the last minute`,
    (s.attempts ?? 0) > 0 && `${percent(s.error_rate)} failed`,
    s.latency.p95_ms > 0 && `p95 ${duration(s.latency.p95_ms)}`,
    s.fallback_share > 0 && `${percent(s.fallback_share)} stands in for others`,
  ].filter((x): x is string => x !== false)
  return (
    <li className="provider">
      <div className="provider-head">
        <Link to="/providers" search={{ id: s.provider }} className="provider-name">{s.provider}</Link>
        {s.switch && <Chip kind="hatched">{s.switch}</Chip>}
        <StatusWord status={known ? s.status : 'unknown'} />
      </div>
      <HealthStrip of={s.provider} data={s.cells ?? []} now={now} twin={false} />
      {s.status !== 'healthy' && (s.why ?? s.last_error) && <p className="provider-why">{s.why ?? s.last_error}</p>}
      <p className="provider-facts soft">
        {facts.join(' · ')}
        {!Number.isNaN(next) && <>{facts.length > 0 && ' · '}{next > now ? `next check ${ago(next, now)}` : 'being checked'}</>}
      </p>
    </li>
  )
}
