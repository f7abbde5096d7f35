import { useId, useRef, useState, type ComponentProps, type KeyboardEvent, type ReactNode } from 'react'
import { Icon } from './Icon'

type FieldProps = {
  label: ReactNode
  hint?: ReactNode
  /** What is wrong with the value. */
  error?: ReactNode
  /** Of filters: the label is for those who cannot see what the control is. */
  bare?: boolean
  children: (control: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true }) => ReactNode
}

/** Field is a control with its label, hint and error: `<Field label="Name">{(f) => <Input {...f} … />}</Field>`. */
export function Field({ label, hint, error, bare = false, children }: FieldProps) {
  const id = useId()
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ')
  return (
    <div className="field">
      <label htmlFor={id} className={bare ? 'sr' : 'field-label'}>{label}</label>
      {children({ id, ...(described ? { 'aria-describedby': described } : {}), ...(error ? { 'aria-invalid': true as const } : {}) })}
      {hint && <p id={`${id}-hint`} className="field-hint">{hint}</p>}
      {error && <p id={`${id}-error`} className="field-error" role="alert"><Icon name="triangle" size={14} /> {error}</p>}
    </div>
  )
}

export const Input = (p: Omit<ComponentProps<'input'>, 'className'>) => <input {...p} className="input" />
export const TextArea = (p: Omit<ComponentProps<'textarea'>, 'className'> & { mono?: boolean }) => {
  const { mono, ...rest } = p
  return <textarea rows={4} {...rest} className={`input${mono ? ' mono' : ''}`} />
}

export type Option = { value: string; label: string; /** More about it, of a Combobox. */ detail?: ReactNode; group?: string; disabled?: boolean }

export function Select({ options, ...rest }: Omit<ComponentProps<'select'>, 'className' | 'children'> & { options: readonly Option[] }) {
  const groups = [...new Set(options.map((o) => o.group ?? ''))]
  const one = (o: Option) => <option key={o.value} value={o.value} disabled={o.disabled}>{o.label}</option>
  return (
    <span className="select">
      <select {...rest} className="input">
        {groups.map((g) => (g === '' ? options.filter((o) => !o.group).map(one) : <optgroup key={g} label={g}>{options.filter((o) => o.group === g).map(one)}</optgroup>))}
      </select>
      <Icon name="chevron" size={14} />
    </span>
  )
}

export function Checkbox({ label, hint, ...rest }: Omit<ComponentProps<'input'>, 'className' | 'type'> & { label: ReactNode; hint?: ReactNode }) {
  return (
    <label className="checkbox">
      <input {...rest} type="checkbox" />
      <span>{label}{hint && <span className="field-hint"> {hint}</span>}</span>
    </label>
  )
}

type ComboboxProps = {
  id?: string
  'aria-describedby'?: string
  'aria-label'?: string
  options: readonly Option[]
  value: string
  onChange: (value: string) => void
  placeholder?: string
  /** Takes text that is no option. */
  free?: boolean
  /** Lets the value be taken away. */
  clearable?: boolean
  disabled?: boolean
}

/** Combobox is a select that is searched by typing (ARIA 1.2's editable combobox with a list). */
export function Combobox({ options, value, onChange, free = false, clearable = false, placeholder, disabled, ...aria }: ComboboxProps) {
  const made = useId()
  const id = aria.id ?? made
  const [text, setText] = useState<string | null>(null) // null: closed, the value's label is shown
  const [at, setAt] = useState(-1)
  const list = useRef<HTMLUListElement>(null)
  const label = options.find((o) => o.value === value)?.label ?? value
  const words = (text ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  const shown = text === null ? [] : options.filter((o) => words.every((w) => `${o.label} ${o.value} ${o.group ?? ''}`.toLowerCase().includes(w)))

  const choose = (o: Option) => {
    if (o.disabled) return
    onChange(o.value)
    setText(null)
  }
  const move = (to: number) => {
    const i = (to + shown.length) % Math.max(1, shown.length)
    setAt(i)
    list.current?.children[i]?.scrollIntoView({ block: 'nearest' })
  }
  const keys = (e: KeyboardEvent) => {
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      if (text === null) {
        setText('')
        setAt(Math.max(0, options.findIndex((o) => o.value === value)))
      } else move(at + (e.key === 'ArrowDown' ? 1 : -1))
    } else if (e.key === 'Enter' && text !== null && shown[at]) choose(shown[at])
    else if (e.key === 'Escape' && text !== null) {
      setText(null)
      e.stopPropagation()
    } else return
    e.preventDefault()
  }
  return (
    <div className="combobox">
      <input
        {...aria} id={id} className="input" role="combobox" autoComplete="off" spellCheck={false} disabled={disabled}
        aria-expanded={text !== null} aria-controls={`${id}-list`} aria-autocomplete="list"
        aria-activedescendant={text !== null && shown[at] ? `${id}-${at}` : undefined}
        placeholder={placeholder ?? (text !== null ? label : undefined)} value={text ?? label}
        onChange={(e) => { setText(e.target.value); setAt(0) }}
        onClick={() => { if (text === null) { setText(''); setAt(options.findIndex((o) => o.value === value)) } }}
        onKeyDown={keys}
        onBlur={() => {
          if (text !== null && text !== '' && free) onChange(text)
          setText(null)
        }}
      />
      {clearable && value !== '' && text === null && !disabled
        ? <button type="button" className="icon-button combobox-end" aria-label="Clear" onClick={() => onChange('')}><Icon name="close" size={14} /></button>
        : <span className="combobox-end combobox-arrow"><Icon name="chevron" size={14} /></span>}
      <ul ref={list} id={`${id}-list`} role="listbox" className="combobox-list" hidden={text === null} aria-label="Choices">
        {shown.map((o, i) => (
          <li
            key={o.value} id={`${id}-${i}`} role="option" aria-selected={o.value === value} aria-disabled={o.disabled || undefined}
            className={i === at ? 'at' : undefined} onMouseDown={(e) => { e.preventDefault(); choose(o) }}
          >
            {o.detail ?? o.label}
          </li>
        ))}
        {text !== null && shown.length === 0 && <li className="soft" role="option" aria-selected="false" aria-disabled="true">{free ? 'Nothing known matches; the text is taken as it is.' : 'Nothing matches.'}</li>}
      </ul>
    </div>
  )
}
