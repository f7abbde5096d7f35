import { count, moment } from '../../api/format'
import { useGet } from '../../api/query'
import { useCan, useSession } from '../../api/session'
import { Card, Facts } from '../../ui'
import { roleWord } from '../keys/roles'

/** About is which program answers, and whom. */
export function About() {
  const can = useCan()
  const s = useSession()
  const told = can('GET', '/api/v1/limits/stats')
  // The figures of limits are those of all replicas, so they come with how many there are.
  const stats = useGet('/api/v1/limits/stats', {}, { enabled: told, live: true })
  const replicas = stats.data && stats.data.replicas > 0 ? count(stats.data.replicas) : stats.data ? 'one process' : '–'
  return (
    <div className="stack">
      <Card title="Pointsman">
        <Facts items={[
          ['Version', s.version || '–'], ['Build', s.build ? <code key="b">{s.build}</code> : '–'], ...(told ? [['Replicas', replicas] as const] : []),
          ['API', <a key="d" href="/docs">Documentation of the API</a>],
        ]} />
      </Card>
      <Card title="You are logged in">
        <Facts items={[
          ['User', s.user?.name ?? '–'], ['Account', s.account?.name ?? '–'], ['Team', s.team?.name ?? 'none'], ['Role', roleWord(s.role)], ['With key', s.keyName || '–'],
          ['It may', s.scopes.join(', ') || 'nothing'], ['Until', moment(s.expiresAt)],
        ]} />
      </Card>
    </div>
  )
}
