import { Field, IconButton, ModelPicker, Select } from '../../ui'

type Props = { label: string; hint?: string; value: readonly string[] | null; onChange: (value: readonly string[] | null) => void; disabled?: boolean; /** What no list means. */ unset?: string; /** Without the choice of no list. */ always?: boolean }

/** ModelList is a list of models, in order. */
export function ModelList({ label, hint, value, onChange, disabled = false, unset = 'Not set', always = false }: Props) {
  const shown = value ?? (always ? [] : null)
  return (
    <div className="model-list" role="group" aria-label={label}>
      {!always && <Field label={label} hint={hint}>{(f) => <Select {...f} disabled={disabled} value={shown ? 'these' : ''} onChange={(e) => onChange(e.target.value ? [] : null)} options={[{ value: '', label: unset }, { value: 'these', label: 'These models' }]} />}</Field>}
      {shown && (
        <>
          {shown.length > 0 && (
            <ol className="model-rows">
              {shown.map((id) => <li key={id}><code>{id}</code> {!disabled && <IconButton icon="close" label={`Take ${id} off ${label}`} onClick={() => onChange(shown.filter((x) => x !== id))} />}</li>)}
            </ol>
          )}
          {!disabled && <Field label={always ? label : `Add to ${label}`} bare={!always} hint={always ? hint : undefined}>{(f) => <ModelPicker {...f} value="" placeholder="Add a model" onChange={(id) => { if (id && !shown.includes(id)) onChange([...shown, id]) }} />}</Field>}
        </>
      )}
    </div>
  )
}
