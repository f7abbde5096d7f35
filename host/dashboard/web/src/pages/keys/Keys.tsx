import { useState } from 'react'
import { day } from '../../api/format'
import { useList, useSend } from '../../api/query'
import { useCan, useSession } from '../../api/session'
import { AccountPicker, Ago, Button, Card, Checkbox, Chip, Confirm, DataTable, Empty, Field, Input, OwnerPicker, toast, toastFailure, useOwners, useUrlState, type Column } from '../../ui'
import { useSettled } from '../../ui/settled'
import { keyState, type Key } from './key'
import { KeyDialog } from './KeyDialog'
import { roleWord } from './roles'
import { RotateDialog } from './RotateDialog'
import { SecretDialog } from './SecretDialog'

const stateWords = { active: 'active', replaced: 'replaced, still works', expired: 'expired', revoked: 'revoked' }

type Asking = { what: 'new' } | { what: 'edit' | 'rotate' | 'revoke' | 'secret'; key: Key }

/** Keys are the keys that whoever is logged in manages. */
export function Keys({ account, onAccount }: { account: string; onAccount: (account: string) => void }) {
  const can = useCan()
  const session = useSession()
  const users = useOwners('user', account)
  const [search, setSearch] = useUrlState('search')
  const [user, setUser] = useUrlState('user')
  const [inactive, setInactive] = useUrlState('inactive')
  const [asking, setAsking] = useState<Asking | null>(null)
  const wanted = useSettled(search)
  const q = useList('/api/v1/keys', { query: { ...(account ? { account_id: account } : {}), ...(user ? { user_id: user } : {}), ...(wanted ? { search: wanted } : {}), ...(inactive ? { inactive: true } : {}) } }, { keep: true, live: true })
  const revoke = useSend('delete', '/api/v1/keys/{id}', ['/api/v1/keys'])
  const close = () => setAsking(null)
  const made = (key: Key) => setAsking({ what: 'secret', key })
  const everywhere = session.role === 'super_admin' && account === ''
  const columns: Column<Key>[] = [
    { key: 'name', title: 'Name', cell: (k) => <span>{k.name} <code className="soft prefix">{k.prefix}…</code></span>, by: (k) => k.name, narrow: 'title' },
    { key: 'user', title: 'User', cell: (k) => <span>{users.name(k.user_id)}{everywhere && <span className="soft"> · {k.account_id}</span>}</span>, by: (k) => users.name(k.user_id) },
    { key: 'scopes', title: 'Scopes', cell: (k) => <span className="row chips">{(k.scopes ?? []).map((s) => <Chip key={s}>{s}</Chip>)}</span> },
    { key: 'role', title: 'Role', cell: (k) => roleWord(k.role), by: (k) => k.role },
    { key: 'made', title: 'Created', cell: (k) => <Ago at={k.created_at} />, by: (k) => k.created_at },
    { key: 'expires', title: 'Expires', cell: (k) => (k.expires_at ? <span>{day(k.expires_at)} <span className="soft"><Ago at={k.expires_at} /></span></span> : 'never'), by: (k) => k.expires_at ?? null },
    { key: 'state', title: 'State', cell: (k) => { const s = keyState(k, Date.now()); return <Chip kind={s === 'active' ? 'outline' : 'hatched'}>{stateWords[s]}</Chip> }, by: (k) => keyState(k, Date.now()) },
    ...(can('PATCH', '/api/v1/keys/{id}') || can('DELETE', '/api/v1/keys/{id}') ? [{ key: 'do', title: 'Actions', cell: (k: Key) => <Actions of={k} ask={(what) => setAsking({ what, key: k })} /> }] : []),
  ]
  return (
    <Card
      title="Keys" flush aside={<>
        <AccountPicker value={account} onChange={onAccount} all="Every account" />
        {can('POST', '/api/v1/keys') && <Button kind="primary" icon="plus" onClick={() => setAsking({ what: 'new' })}>New key</Button>}
      </>}
    >
      <div className="filters inset">
        <Field label="Search keys" bare>{(f) => <Input {...f} type="search" placeholder="Search by name" value={search} onChange={(e) => setSearch(e.target.value)} />}</Field>
        {can('GET', '/api/v1/users') && session.role !== 'user' && <Field label="Keys of user" bare>{(f) => <OwnerPicker {...f} kind="user" account={account} value={user} onChange={setUser} placeholder="Every user" />}</Field>}
        <Checkbox label="Revoked and expired too" checked={inactive !== ''} onChange={(e) => setInactive(e.target.checked ? 'true' : '')} />
      </div>
      <DataTable label="Keys" rows={q.rows} columns={columns} id={(k) => k.id} loading={q.loading} error={q.error} retry={q.refresh} more={q.more} loadingMore={q.loadingMore} empty={<Empty title={wanted || user ? 'No key matches.' : 'There are no keys here.'}>{wanted || user ? 'Search for less, or take the filter away.' : 'Create one for each place that sends requests.'}</Empty>} />
      {asking?.what === 'new' && <KeyDialog of={null} account={account} onClose={close} onMade={made} />}
      {asking?.what === 'edit' && <KeyDialog of={asking.key} account={account} onClose={close} onMade={made} />}
      {asking?.what === 'rotate' && <RotateDialog of={asking.key} onClose={close} onMade={made} />}
      {asking?.what === 'secret' && <SecretDialog of={asking.key} onClose={close} />}
      {asking?.what === 'revoke' && (
        <Confirm
          title={`Revoke “${asking.key.name}”?`} verb="Revoke key" danger busy={revoke.isPending} onClose={close}
          onConfirm={() => revoke.mutate({ path: { id: asking.key.id }, query: { account_id: asking.key.account_id } } as never, { onSuccess: () => { toast(`Revoked “${asking.key.name}”.`); close() }, onError: toastFailure })}
        ><p>Requests with the key <code>{asking.key.prefix}…</code> are refused at once, and it ends the logins that were made with it. This cannot be undone.</p></Confirm>
      )}
    </Card>
  )
}

function Actions({ of, ask }: { of: Key; ask: (what: 'edit' | 'rotate' | 'revoke') => void }) {
  const can = useCan()
  const state = keyState(of, Date.now())
  if (state === 'revoked') return <span className="soft">–</span>
  const name = <span className="sr"> {of.name}</span>
  return (
    <span className="row actions">
      {can('PATCH', '/api/v1/keys/{id}') && <Button small onClick={() => ask('edit')}>Edit{name}</Button>}
      {state === 'active' && can('POST', '/api/v1/keys/{id}/rotate') && <Button small onClick={() => ask('rotate')}>Rotate{name}</Button>}
      {can('DELETE', '/api/v1/keys/{id}') && <Button small kind="danger" onClick={() => ask('revoke')}>Revoke{name}</Button>}
    </span>
  )
}
