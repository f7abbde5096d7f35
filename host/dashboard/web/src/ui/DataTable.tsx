import { useMemo, useState, type KeyboardEvent, type ReactNode } from 'react'
import type { Problem } from '../api/problem'
import { Button } from './Button'
import { Empty, Failure, Loading } from './Card'
import { Icon } from './Icon'

export type Column<R> = {
  key: string
  title: string
  cell: (row: R) => ReactNode
  /** What to sort by; without it the column cannot be sorted. null sorts last, either way. */
  by?: (row: R) => number | string | null
  /** Figures stand at the end of their column. */
  end?: boolean
  /** On narrow screens: 'title' heads the row's card, 'hide' is left to the drawer. */
  narrow?: 'title' | 'hide'
}

type Props<R> = {
  /** Names the table for everybody who cannot see what is around it. */
  label: string
  rows: readonly R[]
  columns: readonly Column<R>[]
  id: (row: R) => string
  onOpen?: (row: R) => void
  /** The id of the row that is open elsewhere. */
  open?: string
  sort?: { key: string; down?: boolean }
  loading?: boolean
  error?: Problem | null
  retry?: () => void
  empty?: ReactNode
  more?: (() => void) | undefined
  loadingMore?: boolean
}

function compare(a: number | string | null, b: number | string | null): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a).localeCompare(String(b), undefined, { numeric: true })
}

/** DataTable is a table that sorts, is walked with j, k and Enter, and becomes cards where it is narrow. */
export function DataTable<R>(p: Props<R>) {
  const [sort, setSort] = useState(p.sort ?? null)
  const [at, setAt] = useState<string | null>(null)
  const rows = useMemo(() => {
    const by = p.columns.find((c) => c.key === sort?.key)?.by
    if (!by) return p.rows
    return [...p.rows].sort((a, b) => {
      const [x, y] = [by(a), by(b)]
      if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1
      return sort?.down ? compare(y, x) : compare(x, y)
    })
  }, [p.rows, p.columns, sort])

  if (p.error && rows.length === 0) return <Failure error={p.error} {...(p.retry ? { retry: p.retry } : {})} what={p.label} />
  if (p.loading && rows.length === 0) return <Loading what={p.label} rows={5} />
  if (rows.length === 0) return <>{p.empty ?? <Empty title="Nothing here yet" />}</>

  const current = rows.some((r) => p.id(r) === at) ? at : p.id(rows[0]!)
  const keys = (e: KeyboardEvent<HTMLTableSectionElement>) => {
    if (e.ctrlKey || e.metaKey || e.altKey || !(e.target instanceof HTMLElement)) return
    if (e.target.closest('input, select, textarea')) return
    const own = e.target.tagName === 'TR'
    const i = rows.findIndex((r) => p.id(r) === (e.target as HTMLElement).closest('tr')?.dataset.id)
    const to = e.key === 'j' || (own && e.key === 'ArrowDown') ? i + 1 : e.key === 'k' || (own && e.key === 'ArrowUp') ? i - 1 : own && e.key === 'Home' ? 0 : own && e.key === 'End' ? rows.length - 1 : -1
    if (own && e.key === 'Enter' && rows[i]) p.onOpen?.(rows[i])
    else if (to >= 0 && rows[to]) {
      setAt(p.id(rows[to]))
      e.currentTarget.querySelectorAll<HTMLElement>('tr[data-id]')[to]?.focus()
    } else return
    e.preventDefault()
  }

  return (
    <div className="table-frame">
      {p.error && <Failure error={p.error} {...(p.retry ? { retry: p.retry } : {})} what="Not up to date" />}
      <table className="table">
        <caption className="sr">{p.label}{p.onOpen ? '. j and k move, Enter opens.' : ''}</caption>
        <thead>
          <tr>
            {p.columns.map((c) => {
              const sorted = sort?.key === c.key
              return (
                <th key={c.key} scope="col" className={c.end ? 'end' : undefined} aria-sort={sorted ? (sort.down ? 'descending' : 'ascending') : undefined}>
                  {c.by ? (
                    <button type="button" className="th-button" onClick={() => setSort({ key: c.key, down: sorted ? !sort.down : (c.end ?? false) })}>
                      {c.title}
                      <Icon name={sorted ? (sort.down ? 'down' : 'up') : 'sort'} size={13} />
                    </button>
                  ) : c.title}
                </th>
              )
            })}
          </tr>
        </thead>
        <tbody onKeyDown={keys}>
          {rows.map((r) => {
            const id = p.id(r)
            return (
              <tr
                key={id} data-id={id} className={p.open === id ? 'chosen' : undefined} aria-current={p.open === id || undefined}
                {...(p.onOpen ? { tabIndex: id === current ? 0 : -1, onFocus: () => setAt(id), onClick: (e) => { if (!(e.target as HTMLElement).closest('a, button, input, select, label') && !window.getSelection()?.toString()) p.onOpen?.(r) } } : {})}
              >
                {p.columns.map((c) => (
                  <td key={c.key} data-title={c.title} className={`${c.end ? 'end' : ''}${c.narrow ? ` narrow-${c.narrow}` : ''}`}>{c.cell(r)}</td>
                ))}
              </tr>
            )
          })}
        </tbody>
      </table>
      {p.more && <div className="table-more"><Button onClick={p.more} busy={p.loadingMore ?? false}>Show more</Button></div>}
    </div>
  )
}
