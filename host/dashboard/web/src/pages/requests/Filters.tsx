import { useGet } from '../../api/query'
import { useCan } from '../../api/session'
import { Button, Combobox, Field, ModelPicker, OwnerPicker, Select, useModels } from '../../ui'
import { codes, codeWords, spans, type Filters } from './filters'

type Props = { of: Filters; onChange: (change: Partial<Filters>) => void; onClear: () => void }

const deciders = [
  { value: 'default', label: 'default', detail: <span>default <span className="soft">no rule matched</span></span> },
  { value: 'pinned', label: 'pinned', detail: <span>pinned <span className="soft">the request named its model</span></span> },
  { value: 'assignment', label: 'assignment', detail: <span>assignment <span className="soft">of the task, before the rules</span></span> },
  { value: 'override', label: 'override', detail: <span>override <span className="soft">an administrator’s, before the rules</span></span> },
]

/** FilterBar narrows the list; what is chosen is in the address. */
export function FilterBar({ of: f, onChange, onClear }: Props) {
  const can = useCan()
  const rules = useGet('/api/v1/rules', {}, { enabled: can('GET', '/api/v1/rules'), staleTime: 60_000 })
  const { rows: models } = useModels()
  const ruleOptions = [...(rules.data?.data ?? []).flatMap((r) => (r.id ? [{ value: r.id, label: r.name || r.id, group: r.id }] : [])), ...deciders]
  const providers = [...new Set(models.map((m) => m.provider))].filter(Boolean).sort()
  const narrowed = [f.rule, f.model, f.provider, f.outcome, f.key, f.user, f.team, f.session, f.since].filter(Boolean).length
  return (
    <section className="requests-filters" aria-label="Filters">
      <div className="filters">
        <Field label="Since">{(x) => <Select {...x} value={f.since} onChange={(e) => onChange({ since: e.target.value })} options={spans.map((s) => ({ value: s.id, label: s.title }))} />}</Field>
        <Field label="Outcome">{(x) => <Select {...x} value={f.outcome} onChange={(e) => onChange({ outcome: e.target.value })} options={outcomeOptions(f.outcome)} />}</Field>
        <Field label="Decided by">{(x) => <Combobox {...x} options={ruleOptions} value={f.rule} onChange={(rule) => onChange({ rule })} free clearable placeholder="All" />}</Field>
        <Field label="Served by model">{(x) => <ModelPicker {...x} value={f.model} onChange={(model) => onChange({ model })} clearable placeholder="All" />}</Field>
        <Field label="Provider">{(x) => <Combobox {...x} options={providers.map((p) => ({ value: p, label: p }))} value={f.provider} onChange={(provider) => onChange({ provider })} free clearable placeholder="All" />}</Field>
        <Field label="Key">{(x) => <OwnerPicker {...x} kind="key" account={f.account} value={f.key} onChange={(key) => onChange({ key })} />}</Field>
        {can('GET', '/api/v1/users') && <Field label="User">{(x) => <OwnerPicker {...x} kind="user" account={f.account} value={f.user} onChange={(user) => onChange({ user })} />}</Field>}
        {narrowed > 0 && <Button icon="close" onClick={onClear}>Clear {narrowed === 1 ? 'the filter' : `${narrowed} filters`}</Button>}
      </div>
      {(f.session || f.team) && <p className="soft">Only {f.session && <>the session <code>{f.session}</code></>}{f.session && f.team && ' and '}{f.team && <>the team <code>{f.team}</code></>}.</p>}
    </section>
  )
}

function outcomeOptions(chosen: string) {
  const all = [{ value: '', label: 'All' }, { value: 'ok', label: 'Answered' }, { value: 'failed', label: 'Any error' }, ...codes.map((c) => ({ value: c, label: codeWords(c), group: 'One error' }))]
  return all.some((o) => o.value === chosen) ? all : [...all, { value: chosen, label: codeWords(chosen), group: 'One error' }]
}
