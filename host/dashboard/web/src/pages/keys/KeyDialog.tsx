import { useState } from 'react'
import { day } from '../../api/format'
import { useSend } from '../../api/query'
import { useSession } from '../../api/session'
import { Button, Checkbox, Dialog, Failure, Field, Input, OwnerPicker, Select, toast } from '../../ui'
import { endOf, scopeWords, withScope, type Key, type Scope } from './key'

const ends = [
  { value: '30', label: 'In 30 days' }, { value: '90', label: 'In 90 days' }, { value: '365', label: 'In a year' },
  { value: 'date', label: 'On a date …' },
]

/** KeyDialog makes a key, or changes the name, scopes and end of one. */
export function KeyDialog({ of, account, onClose, onMade }: { of: Key | null; account: string; onClose: () => void; onMade: (k: Key) => void }) {
  const session = useSession()
  const mine = (['inference', 'read', 'manage'] as const).filter((s) => session.scopes.includes(s))
  const [name, setName] = useState(of?.name ?? '')
  const [user, setUser] = useState('')
  const [scopes, setScopes] = useState<Scope[]>([...(of?.scopes ?? (mine.includes('inference') ? ['inference' as const] : mine))])
  const [end, setEnd] = useState(of ? 'stay' : '')
  const [date, setDate] = useState('')
  const [wrong, setWrong] = useState('')
  const create = useSend('post', '/api/v1/keys', ['/api/v1/keys'])
  const patch = useSend('patch', '/api/v1/keys/{id}', ['/api/v1/keys'])
  const failure = create.error ?? patch.error
  // A key may have scopes that this session lacks: they are shown, and can be taken away.
  const offered = [...new Set([...mine, ...(of?.scopes ?? [])])]
  const save = () => {
    if (name.trim() === '') return setWrong('Give the key a name that says where it is used.')
    if (scopes.length === 0) return setWrong('Choose at least one thing that it may be used for.')
    const expires = endOf(end, date, Date.now())
    if (end === 'date' && (!expires || Date.parse(expires) < Date.now())) return setWrong('Choose a date that is still to come.')
    setWrong('')
    const changes = { name: name.trim(), scopes, ...(expires ? { expires_at: expires } : {}) }
    if (of) {
      patch.mutate({ path: { id: of.id }, query: { account_id: of.account_id }, body: { ...changes, ...(end === 'never' ? { never_expires: true } : {}) } } as never, { onSuccess: () => { toast(`Changed “${changes.name}”.`); onClose() } })
    } else {
      create.mutate({ body: { ...changes, ...(account ? { account_id: account } : {}), ...(user ? { user_id: user } : {}) } }, { onSuccess: (k) => { if (k) onMade(k) } })
    }
  }
  const options = of
    ? [{ value: 'stay', label: of.expires_at ? `As it is: ${day(of.expires_at)}` : 'As it is: never' }, ...ends, ...(of.expires_at ? [{ value: 'never', label: 'Never' }] : [])]
    : [{ value: '', label: 'Never, or with the key you are logged in with' }, ...ends]
  return (
    <Dialog
      title={of ? `Edit “${of.name}”` : 'New key'} onClose={onClose}
      actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={create.isPending || patch.isPending} onClick={save}>{of ? 'Save' : 'Create key'}</Button></>}
    >
      <Field label="Name" hint="Where it is used: “build server”, “Anna’s laptop”.">{(f) => <Input {...f} value={name} maxLength={128} autoFocus onChange={(e) => setName(e.target.value)} />}</Field>
      {!of && <Field label="User" hint="Whose it is: it has that user’s role. Empty: your own.">{(f) => <OwnerPicker {...f} kind="user" account={account} value={user} onChange={setUser} placeholder={session.user?.name ?? 'Yourself'} />}</Field>}
      <fieldset className="stack-tight">
        <legend className="field-label">May be used to</legend>
        {offered.map((s) => <Checkbox key={s} label={scopeWords[s]} hint={s} checked={scopes.includes(s)} onChange={(e) => setScopes(withScope(scopes, s, e.target.checked))} />)}
      </fieldset>
      <Field label="Expires">{(f) => <Select {...f} value={end} onChange={(e) => setEnd(e.target.value)} options={options} />}</Field>
      {end === 'date' && <Field label="Last day">{(f) => <Input {...f} type="date" value={date} onChange={(e) => setDate(e.target.value)} />}</Field>}
      {wrong && <p className="field-error" role="alert">{wrong}</p>}
      {failure && <Failure error={failure} what={of ? 'Not changed' : 'Not created'} />}
    </Dialog>
  )
}
