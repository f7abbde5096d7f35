import './sessions.css'
import { count } from '../../api/format'
import { useList } from '../../api/query'
import { useCan, useSession } from '../../api/session'
import { AccountPicker, Ago, Card, DataTable, Empty, Field, ModelName, OwnerPicker, Page as Frame, useOwners, useUrlState, type Column } from '../../ui'
import { placeOf, placeText, type Session } from './session'
import { SessionDrawer } from './SessionDrawer'

const textOf = (s: Session): string => placeText({ account: s.account_id, user: s.user_id, id: s.id })

/** Page is the conversations that callers name, and what is handed from model to model in them. */
export function Page() {
  const can = useCan()
  const session = useSession()
  const admin = session.role === 'super_admin' || session.role === 'account_admin'
  const [account, setAccount] = useUrlState('account')
  const [user, setUser] = useUrlState('user')
  const [open, setOpen] = useUrlState('session')
  const users = useOwners('user', account)
  // An administrator asks for everybody's, others for their own, unless they name a user.
  const of = user || (admin ? '*' : '')
  const q = useList('/api/v1/sessions', { query: { ...(account ? { account_id: account } : {}), ...(of ? { user_id: of } : {}) } }, { live: true, keep: true })
  const columns: Column<Session>[] = [
    { key: 'id', title: 'Session', cell: (s) => <code className="session-id">{s.id}</code>, by: (s) => s.id, narrow: 'title' },
    { key: 'user', title: 'User', cell: (s) => users.name(s.user_id), by: (s) => users.name(s.user_id) },
    { key: 'turns', title: 'Turns', cell: (s) => count(s.turns), by: (s) => s.turns, end: true },
    { key: 'model', title: 'Last model', cell: (s) => (s.model ? <ModelName id={s.model} /> : '–'), by: (s) => s.model },
    { key: 'agent', title: 'Last agent', cell: (s) => s.agent || '–', by: (s) => s.agent || null },
    { key: 'at', title: 'Last turn', cell: (s) => <Ago at={s.updated_at} />, by: (s) => s.updated_at },
    { key: 'end', title: 'Forgotten', cell: (s) => <Ago at={s.expires_at} />, by: (s) => s.expires_at },
  ]
  const place = placeOf(open)
  return (
    <Frame title="Sessions" lead="Conversations that callers name, with what is noted for the next model or agent.">
      <div className="sessions">
        <Card title="Live sessions" flush>
          <div className="filters inset">
            <AccountPicker value={account} onChange={setAccount} />
            {session.role !== 'user' && can('GET', '/api/v1/users') && <Field label="Sessions of user" bare>{(f) => <OwnerPicker {...f} kind="user" account={account} value={user} onChange={setUser} placeholder={admin ? 'Every user' : 'Your own'} />}</Field>}
          </div>
          <DataTable
            label="Sessions" rows={q.rows} columns={columns} id={textOf} onOpen={(s) => setOpen(textOf(s))} open={open}
            loading={q.loading} error={q.error} retry={q.refresh} more={q.more} loadingMore={q.loadingMore}
            empty={<Empty title="There are no live sessions.">A request names its conversation with the header <code>x-pointsman-session</code> or <code>metadata.session_id</code>; then it appears here.</Empty>}
          />
        </Card>
        {place && <SessionDrawer key={open} of={place} onClose={() => setOpen('')} />}
      </div>
    </Frame>
  )
}
