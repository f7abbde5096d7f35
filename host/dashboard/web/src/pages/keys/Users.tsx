import { useState } from 'react'
import { useList, useSend, type Data } from '../../api/query'
import { useCan, useSession, type Role } from '../../api/session'
import { AccountPicker, Button, Card, Checkbox, Chip, Confirm, DataTable, Dialog, Empty, Failure, Field, Input, OwnerPicker, Select, toast, toastFailure, useOwners, useUrlState, type Column } from '../../ui'
import { useSettled } from '../../ui/settled'
import { atLeast, rolesToGive, roleWord } from './roles'

type User = NonNullable<NonNullable<Data<'get', '/api/v1/users'>>['data']>[number]

const routes = ['/api/v1/users'] as const

/** Users are the people and services whose keys open something. */
export function Users({ account, onAccount }: { account: string; onAccount: (account: string) => void }) {
  const can = useCan()
  const session = useSession()
  const teams = useOwners('team', account)
  const [search, setSearch] = useUrlState('search')
  const [asking, setAsking] = useState<{ what: 'edit' | 'delete'; user: User | null } | null>(null)
  const wanted = useSettled(search)
  const q = useList('/api/v1/users', { query: { ...(account ? { account_id: account } : {}), ...(wanted ? { search: wanted } : {}) } }, { keep: true, live: true })
  const remove = useSend('delete', '/api/v1/users/{id}', ['/api/v1/users', '/api/v1/keys'])
  const admin = atLeast(session.role, 'account_admin')
  // As the server has it: administrators change everybody up to their own role, a lead plain users, everybody its own name.
  const mayEdit = (u: User) => can('PATCH', '/api/v1/users/{id}') && (admin ? atLeast(session.role, u.role) : u.id === session.user?.id || (session.role === 'team_lead' && u.role === 'user'))
  const mayDelete = (u: User) => can('DELETE', '/api/v1/users/{id}') && u.id !== session.user?.id && (admin ? atLeast(session.role, u.role) : u.role === 'user')
  const columns: Column<User>[] = [
    { key: 'name', title: 'Name', cell: (u) => <span>{u.name} {u.name !== u.id && <code className="soft">{u.id}</code>}</span>, by: (u) => u.name, narrow: 'title' },
    ...(session.role === 'super_admin' && account === '' ? [{ key: 'account', title: 'Account', cell: (u: User) => u.account_id, by: (u: User) => u.account_id }] : []),
    { key: 'team', title: 'Team', cell: (u) => (u.team_id ? teams.name(u.team_id) : <span className="soft">none</span>), by: (u) => u.team_id ?? null },
    { key: 'role', title: 'Role', cell: (u) => roleWord(u.role), by: (u) => u.role },
    { key: 'state', title: 'State', cell: (u) => (u.suspended ? <Chip kind="hatched">suspended</Chip> : <Chip kind="outline">active</Chip>), by: (u) => String(u.suspended) },
    {
      key: 'do', title: 'Actions', cell: (u) => (
        <span className="row actions">
          {mayEdit(u) && <Button small onClick={() => setAsking({ what: 'edit', user: u })}>Edit<span className="sr"> {u.name}</span></Button>}
          {mayDelete(u) && <Button small kind="danger" onClick={() => setAsking({ what: 'delete', user: u })}>Delete<span className="sr"> {u.name}</span></Button>}
        </span>
      ),
    },
  ]
  const doomed = asking?.what === 'delete' ? asking.user : null
  return (
    <Card
      title="Users" flush aside={<>
        <AccountPicker value={account} onChange={onAccount} all="Every account" />
        {can('POST', '/api/v1/users') && <Button kind="primary" icon="plus" onClick={() => setAsking({ what: 'edit', user: null })}>New user</Button>}
      </>}
    >
      <div className="filters inset"><Field label="Search users" bare>{(f) => <Input {...f} type="search" placeholder="Search by name or id" value={search} onChange={(e) => setSearch(e.target.value)} />}</Field></div>
      <DataTable label="Users" rows={q.rows} columns={columns} id={(u) => `${u.account_id}/${u.id}`} loading={q.loading} error={q.error} retry={q.refresh} more={q.more} loadingMore={q.loadingMore} empty={<Empty title={wanted ? 'No user matches.' : 'There are no users here.'} />} />
      {asking?.what === 'edit' && <UserDialog of={asking.user} account={asking.user?.account_id ?? account} onClose={() => setAsking(null)} />}
      {doomed && (
        <Confirm
          title={`Delete ${doomed.name}?`} verb="Delete user" danger busy={remove.isPending} onClose={() => setAsking(null)}
          onConfirm={() => remove.mutate({ path: { id: doomed.id }, query: { account_id: doomed.account_id } } as never, { onSuccess: () => { toast(`Deleted ${doomed.name}.`); setAsking(null) }, onError: toastFailure })}
        ><p>Its keys open nothing any more, for good. What it has used is kept.</p></Confirm>
      )}
    </Card>
  )
}

function UserDialog({ of, account, onClose }: { of: User | null; account: string; onClose: () => void }) {
  const session = useSession()
  const admin = atLeast(session.role, 'account_admin')
  const self = of !== null && of.id === session.user?.id && of.account_id === session.account?.id
  const [name, setName] = useState(of?.name ?? '')
  const [team, setTeam] = useState(of?.team_id ?? '')
  const [role, setRole] = useState<Role>(of?.role ?? 'user')
  const [suspended, setSuspended] = useState(of?.suspended ?? false)
  const create = useSend('post', '/api/v1/users', routes)
  const patch = useSend('patch', '/api/v1/users/{id}', [...routes, '/api/v1/keys'])
  const failure = create.error ?? patch.error
  const save = () => {
    if (!of) return create.mutate({ body: { name: name.trim(), role, ...(account ? { account_id: account } : {}), ...(team ? { team_id: team } : {}) } }, { onSuccess: () => { toast(`${name.trim()} is a user now. Create a key for it.`); onClose() } })
    // Only what was changed: more than that may be refused.
    const changes = { ...(name.trim() !== of.name ? { name: name.trim() } : {}), ...(team !== (of.team_id ?? '') ? { team_id: team } : {}), ...(role !== of.role ? { role } : {}), ...(suspended !== of.suspended ? { suspended } : {}) }
    if (Object.keys(changes).length === 0) return onClose()
    patch.mutate({ path: { id: of.id }, query: { account_id: of.account_id }, body: changes } as never, { onSuccess: () => { toast(`Changed ${name.trim()}.`); onClose() } })
  }
  return (
    <Dialog title={of ? `Edit ${of.name}` : 'New user'} onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" disabled={name.trim() === ''} busy={create.isPending || patch.isPending} onClick={save}>{of ? 'Save' : 'Create user'}</Button></>}>
      <Field label="Name">{(f) => <Input {...f} value={name} maxLength={128} autoFocus onChange={(e) => setName(e.target.value)} />}</Field>
      {admin && <Field label="Team" hint="Empty: none.">{(f) => <OwnerPicker {...f} kind="team" account={account} value={team} onChange={setTeam} placeholder="None" />}</Field>}
      {(admin || !of) && <Field label="Role" hint={of ? 'Keys that it has do not rise with it: make new ones.' : undefined}>{(f) => <Select {...f} value={role} onChange={(e) => setRole(e.target.value as Role)} options={rolesToGive(session.role)} />}</Field>}
      {of && !self && session.role !== 'user' && <Checkbox label="Suspended" hint="Its keys open nothing until this is taken away." checked={suspended} onChange={(e) => setSuspended(e.target.checked)} />}
      {failure && <Failure error={failure} what={of ? 'Not changed' : 'Not created'} />}
    </Dialog>
  )
}
