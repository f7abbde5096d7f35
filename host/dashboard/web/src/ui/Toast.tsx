import { useEffect, useRef, useSyncExternalStore } from 'react'
import { asProblem } from '../api/problem'
import { IconButton } from './Button'
import { Icon } from './Icon'

type Shown = { id: number; kind: 'good' | 'bad'; text: string; next: string }

let list: readonly Shown[] = []
let last = 0
const listeners = new Set<() => void>()
const become = (next: readonly Shown[]) => {
  list = next
  for (const l of listeners) l()
}
const drop = (id: number) => become(list.filter((t) => t.id !== id))

/** toast says that something was done. It leaves by itself. */
export function toast(text: string): void {
  const id = ++last
  become([...list, { id, kind: 'good' as const, text, next: '' }].slice(-3))
  setTimeout(() => drop(id), 6000)
}

/** toastFailure says that something failed, and what to do. It stays until it is closed. */
export function toastFailure(thrown: unknown): void {
  const p = asProblem(thrown)
  become([...list, { id: ++last, kind: 'bad' as const, text: p.message, next: p.next }].slice(-3))
}

/** Toasts is where they are shown; the shell has it once. */
export function Toasts() {
  const shown = useSyncExternalStore((l) => (listeners.add(l), () => listeners.delete(l)), () => list)
  const box = useRef<HTMLDivElement>(null)
  // A popover that was shown last is above every open dialog.
  useEffect(() => {
    const el = box.current
    if (!el?.showPopover) return
    if (el.matches(':popover-open')) el.hidePopover()
    if (shown.length > 0) el.showPopover()
  }, [shown])
  return (
    <div ref={box} popover="manual" className="toasts" role="status" aria-live="polite">
      {shown.map((t) => (
        <div key={t.id} className={`toast toast-${t.kind}`}>
          <Icon name={t.kind === 'good' ? 'check' : 'triangle'} />
          <div><p>{t.text}</p>{t.next && <p className="soft">{t.next}</p>}</div>
          <IconButton icon="close" label="Dismiss" onClick={() => drop(t.id)} />
        </div>
      ))}
    </div>
  )
}
