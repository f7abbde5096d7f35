import { count, duration } from '../../api/format'
import { useGet, type Data } from '../../api/query'
import { useSession } from '../../api/session'
import { AccountPicker, Card, DataTable, Empty, Field, ModelPicker, OwnerPicker, useUrlState, type Column } from '../../ui'
import { amountWords, limitKey, perWords, scopeWords } from './limit'

type Standing = NonNullable<NonNullable<Data<'get', '/api/v1/limits/effective'>>['data']>[number]

/** Effective is which limits hold for one caller, and what it has left of each. */
export function Effective({ account, onAccount }: { account: string; onAccount: (account: string) => void }) {
  const session = useSession()
  const [user, setUser] = useUrlState('user')
  const [key, setKey] = useUrlState('key')
  const [model, setModel] = useUrlState('model')
  const q = useGet('/api/v1/limits/effective', { query: { ...(account ? { account_id: account } : {}), ...(user ? { user_id: user } : {}), ...(key ? { key_id: key } : {}), ...(model ? { model } : {}) } }, { live: true, keep: true })
  const columns: Column<Standing>[] = [
    { key: 'name', title: 'Limit', cell: (s) => s.limit.name || s.limit.id, by: (s) => s.limit.name ?? '', narrow: 'title' },
    { key: 'amount', title: 'Amount', cell: (s) => amountWords(s.limit), by: (s) => s.limit.amount },
    { key: 'of', title: 'Of', cell: (s) => scopeWords(s.limit) },
    { key: 'for', title: 'For', cell: (s) => perWords(s.limit) },
    { key: 'left', title: 'Left', cell: (s) => (s.remaining === undefined ? <span className="soft">depends on the model</span> : count(s.remaining)), by: (s) => s.remaining ?? null, end: true },
    { key: 'reset', title: 'All there again in', cell: (s) => (s.reset_s === undefined ? '–' : duration(s.reset_s * 1000)), by: (s) => s.reset_s ?? null, end: true },
  ]
  const who = q.data
  return (
    <Card title="What a caller may use" flush aside={who && <span>{[who.account_id && `account ${who.account_id}`, who.team_id && `team ${who.team_id}`, who.user_id && `user ${who.user_id}`].filter(Boolean).join(', ')}</span>}>
      <div className="filters inset">
        <AccountPicker value={account} onChange={onAccount} />
        {session.role !== 'user' && <Field label="User" bare>{(f) => <OwnerPicker {...f} kind="user" account={account} value={user} onChange={setUser} placeholder="Yourself" />}</Field>}
        <Field label="With key" bare>{(f) => <OwnerPicker {...f} kind="key" account={account} value={key} onChange={setKey} placeholder="Any key" />}</Field>
        <Field label="On model" bare>{(f) => <ModelPicker {...f} clearable value={model} onChange={setModel} placeholder="Any model" />}</Field>
      </div>
      <DataTable label="Limits that hold" rows={who?.data ?? []} columns={columns} id={(s) => limitKey(s.limit)} loading={q.isPending} error={q.error} retry={() => void q.refetch()} empty={<Empty title="No limit holds for this caller." />} />
    </Card>
  )
}
