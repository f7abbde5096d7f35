import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useGet, type Data } from '../../api/query'
import { Ago, Card, Empty, Failure, Icon, Loading, type IconName } from '../../ui'

type Event = NonNullable<NonNullable<Data<'get', '/api/v1/events'>>['data']>[number]

const kinds: Record<string, { icon: IconName; colour: string; word: string }> = {
  'provider.down': { icon: 'cross', colour: 'var(--status-down)', word: 'Provider down' },
  'provider.recovered': { icon: 'tick', colour: 'var(--status-up)', word: 'Provider recovered' },
  'health.status_change': { icon: 'info', colour: 'var(--soft)', word: 'Health' },
  'budget.threshold': { icon: 'costs', colour: 'var(--status-degraded)', word: 'Budget' },
  rule_suspended: { icon: 'routing', colour: 'var(--status-down)', word: 'Rule suspended' },
  plugin_suspended: { icon: 'plugins', colour: 'var(--status-down)', word: 'Plugin suspended' },
  credential_suspended: { icon: 'keys', colour: 'var(--status-down)', word: 'Credential suspended' },
  credential_restored: { icon: 'keys', colour: 'var(--status-up)', word: 'Credential restored' },
}

/** linked is a notice's message as a link to what it is about. */
function linked(e: Event): ReactNode {
  if (e.kind === 'rule_suspended') return <Link to="/routing" search={{ rule: e.subject }}>{e.message}</Link>
  if (e.kind.startsWith('rollout')) return <Link to="/routing" search={{ rollout: e.subject }}>{e.message}</Link>
  if (e.kind === 'plugin_suspended') return <Link to="/plugins" search={{ name: e.subject.split('@')[0] ?? '' }}>{e.message}</Link>
  if (e.kind === 'budget.threshold' || e.kind.startsWith('ledger')) return <Link to="/costs" search={{ budget: e.subject }}>{e.message}</Link>
  if (e.provider_id) return <Link to="/providers" search={{ id: e.provider_id }}>{e.message}</Link>
  return e.message
}

/** Events is what went wrong and right again, newest first. */
export function Events() {
  const q = useGet('/api/v1/events', {}, { live: true })
  const rows = (q.data?.data ?? []).slice(0, 5)
  return (
    <Card title="Events" aside={q.data && (q.data.data ?? []).length > rows.length && <Link to="/providers">{(q.data.data ?? []).length} in all</Link>}>
      {q.error && !q.data ? <Failure error={q.error} retry={() => void q.refetch()} what="Events" />
        : !q.data ? <Loading what="Events" />
          : rows.length === 0 ? <Empty title="Nothing went wrong since the server started" />
            : (
              <ol className="events">
                {rows.map((e) => {
                  const k = kinds[e.kind] ?? { icon: 'info' as const, colour: 'var(--soft)', word: e.kind }
                  return (
                    <li key={e.id}>
                      <span className="event-kind" style={{ color: k.colour }}><Icon name={k.icon} size={16} />{k.word}</span>
                      <span className="event-text">{linked(e)}</span>
                      <span className="soft"><Ago at={e.at} /></span>
                    </li>
                  )
                })}
              </ol>
            )}
    </Card>
  )
}
