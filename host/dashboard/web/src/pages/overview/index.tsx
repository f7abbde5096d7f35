import './overview.css'
import { Link } from '@tanstack/react-router'
import { useCan, useSession } from '../../api/session'
import { Page as Frame } from '../../ui'
import { CostSummary } from './CostSummary'
import { Events } from './Events'
import { ProviderHealth } from './ProviderHealth'
import { Routing } from './Routing'
import { Tiles } from './Tiles'
import { TopModels } from './TopModels'

/** Page is what is going on now, at a glance, each part with a way to the whole. */
export function Page() {
  const can = useCan()
  const s = useSession()
  const events = can('GET', '/api/v1/events')
  // The server sums up what a key may see; who looks should know what that is.
  const whose = { super_admin: 'all accounts', account_admin: `account ${s.account?.name}`, team_lead: `team ${s.team?.name ?? s.account?.name}`, user: `${s.user?.name ?? s.keyName} alone` }[s.role]
  return (
    <Frame title="Overview" lead={<>Figures are of {whose}; days are those of UTC.</>} actions={can('POST', '/api/v1/route/explain') && <Link className="button button-plain" to="/routing">Try a request</Link>}>
      <div className="overview">
        <Tiles />
        <div className="overview-main">
          <Routing />
          <div className="stack">
            <ProviderHealth />
            {events ? <Events /> : <CostSummary />}
          </div>
        </div>
        <div className="grid-2 overview-even">
          {events && <CostSummary />}
          <TopModels />
        </div>
      </div>
    </Frame>
  )
}
