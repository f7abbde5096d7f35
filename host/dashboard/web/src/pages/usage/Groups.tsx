import { count, decimal, percent, took } from '../../api/format'
import { useGet } from '../../api/query'
import { Card, DataTable, Empty, FamilyMark, Field, ModelName, Money, Note, Select, useOwners, useUrlState, type Column } from '../../ui'
import type { Filter } from './index'
import type { Group } from './metrics'

const groupings = ['model', 'family', 'provider', 'team', 'user', 'key', 'rule', 'task', 'account'] as const

/** Groups is the figures of each model, user, key, or what else is chosen. */
export function Groups({ filter, accounts }: { filter: Filter; accounts: boolean }) {
  const [chosen, setBy] = useUrlState('by', 'model')
  const by = groupings.find((g) => g === chosen) ?? 'model'
  const q = useGet('/api/v1/usage', { query: { ...filter, group_by: [by], limit: 200 } }, { live: true, keep: true })
  const [team, user, key] = [useOwners('team', filter.account_id), useOwners('user', filter.account_id), useOwners('key', filter.account_id)]
  const name = (g: Group) => {
    const id = g.group?.[by] ?? ''
    return id === '' ? 'none' : by === 'team' ? team.name(id) : by === 'user' ? user.name(id) : by === 'key' ? key.name(id) : id
  }
  const title = by.slice(0, 1).toUpperCase() + by.slice(1)
  const columns: Column<Group>[] = [
    { key: 'group', title, by: name, narrow: 'title', cell: (g) => (by === 'model' && g.group?.model ? <ModelName id={g.group.model} /> : by === 'family' && g.group?.family ? <FamilyMark family={g.group.family} /> : name(g)) },
    { key: 'requests', title: 'Requests', end: true, by: (g) => g.requests, cell: (g) => count(g.requests) },
    { key: 'errors', title: 'Errors', end: true, by: (g) => (g.attempts > 0 ? g.error_rate : null), cell: (g) => (g.attempts > 0 ? percent(g.error_rate) : '–') },
    { key: 'in', title: 'Tokens in', end: true, by: (g) => g.tokens.prompt, cell: (g) => count(g.tokens.prompt) },
    { key: 'out', title: 'Out', end: true, by: (g) => g.tokens.completion, cell: (g) => count(g.tokens.completion) },
    { key: 'p50', title: 'p50', end: true, by: (g) => (g.latency_ms.count > 0 ? g.latency_ms.p50 : null), cell: (g) => (g.latency_ms.count > 0 ? took(g.latency_ms.p50) : '–') },
    { key: 'p95', title: 'p95', end: true, by: (g) => (g.latency_ms.count > 0 ? g.latency_ms.p95 : null), cell: (g) => (g.latency_ms.count > 0 ? took(g.latency_ms.p95) : '–') },
    { key: 'first', title: 'First byte p95', end: true, by: (g) => (g.first_byte_ms.count > 0 ? g.first_byte_ms.p95 : null), cell: (g) => (g.first_byte_ms.count > 0 ? took(g.first_byte_ms.p95) : '–') },
    { key: 'premium', title: 'Premium', end: true, by: (g) => g.premium_requests, cell: (g) => decimal(g.premium_requests) },
    { key: 'cost', title: 'Cost', end: true, by: (g) => g.cost_nano_usd, cell: (g) => <Money nano={g.cost_nano_usd} /> },
  ]
  return (
    <Card flush title={`By ${by}`} aside={<Field label="Group by" bare>{(f) => <Select {...f} value={by} onChange={(e) => setBy(e.target.value)} options={groupings.filter((g) => accounts || g !== 'account').map((g) => ({ value: g, label: `By ${g}` }))} />}</Field>}>
      <DataTable label={`Usage by ${by}`} rows={q.data?.groups ?? []} columns={columns} id={(g) => g.group?.[by] ?? ''} loading={q.isPending} error={q.error} retry={() => void q.refetch()} sort={{ key: 'requests', down: true }} empty={<Empty title="Nothing in this time">Choose a longer time, or fewer filters.</Empty>} />
      {q.data?.more && <div className="usage-note"><Note>There are more: these are the 200 dearest. The export has all.</Note></div>}
    </Card>
  )
}
