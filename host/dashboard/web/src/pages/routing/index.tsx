import './routing.css'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { useGet } from '../../api/query'
import { useCan, useSession } from '../../api/session'
import { Ladder, rungsOf, useGraph, type Rung } from '../../ladder'
import { Button, Card, Field, IconButton, Page as Frame, Select, Tabs, useUrlState } from '../../ui'
import { Cases } from './Cases'
import { History } from './History'
import { MoveDialog } from './MoveDialog'
import type { Rule } from './order'
import { Rollouts } from './Rollouts'
import { RuleDrawer } from './RuleDrawer'
import { keyOf, useMayChange, useRules } from './rules'
import { TryBox, type Explanation } from './TryBox'

/** Page is where requests go, and why: the ladder, a box to try requests, and what changes the rules. */
export function Page() {
  const can = useCan()
  const [account, setAccount] = useUrlState('account')
  const [tab, setTab] = useUrlState('tab', 'rules')
  const [open, setOpen] = useUrlState('rule')
  const [told, setTold] = useState<Explanation | null>(null)
  const { rules, home, loading } = useRules(account)
  // A decision is of one account's rules.
  useEffect(() => setTold(null), [account])
  const admin = can('GET', '/api/v1/rules/versions')
  const ladder = (
    <>
      {can('POST', '/api/v1/route/explain') && <TryBox key={account} account={account} told={told} onTold={setTold} />}
      <Rules account={account} rules={rules} told={told} open={open} onOpen={setOpen} />
    </>
  )
  return (
    <Frame
      title="Routing" lead="Rules are tried from the top; the first that matches decides where a request goes."
      actions={<>
        <AccountChoice value={account} onChange={(a) => { setOpen(''); setAccount(a) }} />
        {can('POST', '/api/v1/rules') && <Button kind="primary" icon="plus" onClick={() => setOpen('new')}>New rule</Button>}
      </>}
    >
      <div className="routing">
        {admin
          ? (
            <Tabs label="Routing" at={tab} onChange={setTab} tabs={[
              { id: 'rules', title: 'Rules', panel: ladder },
              { id: 'history', title: 'History', panel: <History account={account} /> },
              { id: 'cases', title: 'Cases', panel: <Cases account={account} /> },
              { id: 'rollouts', title: 'Shadows & canaries', panel: <Rollouts account={account} /> },
            ]} />
          )
          : ladder}
        {open && <RuleDrawer of={open} rules={rules} home={home} account={account} loading={loading} onClose={() => setOpen('')} onOpen={setOpen} />}
      </div>
    </Frame>
  )
}

// What GET /api/v1/costs/summary adds up for whom.
const whose = { user: 'your own requests', team_lead: 'your team’s requests', account_admin: 'the account’s requests', super_admin: 'all requests' }

function Rules({ account, rules, told, open, onOpen }: { account: string; rules: readonly Rule[]; told: Explanation | null; open: string; onOpen: (key: string) => void }) {
  const mayChange = useMayChange()
  const session = useSession()
  const [moving, setMoving] = useState('')
  const [said, setSaid] = useState('')
  const openRung = useCallback((r: Rung) => onOpen(r.key), [onOpen])
  const movable = rules.some(mayChange)
  const actions = useCallback((r: Rung) => {
    const rule = rules.find((x) => keyOf(x) === r.key)
    if (!rule || !mayChange(rule)) return null
    return <IconButton icon="sort" label={`Move “${rule.name}” to a position`} onClick={() => setMoving(r.key)} />
    // mayChange is made anew each time, and says the same for the same session.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [rules])
  const rule = rules.find((r) => keyOf(r) === moving)
  // Positions are the ladder's numbers: rules that are not tried have none, but for the one that moves.
  const graph = useGraph(account).data
  const tried = useMemo(() => new Set((graph ? rungsOf(graph) : []).filter((r) => r.tried).map((r) => r.key)), [graph])
  const places = rules.filter((r) => r === rule || tried.has(keyOf(r)))
  return (
    <Card title="The ladder" aside={told ? 'The path of the request above is lit.' : `Shares are of ${whose[session.role]} of the last 24 hours.`}>
      <Ladder account={account} trace={told} onOpen={openRung} open={open} {...(movable ? { actions } : {})} />
      <p className="sr" role="status">{said}</p>
      {rule && <MoveDialog rules={places} rule={rule} mayChange={mayChange} onClose={() => setMoving('')} onMoved={setSaid} />}
    </Card>
  )
}

function AccountChoice({ value, onChange }: { value: string; onChange: (account: string) => void }) {
  const session = useSession()
  const all = session.role === 'super_admin'
  const q = useGet('/api/v1/accounts', {}, { enabled: all, staleTime: 60_000 })
  if (!all) return null
  const accounts = (q.data?.data ?? []).map((a) => ({ value: a.id ?? '', label: a.name ? `${a.name} and global rules` : (a.id ?? '') }))
  return <Field label="Whose rules" bare>{(f) => <Select {...f} value={value} onChange={(e) => onChange(e.target.value)} options={[{ value: '', label: 'Global rules' }, ...accounts]} />}</Field>
}
