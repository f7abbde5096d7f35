import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { count, took } from '../../api/format'
import { useList, type Data } from '../../api/query'
import { useCan } from '../../api/session'
import { Ago, Card, DataTable, Empty, ModelName, Money, StatusWord, type Column } from '../../ui'
import type { Filter } from './index'

type Row = NonNullable<Data<'get', '/api/v1/usage'>['data']>[number]

const words: Record<Row['outcome'], [status: string, word: string]> = { ok: ['up', 'Answered'], failed: ['down', 'Failed'], truncated: ['degraded', 'Broke off'], canceled: ['unknown', 'Caller left'], interrupted: ['degraded', 'Interrupted'] }

/** Rows is the ledger's own rows, newest first: one for each attempt. */
export function Rows({ filter, aside }: { filter: Filter; aside: ReactNode }) {
  const can = useCan()('GET', '/api/v1/decisions')
  const list = useList('/api/v1/usage', { query: { ...filter, limit: 25 } }, { keep: true })
  const columns: Column<Row>[] = [
    { key: 'at', title: 'When', cell: (r) => <Ago at={r.started_at} />, narrow: 'title' },
    { key: 'model', title: 'Model', cell: (r) => (r.model ? <ModelName id={r.model} /> : '–') },
    { key: 'provider', title: 'Provider', cell: (r) => r.provider },
    { key: 'outcome', title: 'Outcome', cell: (r) => (r.kind === 'attempt' ? <StatusWord status={words[r.outcome][0]} word={words[r.outcome][1]} /> : r.kind === 'correction' ? 'Correction' : 'From elsewhere') },
    { key: 'tokens', title: 'Tokens', end: true, cell: (r) => <>{count(r.tokens.prompt + r.tokens.completion)}{r.estimated && <span className="soft"> estimated</span>}</> },
    { key: 'took', title: 'Took', end: true, cell: (r) => (r.kind !== 'attempt' ? '–' : took(r.latency_ms)) },
    { key: 'cost', title: 'Cost', end: true, cell: (r) => (r.cost_nano_usd === null ? 'no price' : <Money nano={r.cost_nano_usd} />) },
    ...(can ? [{ key: 'request', title: 'Request', cell: (r: Row) => (r.kind === 'attempt' ? <Link to="/requests" search={{ id: r.request_id, ...(filter.account_id ? { account: filter.account_id } : {}) }}>Open<span className="sr"> request {r.request_id}</span></Link> : '–') }] : []),
  ]
  return (
    <Card flush title="Attempts" aside={<>{aside}</>}>
      <DataTable label="Attempts" rows={list.rows} columns={columns} id={(r) => r.id} loading={list.loading} error={list.error} retry={list.refresh} more={list.more} loadingMore={list.loadingMore} empty={<Empty title="Nothing in this time">Choose a longer time, or fewer filters.</Empty>} />
    </Card>
  )
}
