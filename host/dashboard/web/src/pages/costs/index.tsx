import './costs.css'
import { useState } from 'react'
import { useCan, useSession } from '../../api/session'
import { AccountPicker, Button, Page as Frame, Tabs, useUrlState } from '../../ui'
import { Alerts } from './Alerts'
import { Breakdown } from './Breakdown'
import { BudgetDrawer } from './BudgetDrawer'
import { Budgets } from './Budgets'
import { Calculate } from './Calculate'
import { RecordDialog } from './RecordDialog'
import { Savings, Summary, Unpriced } from './Summary'
import { Top } from './Top'
import { Webhooks } from './Webhooks'

/** Page is what is spent, on what, and what limits it. */
export function Page() {
  const can = useCan()
  const session = useSession()
  const [account, setAccount] = useUrlState('account')
  const [tab, setTab] = useUrlState('tab', 'spending')
  const [budget, setBudget] = useUrlState('budget')
  const [recording, setRecording] = useState(false)
  const all = session.role === 'super_admin' && account === ''
  return (
    <Frame
      title="Costs" lead={all ? 'Sums are of all accounts; budgets and alerts of your own. Choose an account to see its own.' : 'What is spent, on what, and what limits it.'}
      actions={<>
        <AccountPicker value={account} onChange={setAccount} all="All accounts" />
        {can('POST', '/api/v1/costs/record') && <Button icon="plus" onClick={() => setRecording(true)}>Record spending</Button>}
      </>}
    >
      <div className="costs">
        <Tabs label="Costs" at={tab} onChange={setTab} tabs={[
          { id: 'spending', title: 'Spending', panel: (
            <>
              <Summary account={account} />
              <Unpriced account={account} />
              <Budgets account={account} />
              <Breakdown account={account} />
              <div className="grid-2"><Top account={account} /><Savings account={account} /></div>
            </>
          ) },
          { id: 'alerts', title: 'Alerts', panel: <Alerts account={account} /> },
          ...(can('POST', '/api/v1/costs/calculate') ? [{ id: 'calculate', title: 'Calculate', panel: <Calculate /> }] : []),
          ...(can('GET', '/api/v1/webhooks') ? [{ id: 'webhooks', title: 'Webhooks', panel: <Webhooks account={account} /> }] : []),
        ]} />
        {budget && <BudgetDrawer key={budget} id={budget} account={account} onClose={() => setBudget('')} />}
        {recording && <RecordDialog account={account} onClose={() => setRecording(false)} />}
      </div>
    </Frame>
  )
}
