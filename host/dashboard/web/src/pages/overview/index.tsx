import './overview.css'
import { Link } from '@tanstack/react-router'
import { useCan } from '../../api/session'
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
  return (
    <Frame title="Overview" actions={can('POST', '/api/v1/route/explain') && <Link className="button button-plain" to="/routing">Try a request</Link>}>
      <div className="overview">
        <Tiles />
        <div className="overview-main">
          <Routing />
          <div className="stack">
            <ProviderHealth />
            {can('GET', '/api/v1/events') && <Events />}
          </div>
        </div>
        <div className="grid-2 overview-even">
          <CostSummary />
          <TopModels />
        </div>
      </div>
    </Frame>
  )
}
