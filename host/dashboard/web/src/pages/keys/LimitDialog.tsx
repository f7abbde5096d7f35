import { useState } from 'react'
import { useSend } from '../../api/query'
import { useSession } from '../../api/session'
import { AccountPicker, Button, Checkbox, Dialog, Failure, Field, Input, ModelPicker, OwnerPicker, Select, toast } from '../../ui'
import { bodyOf, dimensions, draftOf, type Limit, type LimitDraft } from './limit'
import { atLeast } from './roles'

const routes = ['/api/v1/limits', '/api/v1/limits/stats', '/api/v1/limits/effective'] as const

/** LimitDialog makes or changes a limit. */
export function LimitDialog({ of, account, onClose }: { of: Limit | null; account: string; onClose: () => void }) {
  const session = useSession()
  const all = session.role === 'super_admin'
  const [draft, setDraft] = useState<LimitDraft>(() => {
    const d = draftOf(of, all ? account : (session.account?.id ?? ''))
    // A lead's limits are about its own team.
    if (!of && session.role === 'team_lead' && session.team) d.scope.team_id = session.team.id
    return d
  })
  const [wrong, setWrong] = useState('')
  const create = useSend('post', '/api/v1/limits', routes)
  const replace = useSend('put', '/api/v1/limits/{id}', routes)
  const failure = create.error ?? replace.error
  const set = (change: Partial<LimitDraft>) => setDraft((d) => ({ ...d, ...change }))
  const scope = (change: Partial<LimitDraft['scope']>) => setDraft((d) => ({ ...d, scope: { ...d.scope, ...change } }))
  const save = () => {
    const read = bodyOf(draft, of)
    if ('problem' in read) return setWrong(read.problem)
    setWrong('')
    const done = { onSuccess: () => { toast(`“${draft.name.trim()}” is in force.`); onClose() } }
    if (of) replace.mutate({ path: { id: of.id ?? '' }, query: of.account_id ? { account_id: of.account_id } : {}, body: read.body } as never, done)
    else create.mutate({ body: read.body }, done)
  }
  const timed = draft.kind !== 'concurrency'
  return (
    <Dialog wide title={of ? `Edit “${of.name || of.id}”` : 'New limit'} onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={create.isPending || replace.isPending} onClick={save}>{of ? 'Save' : 'Create limit'}</Button></>}>
      <div className="fields">
        <Field label="Name">{(f) => <Input {...f} value={draft.name} maxLength={128} onChange={(e) => set({ name: e.target.value })} />}</Field>
        <Field label="Counts">{(f) => <Select {...f} value={draft.kind} onChange={(e) => set({ kind: e.target.value as LimitDraft['kind'] })} options={[{ value: 'requests', label: 'Requests' }, { value: 'tokens', label: 'Tokens of prompt and answer' }, { value: 'concurrency', label: 'Requests at once' }]} />}</Field>
        <Field label="Amount" hint="0 admits nothing.">{(f) => <Input {...f} inputMode="numeric" value={draft.amount} onChange={(e) => set({ amount: e.target.value })} />}</Field>
        {timed && <Field label="In each">{(f) => <Select {...f} value={draft.window} onChange={(e) => set({ window: e.target.value })} options={['second', 'minute', 'hour', 'day'].map((w) => ({ value: w, label: w }))} />}</Field>}
        {timed && <Field label="Most at one moment" hint="After a pause. Empty: the amount.">{(f) => <Input {...f} inputMode="numeric" value={draft.burst} onChange={(e) => set({ burst: e.target.value })} />}</Field>}
      </div>
      <fieldset className="stack-tight">
        <legend className="field-label">Which requests</legend>
        {all && !of && (
          <div className="field">
            <AccountPicker value={draft.account} onChange={(a) => set({ account: a })} all="Of no account: it may be about everybody" />
            <p className="field-hint">Whose limit it is.</p>
          </div>
        )}
        <p className="field-hint">All that have every value that is set here; with none, all of {draft.account ? 'the account' : 'everybody'}.</p>
        <div className="fields">
          {all && !draft.account && <Field label="Account">{(f) => <Input {...f} value={draft.scope.account_id} onChange={(e) => scope({ account_id: e.target.value })} />}</Field>}
          <Field label="Team">{(f) => <OwnerPicker {...f} kind="team" account={draft.account} value={draft.scope.team_id} onChange={(v) => scope({ team_id: v })} placeholder="Any" />}</Field>
          <Field label="User">{(f) => <OwnerPicker {...f} kind="user" account={draft.account} value={draft.scope.user_id} onChange={(v) => scope({ user_id: v })} placeholder="Any" />}</Field>
          <Field label="Key">{(f) => <OwnerPicker {...f} kind="key" account={draft.account} value={draft.scope.key_id} onChange={(v) => scope({ key_id: v })} placeholder="Any" />}</Field>
          <Field label="Provider">{(f) => <Input {...f} value={draft.scope.provider} placeholder="Any" onChange={(e) => scope({ provider: e.target.value })} />}</Field>
          <Field label="Model">{(f) => <ModelPicker {...f} clearable value={draft.scope.model} onChange={(v) => scope({ model: v })} placeholder="Any" />}</Field>
        </div>
      </fieldset>
      <fieldset className="stack-tight">
        <legend className="field-label">The whole amount for each</legend>
        <p className="field-hint">With none, they share it. With user and model, every user has it on every model.</p>
        <div className="row">{dimensions.map((d) => <Checkbox key={d} label={d} checked={draft.per.includes(d)} onChange={(e) => set({ per: dimensions.filter((x) => (x === d ? e.target.checked : draft.per.includes(x))) })} />)}</div>
      </fieldset>
      {atLeast(session.role, 'account_admin') && <Checkbox label="In place of others" hint="It replaces limits of the same owner, kind, window and dimensions instead of holding beside them." checked={draft.override} onChange={(e) => set({ override: e.target.checked })} />}
      <Checkbox label="In force" checked={draft.enabled} onChange={(e) => set({ enabled: e.target.checked })} />
      {wrong && <p className="field-error" role="alert">{wrong}</p>}
      {failure && <Failure error={failure} what={of ? 'Not changed' : 'Not created'} />}
    </Dialog>
  )
}
