import './requests.css'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback, useEffect, useMemo, useRef } from 'react'
import { count, took } from '../../api/format'
import { useCan } from '../../api/session'
import { AccountPicker, Ago, Button, Card, Checkbox, DataTable, Empty, ModelName, Money, Note, Page as Frame, useUrlState, type Column } from '../../ui'
import { FilterBar } from './Filters'
import { isNarrowedHere, keeps, names, queryOf, type Filters } from './filters'
import { Outcome } from './Outcome'
import { RequestDrawer } from './RequestDrawer'
import type { Decision } from './tail'
import { useTail } from './useTail'
import { useRuleNames } from './useRuleNames'
import { deciderWords } from './whole'

/** useFilters is the filters of the address; a change keeps what else is there. */
function useFilters(): [Filters, (change: Partial<Filters>) => void] {
  const search: Record<string, unknown> = useSearch({ strict: false })
  const navigate = useNavigate()
  const f = Object.fromEntries(names.map((n) => [n, typeof search[n] === 'string' ? search[n] : ''])) as Filters
  const set = useCallback((change: Partial<Filters>) => {
    void navigate({ to: '.', replace: true, resetScroll: false, search: (old: Record<string, unknown>) => ({ ...old, ...change }) } as never)
  }, [navigate])
  return [f, set]
}

/** Page is the requests that were decided, as they come, each with everything that was decided of it. */
export function Page() {
  const [filters, setFilters] = useFilters()
  const can = useCan()
  const clear = () => setFilters({ rule: '', model: '', provider: '', outcome: '', key: '', user: '', team: '', session: '', since: '' })
  // The span begins when it is chosen: rows do not leave while they are read.
  const text = JSON.stringify(filters)
  const query = useMemo(() => queryOf(JSON.parse(text) as Filters, Date.now()), [text])
  return (
    <Frame
      title="Requests" lead="Every request that was decided, newest first. Open one to see why it went where it went, and what it cost."
      actions={<AccountPicker value={filters.account} onChange={(account) => setFilters({ account, key: '', user: '', team: '' })} />}
    >
      <div className="requests">
        <FilterBar of={filters} onChange={setFilters} onClear={clear} />
        <List key={JSON.stringify(query)} query={query} filters={filters} admin={can('GET', '/api/v1/users')} onClear={clear} />
      </div>
    </Frame>
  )
}

type ListProps = { query: ReturnType<typeof queryOf>; filters: Filters; admin: boolean; onClear: () => void }

function List({ query, filters, admin, onClear }: ListProps) {
  const [id, setId] = useUrlState('id')
  const [, setPart] = useUrlState('part')
  const [follow, setFollow] = useUrlState('follow')
  const { tail, loading, error, retry, showFresh, more, loadingMore } = useTail(query, follow === 'on')
  const rows = tail.rows.filter((d) => keeps(filters, d))
  const fresh = tail.fresh.filter((d) => keeps(filters, d)).length
  const ruleName = useRuleNames()
  const table = useRef<HTMLDivElement>(null)
  const at = rows.findIndex((d) => d.request_id === id)

  // j and k work wherever the reader is, as long as nothing is being typed; in the drawer they change the request.
  const state = useRef({ at, rows, id })
  state.current = { at, rows, id }
  useEffect(() => {
    const keys = (e: KeyboardEvent) => {
      if ((e.key !== 'j' && e.key !== 'k') || e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return
      const on = e.target instanceof HTMLElement ? e.target : null
      if (on?.closest('input, select, textarea, [contenteditable]')) return
      const s = state.current
      if (s.id) {
        const to = s.at < 0 ? undefined : s.rows[s.at + (e.key === 'j' ? 1 : -1)]
        if (to) setId(to.request_id)
      } else table.current?.querySelector<HTMLElement>('tr[tabindex="0"]')?.focus()
      e.preventDefault()
    }
    document.addEventListener('keydown', keys)
    return () => document.removeEventListener('keydown', keys)
  }, [setId])

  // The reader goes on where the drawer was, which j and k may have moved.
  const back = (row: string) => setTimeout(() => table.current?.querySelector<HTMLElement>(`tr[data-id="${CSS.escape(row)}"]`)?.focus())

  const columns: Column<Decision>[] = [
    { key: 'at', title: 'When', cell: (d) => <Ago at={d.at} />, narrow: 'title' },
    { key: 'asked', title: 'Asked for', cell: (d) => <span className="requests-asked">{d.asked || '–'}{d.operation !== 'chat' && <span className="soft"> {d.operation}</span>}</span> },
    { key: 'rule', title: 'Decided by', cell: (d) => <span className="requests-rule" title={deciderWords(d.rule, null)}>{ruleName(d.rule)}{d.variant && <span className="soft"> in trial</span>}</span> },
    { key: 'model', title: 'Served by', cell: (d) => (d.model ? <ModelName id={d.model} /> : <span className="soft">no model</span>) },
    { key: 'outcome', title: 'Outcome', cell: (d) => <Outcome of={d} /> },
    ...(admin ? [{ key: 'user', title: 'User', cell: (d: Decision) => d.user_id || '–', narrow: 'hide' as const }] : []),
    { key: 'tokens', title: 'Tokens', end: true, cell: (d) => (d.attempts > 0 ? count(d.tokens.prompt + d.tokens.completion) : '–') },
    { key: 'took', title: 'Took', end: true, cell: (d) => (d.attempts > 0 ? took(d.latency_ms) : '–') },
    { key: 'cost', title: 'Cost', end: true, cell: (d) => (d.attempts > 0 ? <Money nano={d.cost_nano_usd} /> : '–') },
  ]
  return (
    <>
      <Card
        flush title={<>Requests {rows.length > 0 && <span className="soft">{count(rows.length)}{more ? ' newest' : ''}</span>}</>}
        aside={<>
          <span className="requests-keys soft"><kbd>j</kbd> <kbd>k</kbd> move, <kbd>Enter</kbd> opens</span>
          <Checkbox label="Show new ones at once" checked={follow === 'on'} onChange={(e) => { setFollow(e.target.checked ? 'on' : ''); if (e.target.checked) showFresh() }} />
        </>}
      >
        <div ref={table}>
          {fresh > 0 && (
            <div className="requests-new"><Button kind="primary" small icon="up" onClick={showFresh}>{tail.missed ? `More than ${count(fresh)} new` : `${count(fresh)} new`}</Button></div>
          )}
          <p className="sr" role="status">{fresh > 0 ? 'New requests came.' : ''}</p>
          {isNarrowedHere(filters) && tail.rows.length > 0 && (
            <div className="requests-note"><Note>{filters.provider ? 'Providers are' : '“Any error” is'} looked for in the {count(tail.rows.length)} newest requests that were read. {more ? '“Show more” reads older ones.' : 'Those are all.'}</Note></div>
          )}
          <DataTable
            label="Requests" rows={rows} columns={columns} id={(d) => d.request_id} onOpen={(d) => setId(d.request_id)} open={id}
            loading={loading} error={error} retry={retry} more={more} loadingMore={loadingMore} empty={<None filters={filters} more={more} onClear={onClear} />}
          />
        </div>
      </Card>
      {id && (
        <RequestDrawer
          id={id} account={rows[at]?.account_id ?? filters.account} onClose={() => { setId(''); setPart(''); back(id) }}
          {...(at >= 0 && rows[at - 1] ? { newer: () => setId(rows[at - 1]!.request_id) } : {})}
          {...(at >= 0 && rows[at + 1] ? { older: () => setId(rows[at + 1]!.request_id) } : {})}
        />
      )}
    </>
  )
}

function None({ filters, more, onClear }: { filters: Filters; more: (() => void) | undefined; onClear: () => void }) {
  const narrowed = names.some((n) => n !== 'account' && filters[n] !== '')
  if (narrowed) return <Empty title="No request matches the filters">{more ? <Button onClick={more}>Read older requests</Button> : <Button onClick={onClear}>Clear the filters</Button>}</Empty>
  return <Empty title="No request is recorded yet">Send one to <code>/v1/chat/completions</code> with the model <code>auto</code>. What is recorded, and for how long, is a setting of the account.</Empty>
}
