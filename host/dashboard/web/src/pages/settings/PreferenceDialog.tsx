import { useState } from 'react'
import { etagOf, useSend } from '../../api/query'
import { useSession } from '../../api/session'
import { Button, Checkbox, Dialog, Failure, Field, Input, ModelPicker, Note, Select, toast } from '../../ui'
import { draftOf, keptOf, valuesOf } from './draft'
import { above, lockOf, membersOf, tenantWords, type Level, type Member, type Preferences } from './members'
import { ModelList } from './ModelList'

const routes = ['/api/v1/preferences', '/api/v1/preferences/effective'] as const

type Props = { of: Preferences; levels: readonly (Preferences | undefined)[]; override: boolean; onClose: () => void }

/** PreferenceDialog changes what is set at one level, or what a super admin sets in its place. */
export function PreferenceDialog({ of, levels, override, onClose }: Props) {
  const session = useSession()
  const level: Level = of.level ?? 'user'
  const self = level === 'user' && (session.role === 'user' || session.role === 'team_lead') && of.user_id === session.user?.id
  const shown = membersOf(level, override, self)
  const [draft, setDraft] = useState(() => draftOf((override ? of.override : of) ?? {}, shown))
  const [wrong, setWrong] = useState('')
  const put = useSend('put', '/api/v1/preferences', routes)
  const force = useSend('put', '/api/v1/preferences/override', routes)
  const failure = put.error ?? force.error
  const query = { level, ...(of.account_id ? { account_id: of.account_id } : {}), ...(of.team_id ? { team_id: of.team_id } : {}), ...(of.user_id ? { user_id: of.user_id } : {}) }
  const done = { onSuccess: () => { toast(`It holds for ${tenantWords(of)} now.`); onClose() } }
  const save = () => {
    const read = valuesOf(draft, shown)
    if ('problem' in read) return setWrong(read.problem)
    if (override && draft.reason.trim() === '') return setWrong('Say why: those for whom it holds see the reason.')
    setWrong('')
    if (override) force.mutate({ query, body: { ...read.values, reason: draft.reason.trim() } } as never, done)
    else put.mutate({ query, body: { ...keptOf(of, shown), ...read.values, ...(draft.locked.length > 0 ? { locked: draft.locked } : {}) }, ifMatch: etagOf(of) } as never, done)
  }
  const text = (m: Member, value: string) => setDraft((d) => ({ ...d, texts: { ...d.texts, [m.name]: value } }))
  return (
    <Dialog
      wide title={override ? `Override for ${tenantWords(of)}` : `Settings of ${tenantWords(of)}`} onClose={onClose}
      actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={put.isPending || force.isPending} onClick={save}>{override ? 'Override' : 'Save'}</Button></>}
    >
      {override && <Note kind="warn">An override holds whatever is set at any level, for this one and all below, until it is removed.</Note>}
      {shown.map((m) => {
        // A lock binds those who may not write the level that has it: the server knows who that is.
        const lock = override ? undefined : lockOf(above(levels, level), m.name)
        const hint = lock ? `${m.hint} Locked for ${tenantWords(lock)}.` : m.hint
        const value = draft.texts[m.name] ?? ''
        return (
          <div key={m.name} className="member">
            {m.kind === 'list' ? <ModelList label={m.title} hint={hint} value={draft.lists[m.name] ?? null} onChange={(list) => setDraft((d) => ({ ...d, lists: { ...d.lists, [m.name]: list } }))} />
              : (
                <Field label={m.title} hint={hint}>
                  {(f) => m.kind === 'model' ? <ModelPicker {...f} clearable value={value} onChange={(v) => text(m, v)} placeholder="Not set" />
                    : m.kind === 'flag' ? <Select {...f} value={value} onChange={(e) => text(m, e.target.value)} options={[{ value: '', label: 'Not set' }, { value: 'true', label: 'Yes' }, { value: 'false', label: 'No' }]} />
                      : <Input {...f} inputMode="decimal" value={value} placeholder="Not set" onChange={(e) => text(m, e.target.value)} />}
                </Field>
              )}
            {!override && level !== 'user' && <Checkbox label={<>Lower levels may not set it<span className="sr">: {m.title}</span></>} checked={draft.locked.includes(m.name)} onChange={(e) => setDraft((d) => ({ ...d, locked: e.target.checked ? [...d.locked, m.name] : d.locked.filter((x) => x !== m.name) }))} />}
          </div>
        )
      })}
      {override && <Field label="Reason" hint="Those for whom it holds see it.">{(f) => <Input {...f} value={draft.reason} maxLength={500} onChange={(e) => setDraft((d) => ({ ...d, reason: e.target.value }))} />}</Field>}
      {wrong && <p className="field-error" role="alert">{wrong}</p>}
      {failure && <Failure error={failure} what="Not saved" />}
    </Dialog>
  )
}
