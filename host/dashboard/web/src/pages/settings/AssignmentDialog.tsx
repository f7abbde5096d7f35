import { useState } from 'react'
import { useSend } from '../../api/query'
import { useSession } from '../../api/session'
import { Button, Checkbox, Dialog, Failure, Field, Input, ModelPicker, OwnerPicker, Select, TextArea, toast } from '../../ui'
import { levelsOf, localTime, type Assignment } from './assignment'
import type { Level } from './members'
import { ModelList } from './ModelList'

const routes = ['/api/v1/assignments', '/api/v1/preferences/effective'] as const
const levelWords: Record<Level, string> = { global: 'Everybody', account: 'The account', team: 'A team', user: 'A user' }

/** AssignmentDialog makes or changes which models a type of task goes to. */
export function AssignmentDialog({ of, account, onClose }: { of: Assignment | null; account: string; onClose: () => void }) {
  const session = useSession()
  const offered = levelsOf(session.role)
  const [level, setLevel] = useState<Level>(of?.level ?? offered[0] ?? 'user')
  const [team, setTeam] = useState(of?.team_id ?? session.team?.id ?? '')
  const [user, setUser] = useState(of?.user_id ?? session.user?.id ?? '')
  const [task, setTask] = useState(of?.task_type ?? '')
  const [model, setModel] = useState(of?.model ?? '')
  const [fallbacks, setFallbacks] = useState<readonly string[]>(of?.fallbacks ?? [])
  const [allowed, setAllowed] = useState<readonly string[] | null>(of?.allowed_models?.length ? of.allowed_models : null)
  const [priority, setPriority] = useState(String(of?.priority ?? 50))
  const [when, setWhen] = useState(of?.when ?? '')
  const [expires, setExpires] = useState(localTime(of?.expires_at))
  const [locked, setLocked] = useState(of?.locked ?? false)
  const [enabled, setEnabled] = useState(of?.enabled ?? true)
  const [wrong, setWrong] = useState('')
  const create = useSend('post', '/api/v1/assignments', routes)
  const replace = useSend('put', '/api/v1/assignments/{id}', routes)
  const failure = create.error ?? replace.error
  const save = () => {
    if (task.trim() === '') return setWrong('Say which type of task, as requests name it.')
    if (model === '') return setWrong('Choose the model that it goes to.')
    if (!/^\d{1,5}$/.test(priority.trim()) || Number(priority) > 10_000) return setWrong('The priority must be a whole number of 0 to 10000.')
    setWrong('')
    const body = {
      task_type: task.trim(), model, fallbacks: [...fallbacks], priority: Number(priority), when: when.trim(), locked, enabled,
      ...(allowed?.length ? { allowed_models: [...allowed] } : {}), ...(expires ? { expires_at: new Date(expires).toISOString() } : {}),
    }
    const done = { onSuccess: () => { toast(`The assignment of “${body.task_type}” is in force.`); onClose() } }
    if (of) replace.mutate({ path: { id: of.id ?? '' }, query: of.account_id ? { account_id: of.account_id } : {}, body: { ...body, ...(of.account_id ? { account_id: of.account_id } : {}), updated_at: of.updated_at } } as never, done)
    else create.mutate({ body: { ...body, level, ...(account && level !== 'global' ? { account_id: account } : {}), ...(level === 'team' ? { team_id: team } : {}), ...(level === 'user' ? { user_id: user } : {}) } }, done)
  }
  return (
    <Dialog wide title={of ? `Edit the assignment of “${of.task_type}”` : 'New assignment'} onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={create.isPending || replace.isPending} onClick={save}>{of ? 'Save' : 'Create assignment'}</Button></>}>
      <div className="fields">
        <Field label="Task type" hint="As in metadata.task_type or x-pointsman-task.">{(f) => <Input {...f} value={task} maxLength={64} onChange={(e) => setTask(e.target.value)} />}</Field>
        <Field label="Goes to">{(f) => <ModelPicker {...f} value={model} onChange={setModel} />}</Field>
        {!of && offered.length > 1 && <Field label="Holds for">{(f) => <Select {...f} value={level} onChange={(e) => setLevel(e.target.value as Level)} options={offered.map((l) => ({ value: l, label: levelWords[l] }))} />}</Field>}
        {!of && level === 'team' && <Field label="Team">{(f) => <OwnerPicker {...f} kind="team" account={account} value={team} onChange={setTeam} placeholder="Choose a team" />}</Field>}
        {!of && level === 'user' && session.role !== 'user' && <Field label="User">{(f) => <OwnerPicker {...f} kind="user" account={account} value={user} onChange={setUser} placeholder="Choose a user" />}</Field>}
        <Field label="Priority" hint="Within its level, higher first.">{(f) => <Input {...f} inputMode="numeric" value={priority} onChange={(e) => setPriority(e.target.value)} />}</Field>
        <Field label="Expires" hint="Empty: never.">{(f) => <Input {...f} type="datetime-local" value={expires} onChange={(e) => setExpires(e.target.value)} />}</Field>
      </div>
      <ModelList label="Fallbacks" hint="Tried in this order." always value={fallbacks} onChange={(l) => setFallbacks(l ?? [])} />
      <ModelList label="Allowed models" hint="The only ones that may serve such a task, pinned or not." unset="Any" value={allowed} onChange={setAllowed} />
      <Field label="Only when" hint="An expression as in rules. Empty: always.">{(f) => <TextArea {...f} mono rows={2} spellCheck={false} value={when} onChange={(e) => setWhen(e.target.value)} />}</Field>
      {level !== 'user' && <Checkbox label="Locked" hint="No assignment of a lower level counts for this task type." checked={locked} onChange={(e) => setLocked(e.target.checked)} />}
      <Checkbox label="In force" checked={enabled} onChange={(e) => setEnabled(e.target.checked)} />
      {wrong && <p className="field-error" role="alert">{wrong}</p>}
      {failure && <Failure error={failure} what={of ? 'Not changed' : 'Not created'} />}
    </Dialog>
  )
}
