import type { Data } from '../../api/query'
import { dayLength } from '../../api/window'

export type CostRow = NonNullable<Data<'get', '/api/v1/costs/daily'>['data']>[number]

/** What sums can be of. */
export const groupings = [
  { id: 'family', title: 'Family' }, { id: 'model', title: 'Model' }, { id: 'provider', title: 'Provider' }, { id: 'team', title: 'Team' },
  { id: 'user', title: 'User' }, { id: 'key', title: 'Key' }, { id: 'rule', title: 'Rule' }, { id: 'task', title: 'Task' }, { id: 'account', title: 'Account' },
] as const
export type Grouping = (typeof groupings)[number]['id']

export const spans = [
  { id: '7d', title: '7 days', unit: 'day', steps: 7 }, { id: '', title: '30 days', unit: 'day', steps: 30 },
  { id: '90d', title: '90 days', unit: 'day', steps: 90 }, { id: '12m', title: '12 months', unit: 'month', steps: 12 },
] as const
export type Span = (typeof spans)[number]

/** stepsOf is when each step of a span began, in ms since 1970, the current one last. Days and months are those of UTC. */
export function stepsOf(span: Pick<Span, 'unit' | 'steps'>, now: number): number[] {
  const d = new Date(now)
  return Array.from({ length: span.steps }, (_, i) => {
    const back = span.steps - 1 - i
    return span.unit === 'day' ? Math.floor(now / dayLength) * dayLength - back * dayLength : Date.UTC(d.getUTCFullYear(), d.getUTCMonth() - back)
  })
}

/** A Pile is one group through all steps, in nano-USD. */
export type Pile = { id: string; values: number[]; total: number }

export const rest = 'rest'

/** pilesOf sorts rows of a series into groups, dearest first; those beyond `most` are one, `rest`. */
export function pilesOf(rows: readonly CostRow[], by: Grouping, steps: readonly number[], most = 6): Pile[] {
  const at = new Map(steps.map((s, i) => [s, i]))
  const piles = new Map<string, Pile>()
  for (const r of rows) {
    const i = at.get(Date.parse(r.at ?? ''))
    if (i === undefined) continue
    const id = r.group?.[by] ?? ''
    const p = piles.get(id) ?? { id, values: steps.map(() => 0), total: 0 }
    p.values[i]! += r.cost_nano_usd
    p.total += r.cost_nano_usd
    piles.set(id, p)
  }
  const all = [...piles.values()].sort((a, b) => b.total - a.total)
  if (all.length <= most) return all
  const others = all.slice(most - 1)
  return [...all.slice(0, most - 1), { id: rest, values: steps.map((_, i) => others.reduce((n, p) => n + p.values[i]!, 0)), total: others.reduce((n, p) => n + p.total, 0) }]
}
