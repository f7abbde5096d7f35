import { useCan } from '../../api/session'
import { Button, Checkbox, Field, IconButton, Input, ModelPicker, OwnerPicker, Select } from '../../ui'
import { actions, periods, type Budget, type Draft, type DraftThreshold } from './budget'

type Props = { draft: Draft; onChange: (d: Draft) => void; wrong: { amount?: string; thresholds?: string }; account: string; onSubmit: () => void }

/** BudgetForm is what a budget is about, how much it is, and what happens on the way there. */
export function BudgetForm({ draft: d, onChange, wrong, account, onSubmit }: Props) {
  const can = useCan()
  const set = (change: Partial<Draft>) => onChange({ ...d, ...change })
  return (
    <form className="stack" onSubmit={(e) => { e.preventDefault(); onSubmit() }}>
      <Field label="Name">{(f) => <Input {...f} value={d.name} maxLength={128} onChange={(e) => set({ name: e.target.value })} />}</Field>
      <div className="budget-two">
        <Field label="Amount in US dollars" error={wrong.amount}>{(f) => <Input {...f} value={d.amount} inputMode="decimal" placeholder="25.00" onChange={(e) => set({ amount: e.target.value })} />}</Field>
        <Field label="For">{(f) => <Select {...f} value={d.period} onChange={(e) => set({ period: e.target.value as Budget['period'] })} options={periods} />}</Field>
      </div>
      <Checkbox label="Refuse what would go beyond it" hint="A hard limit: 429 budget_exceeded before the request begins." checked={d.hard} onChange={(e) => set({ hard: e.target.checked })} />
      <fieldset className="stack">
        <legend className="field-label">About requests of (nothing chosen: the whole account)</legend>
        <div className="budget-two">
          {can('GET', '/api/v1/teams') && <Field label="Team">{(f) => <OwnerPicker {...f} kind="team" account={account} value={d.team} onChange={(team) => set({ team })} placeholder="Any" />}</Field>}
          {can('GET', '/api/v1/users') && <Field label="User">{(f) => <OwnerPicker {...f} kind="user" account={account} value={d.user} onChange={(user) => set({ user })} placeholder="Any" />}</Field>}
          <Field label="Key">{(f) => <OwnerPicker {...f} kind="key" account={account} value={d.key} onChange={(key) => set({ key })} placeholder="Any" />}</Field>
          <Field label="Model">{(f) => <ModelPicker {...f} value={d.model} onChange={(model) => set({ model })} clearable placeholder="Any" />}</Field>
        </div>
      </fieldset>
      <Thresholds list={d.thresholds} onChange={(thresholds) => set({ thresholds })} />
      {wrong.thresholds && <p className="field-error" role="alert">{wrong.thresholds}</p>}
      <Checkbox label="In force" checked={d.enabled} onChange={(e) => set({ enabled: e.target.checked })} />
      <button type="submit" hidden />
    </form>
  )
}

function Thresholds({ list, onChange }: { list: readonly DraftThreshold[]; onChange: (list: DraftThreshold[]) => void }) {
  const set = (i: number, change: Partial<DraftThreshold>) => onChange(list.map((t, j) => (i === j ? { ...t, ...change } : t)))
  return (
    <fieldset className="stack">
      <legend className="field-label">Thresholds: what happens when a part of it is used</legend>
      {list.map((t, i) => (
        <div key={i} className="budget-threshold" role="group" aria-label={`Threshold ${i + 1}`}>
          <div className="row spread">
            <span className="row">
              <Field label={`Percent of threshold ${i + 1}`} bare>{(f) => <Input {...f} type="number" min={1} max={1000} inputMode="numeric" value={t.percent} onChange={(e) => set(i, { percent: e.target.value })} />}</Field>
              <span aria-hidden="true">%</span>
              <Field label={`Threshold ${i + 1} is of`} bare>{(f) => <Select {...f} value={t.projected ? 'projected' : 'spent'} onChange={(e) => set(i, { projected: e.target.value === 'projected' })} options={[{ value: 'spent', label: 'is spent' }, { value: 'projected', label: 'is projected' }]} />}</Field>
            </span>
            <IconButton icon="trash" label={`Remove threshold ${i + 1}`} onClick={() => onChange(list.filter((_, j) => j !== i))} />
          </div>
          <div className="row">
            {actions.map((a) => (
              <Checkbox key={a.value} label={a.label} title={a.hint} checked={t.actions.includes(a.value)} onChange={(e) => set(i, { actions: e.target.checked ? [...t.actions, a.value] : t.actions.filter((x) => x !== a.value) })} />
            ))}
          </div>
        </div>
      ))}
      {list.length < 16 && <p><Button small icon="plus" onClick={() => onChange([...list, { percent: '50', projected: false, actions: ['event'] }])}>Add a threshold</Button></p>}
    </fieldset>
  )
}
