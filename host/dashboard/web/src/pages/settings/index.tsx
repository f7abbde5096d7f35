import './settings.css'
import { useCan } from '../../api/session'
import { Page as Frame, Tabs, useUrlState } from '../../ui'
import { About } from './About'
import { Assignments } from './Assignments'
import { AuditTab } from './AuditTab'
import { PreferencesTab } from './PreferencesTab'
import { RecordingTab } from './RecordingTab'

/** Page is what is set, by whom, and who changed it. */
export function Page() {
  const can = useCan()
  const [tab, setTab] = useUrlState('tab', 'preferences')
  const [account, setAccount] = useUrlState('account')
  const of = { account, onAccount: setAccount }
  return (
    <Frame title="Settings" lead="What holds for whom, where it comes from, and who changed it.">
      <div className="settings">
        <Tabs label="Settings" at={tab} onChange={setTab} tabs={[
          ...(can('GET', '/api/v1/preferences/effective') ? [{ id: 'preferences', title: 'Preferences', panel: <PreferencesTab {...of} /> }] : []),
          ...(can('GET', '/api/v1/assignments') ? [{ id: 'assignments', title: 'Assignments', panel: <Assignments {...of} /> }] : []),
          ...(can('GET', '/api/v1/decision-settings') ? [{ id: 'recording', title: 'Recording', panel: <RecordingTab {...of} /> }] : []),
          ...(can('GET', '/api/v1/audit') ? [{ id: 'audit', title: 'Audit trail', panel: <AuditTab {...of} /> }] : []),
          { id: 'about', title: 'About', panel: <About /> },
        ]} />
      </div>
    </Frame>
  )
}
