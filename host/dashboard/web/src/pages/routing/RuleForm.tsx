import { useMemo } from 'react'
import { useGet } from '../../api/query'
import { useCan } from '../../api/session'
import { bandOf } from '../../theme/families'
import { Checkbox, CodeEditor, Combobox, Field, IconButton, Input, ModelPicker, Note, PriorityChip, TextArea, useModels } from '../../ui'
import type { Checked } from './check'
import { slug, type Draft } from './draft'
import { completer, exprLanguage } from './language'

type Props = { draft: Draft; onChange: (d: Draft) => void; checked: Checked; isNew: boolean; /** Whether faults of what is not filled in yet are shown. */ strict: boolean }

/** RuleForm edits a rule: when it decides, and where requests go then. */
export function RuleForm({ draft: d, onChange, checked, isNew, strict }: Props) {
  const set = (change: Partial<Draft>) => onChange({ ...d, ...change })
  const wrong = (member: string, filled: boolean) => (strict || filled ? checked.wrong.get(member) : undefined)
  return (
    <div className="stack">
      <div className="rule-row">
        <Field label="Name" error={wrong('name', d.name !== '')}>{(f) => <Input {...f} value={d.name} maxLength={128} onChange={(e) => set({ name: e.target.value })} />}</Field>
        <Field label="Priority" hint="Higher is tried first." error={wrong('priority', true)}>
          {(f) => <span className="row"><Input {...f} type="number" min={0} max={10000} step={1} value={d.priority} onChange={(e) => set({ priority: e.target.value })} />{/^\d+$/.test(d.priority) && <PriorityChip priority={Number(d.priority)} band={bandOf(Number(d.priority))} />}</span>}
        </Field>
      </div>
      {isNew && <Field label="Id" hint={d.id === '' && slug(d.name) ? <>Made of the name: <code>{slug(d.name)}</code>. It cannot be changed later.</> : 'Lower-case letters, digits and hyphens. It cannot be changed later.'} error={wrong('id', d.id !== '')}>{(f) => <Input {...f} value={d.id} maxLength={64} spellCheck={false} placeholder={slug(d.name)} onChange={(e) => set({ id: e.target.value })} />}</Field>}
      <fieldset className="stack">
        <legend className="field-label">Decides by</legend>
        <div className="row">
          <label className="checkbox"><input type="radio" name="rule-by" checked={d.by === 'when'} onChange={() => set({ by: 'when' })} /><span>A condition</span></label>
          <label className="checkbox"><input type="radio" name="rule-by" checked={d.by === 'plugin'} onChange={() => set({ by: 'plugin' })} /><span>A plugin</span></label>
        </div>
        {d.by === 'when' ? <When value={d.when} onChange={(when) => set({ when })} checked={checked} strict={strict} /> : <Plugin draft={d} set={set} wrong={wrong} />}
      </fieldset>
      <Targets draft={d} set={set} checked={checked} strict={strict} />
      <Field label="Description" hint="For those who read the rule later.">{(f) => <TextArea {...f} rows={2} maxLength={2000} value={d.description} onChange={(e) => set({ description: e.target.value })} />}</Field>
      <fieldset className="stack rule-switches">
        <legend className="field-label">Options</legend>
        <Checkbox label="Enabled" checked={d.enabled} onChange={(e) => set({ enabled: e.target.checked })} hint="Without it the rule is kept, and not tried." />
        <Checkbox label="Only these models" checked={d.only} onChange={(e) => set({ only: e.target.checked })} hint="When all of them fail, the default handler’s are not asked." />
        <Checkbox label="Refuse when the rule fails" checked={d.refuse} onChange={(e) => set({ refuse: e.target.checked })} hint="Else a rule that breaks is skipped." />
        <Checkbox label="Continue a cut answer" checked={d.continueAfterCut} onChange={(e) => set({ continueAfterCut: e.target.checked })} hint="Another model goes on when a stream breaks off." />
      </fieldset>
      <Teams draft={d} set={set} />
    </div>
  )
}

function When({ value, onChange, checked, strict }: { value: string; onChange: (v: string) => void; checked: Checked; strict: boolean }) {
  const can = useCan()
  const models = useModels()
  const teams = useGet('/api/v1/teams', {}, { enabled: can('GET', '/api/v1/teams'), staleTime: 60_000 })
  const complete = useMemo(() => completer({
    models: models.rows.map((m) => m.id), families: [...new Set(models.rows.map((m) => m.family))], providers: [...new Set(models.rows.map((m) => m.provider ?? ''))].filter(Boolean),
    teams: (teams.data?.data ?? []).flatMap((t) => (t.id ? [t.id] : [])),
  }), [models.rows, teams.data])
  const fault = checked.wrong.get('when')
  return (
    <div className="field">
      <span className="field-label" aria-hidden="true">Condition</span>
      <CodeEditor label="Condition" value={value} onChange={onChange} problems={checked.places} complete={complete} language={exprLanguage} minLines={4} />
      {fault && checked.places.length === 0 && (strict || value !== '') && <p className="field-error" role="alert">{fault}</p>}
      <p className="field-hint">As <code>mentions('invoice') and request.chars &lt; 2000</code>. Ctrl+Space offers what there is.</p>
    </div>
  )
}

type Part = { draft: Draft; set: (c: Partial<Draft>) => void }

function Plugin({ draft: d, set, wrong }: Part & { wrong: (m: string, filled: boolean) => string | undefined }) {
  const can = useCan()
  const q = useGet('/api/v1/plugins', {}, { enabled: can('GET', '/api/v1/plugins') })
  const names = [...new Set((q.data?.data ?? []).filter((p) => p.kind === 'rule').flatMap((p) => [p.name, `${p.name}@${p.version}`]))]
  return (
    <>
      <Field label="Plugin" hint="A name is its active version; name@version is always that one." error={wrong('plugin', d.plugin !== '')}>
        {(f) => <Combobox {...f} options={names.map((n) => ({ value: n, label: n }))} value={d.plugin} onChange={(plugin) => set({ plugin })} free placeholder={names.length > 0 ? 'Choose a plugin' : 'No rule plugin is uploaded'} />}
      </Field>
      <div className="field">
        <span className="field-label" aria-hidden="true">Configuration</span>
        <CodeEditor label="Configuration, JSON" value={d.config} onChange={(config) => set({ config })} minLines={3} />
        {wrong('config', d.config !== '') && <p className="field-error" role="alert">{wrong('config', true)}</p>}
        <p className="field-hint">JSON, as the plugin’s manifest wants it. Empty: {'{}'}.</p>
      </div>
    </>
  )
}

function Targets({ draft: d, set, checked, strict }: Part & { checked: Checked; strict: boolean }) {
  const move = (i: number, by: number) => {
    const next = [...d.fallbacks]
    const [one] = next.splice(i, 1)
    next.splice(i + by, 0, one!)
    set({ fallbacks: next })
  }
  return (
    <>
      <Field label="Target" hint="The model that is asked first." error={strict || d.target !== '' ? checked.wrong.get('target') : undefined}>
        {(f) => <ModelPicker {...f} value={d.target} onChange={(target) => set({ target })} clearable />}
      </Field>
      <div className="field">
        <Field label="Fallbacks" hint="Asked one after the other when the model before fails or may not be asked." error={checked.wrong.get('fallbacks')}>
          {(f) => <ModelPicker {...f} value="" placeholder="Add a fallback" disabled={d.fallbacks.length >= 16} onChange={(id) => { if (id && !d.fallbacks.includes(id) && id !== d.target) set({ fallbacks: [...d.fallbacks, id] }) }} />}
        </Field>
        {d.fallbacks.length > 0 && (
          <ol className="fallbacks" aria-label="Fallbacks, in order">
            {d.fallbacks.map((id, i) => (
              <li key={id}>
                <span className="soft">{i + 1}.</span> <span className="fallback-id">{id}</span>
                <IconButton icon="up" label={`${id} earlier`} disabled={i === 0} onClick={() => move(i, -1)} />
                <IconButton icon="down" label={`${id} later`} disabled={i === d.fallbacks.length - 1} onClick={() => move(i, 1)} />
                <IconButton icon="close" label={`Remove ${id}`} onClick={() => set({ fallbacks: d.fallbacks.filter((x) => x !== id) })} />
              </li>
            ))}
          </ol>
        )}
      </div>
    </>
  )
}

function Teams({ draft: d, set }: Part) {
  const can = useCan()
  const q = useGet('/api/v1/teams', {}, { enabled: can('GET', '/api/v1/teams') && d.account !== '', staleTime: 60_000 })
  if (d.account === '') return <Note>This is a global rule: it holds for every account.</Note>
  const options = (q.data?.data ?? []).filter((t) => !t.account_id || t.account_id === d.account).map((t) => ({ value: t.id ?? '', label: t.name || (t.id ?? '') }))
  if (options.length === 0 && !d.team) return null
  return <Field label="Team" hint="Of whose requests. Empty: of everybody in the account.">{(f) => <Combobox {...f} options={options} value={d.team} onChange={(team) => set({ team })} clearable placeholder="Everybody" />}</Field>
}
