import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { count, decimal, percent, usd } from '../../api/format'
import { useGet } from '../../api/query'
import { useSession } from '../../api/session'
import { dayLength, iso, useStep } from '../../api/window'
import { familyStyle } from '../../theme/families'
import { Card, DataTable, Empty, Failure, FamilyMark, Field, Loading, ModelName, Money, Note, Select, useOwners, useUrlState, type Column } from '../../ui'
import { Columns } from './Columns'
import { groupings, pilesOf, rest, spans, stepsOf, type CostRow, type Grouping, type Pile } from './groups'

const palette = ['gemini', 'claude', 'gpt', 'codex', 'raptor'] as const

/** useNames writes a group's id as a name. */
function useNames(by: Grouping, account: string): (id: string) => string {
  const team = useOwners('team', account)
  const user = useOwners('user', account)
  const key = useOwners('key', account)
  return (id) => {
    if (id === rest) return 'Others'
    if (id === '') return by === 'team' ? 'No team' : by === 'task' ? 'No task' : 'None'
    return by === 'team' ? team.name(id) : by === 'user' ? user.name(id) : by === 'key' ? key.name(id) : id
  }
}

/** Breakdown is what was spent by day or month, and by whom or on what. */
export function Breakdown({ account }: { account: string }) {
  const session = useSession()
  const [spanId, setSpan] = useUrlState('span')
  const [byId, setBy] = useUrlState('by', 'family')
  const span = spans.find((s) => s.id === spanId) ?? spans[1]
  const by = groupings.find((g) => g.id === byId)?.id ?? 'family'
  const today = useStep(dayLength)
  const steps = useMemo(() => stepsOf(span, today), [span, today])
  const query = { from: iso(steps[0]!), group_by: [by], limit: 1000, ...(account ? { account_id: account } : {}) }
  const daily = useGet('/api/v1/costs/daily', { query }, { live: true, keep: true, enabled: span.unit === 'day' })
  const monthly = useGet('/api/v1/costs/monthly', { query }, { live: true, keep: true, enabled: span.unit === 'month' })
  const q = span.unit === 'day' ? daily : monthly
  const sums = useGet('/api/v1/costs/summary', { query: { ...query, grain: 'day', limit: 100 } }, { live: true, keep: true })
  const name = useNames(by, account)
  const piles = useMemo(() => pilesOf(q.data?.data ?? [], by, steps), [q.data, by, steps])
  const look = (p: Pile, i: number) => ({
    name: p.id === rest ? 'Others' : name(p.id),
    colour: p.id === rest ? 'var(--edge)' : by === 'family' ? familyStyle(p.id).colour : `var(--family-${palette[i % palette.length]})`,
  })
  const total = sums.data?.total
  const label = `Spent by ${groupings.find((g) => g.id === by)!.title.toLowerCase()}, ${span.unit === 'day' ? 'daily' : 'monthly'}`
  const shown = (r: CostRow) => {
    const id = r.group?.[by] ?? ''
    if (by === 'family' && id) return <FamilyMark family={id} />
    if (by === 'model') return id ? <ModelName id={id} /> : name(id)
    if (by === 'rule' && session.permissions.has('GET /api/v1/decisions')) return <Link to="/requests" search={{ rule: id, ...(account ? { account } : {}) }}>{name(id)}</Link>
    return name(id)
  }
  const columns: Column<CostRow>[] = [
    { key: 'group', title: groupings.find((g) => g.id === by)!.title, cell: shown, by: (r) => name(r.group?.[by] ?? ''), narrow: 'title' },
    { key: 'cost', title: 'Cost', end: true, cell: (r) => <Money nano={r.cost_nano_usd} />, by: (r) => r.cost_nano_usd },
    { key: 'share', title: 'Share', end: true, cell: (r) => (total && total.cost_nano_usd > 0 ? percent(r.cost_nano_usd / total.cost_nano_usd) : '–') },
    { key: 'requests', title: 'Requests', end: true, cell: (r) => count(r.requests), by: (r) => r.requests },
    { key: 'per', title: 'Per 1,000', end: true, cell: (r) => (r.requests > 0 ? usd((r.cost_nano_usd / r.requests) * 1000) : '–'), by: (r) => (r.requests > 0 ? r.cost_nano_usd / r.requests : null) },
    { key: 'tokens', title: 'Tokens', end: true, cell: (r) => count(r.tokens.prompt + r.tokens.completion), by: (r) => r.tokens.prompt + r.tokens.completion },
    { key: 'premium', title: 'Premium', end: true, cell: (r) => decimal(r.premium_requests), by: (r) => r.premium_requests },
  ]
  return (
    <Card
      title="Where it went" aside={<>
        <Field label="Time" bare>{(f) => <Select {...f} value={spanId} onChange={(e) => setSpan(e.target.value)} options={spans.map((s) => ({ value: s.id, label: s.title }))} />}</Field>
        <Field label="Group by" bare>{(f) => <Select {...f} value={by} onChange={(e) => setBy(e.target.value)} options={groupings.filter((g) => g.id !== 'account' || session.role === 'super_admin').map((g) => ({ value: g.id, label: `By ${g.title.toLowerCase()}` }))} />}</Field>
      </>}
    >
      {q.error && !q.data ? <Failure error={q.error} retry={() => void q.refetch()} what="Costs" />
        : !q.data ? <Loading what="Costs" rows={6} />
          : piles.length === 0 ? <Empty title="Nothing was spent in this time">Send a request to <code>/v1/chat/completions</code>, or choose a longer time.</Empty>
            : (
              <div className="stack">
                <Columns label={label} steps={steps} unit={span.unit} piles={piles} look={look} />
                {q.data.more && <Note>There are more groups than the chart has. The table lists the 100 dearest.</Note>}
                <div className="costs-table"><DataTable label={label} rows={sums.data?.data ?? []} columns={columns} id={(r) => r.group?.[by] ?? ''} loading={sums.isPending} error={sums.error} sort={{ key: 'cost', down: true }} /></div>
              </div>
            )}
    </Card>
  )
}
