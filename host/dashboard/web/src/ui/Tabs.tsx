import { useId, useRef, type KeyboardEvent, type ReactNode } from 'react'

export type Tab = { id: string; title: ReactNode; panel: ReactNode }

/** Tabs shows one of several panels. Arrow keys move between the tabs. */
export function Tabs({ label, tabs, at, onChange }: { label: string; tabs: readonly Tab[]; at: string; onChange: (id: string) => void }) {
  const base = useId()
  const list = useRef<HTMLDivElement>(null)
  const current = tabs.find((t) => t.id === at) ?? tabs[0]
  const keys = (e: KeyboardEvent) => {
    const i = tabs.findIndex((t) => t.id === current?.id)
    const to = e.key === 'ArrowRight' ? i + 1 : e.key === 'ArrowLeft' ? i - 1 : e.key === 'Home' ? 0 : e.key === 'End' ? tabs.length - 1 : NaN
    const t = tabs[(to + tabs.length) % tabs.length]
    if (!t) return
    e.preventDefault()
    onChange(t.id)
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[tabs.indexOf(t)]?.focus()
  }
  return (
    <>
      <div ref={list} className="tabs" role="tablist" aria-label={label} onKeyDown={keys}>
        {tabs.map((t) => (
          <button
            key={t.id} type="button" role="tab" id={`${base}-${t.id}`} className="tab" aria-selected={t === current}
            aria-controls={`${base}-panel`} tabIndex={t === current ? 0 : -1} onClick={() => onChange(t.id)}
          >{t.title}</button>
        ))}
      </div>
      <div id={`${base}-panel`} role="tabpanel" className="tab-panel" aria-labelledby={`${base}-${current?.id ?? ''}`}>{current?.panel}</div>
    </>
  )
}
