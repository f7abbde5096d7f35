import './keys.css'
import { useCan, useSession } from '../../api/session'
import { Page as Frame, Tabs, useUrlState } from '../../ui'
import { Effective } from './Effective'
import { Keys } from './Keys'
import { Limits } from './Limits'
import { Teams } from './Teams'
import { Users } from './Users'

/** Page is who may use the gateway, and how much of it. */
export function Page() {
  const can = useCan()
  const session = useSession()
  const [tab, setTab] = useUrlState('tab', 'keys')
  const [account, setAccount] = useUrlState('account')
  const of = { account, onAccount: setAccount }
  return (
    <Frame title="Keys &amp; limits" lead="Who may use the gateway, and how much of it.">
      <div className="keys">
        <Tabs label="Keys and limits" at={tab} onChange={setTab} tabs={[
          { id: 'keys', title: 'Keys', panel: <Keys {...of} /> },
          ...(can('GET', '/api/v1/users') && session.role !== 'user' ? [{ id: 'users', title: 'Users', panel: <Users {...of} /> }] : []),
          ...(can('GET', '/api/v1/teams') ? [{ id: 'teams', title: 'Teams', panel: <Teams {...of} /> }] : []),
          ...(can('GET', '/api/v1/limits') ? [{ id: 'limits', title: 'Limits', panel: <Limits {...of} /> }] : []),
          ...(can('GET', '/api/v1/limits/effective') ? [{ id: 'left', title: 'What is left', panel: <Effective {...of} /> }] : []),
        ]} />
      </div>
    </Frame>
  )
}
