import { count, decimal, percent, took, usd } from '../../api/format'
import type { Data } from '../../api/query'

export type Group = NonNullable<NonNullable<Data<'get', '/api/v1/usage'>['groups']>[number]>
type Sums = Pick<Group, 'requests' | 'attempts' | 'errors' | 'error_rate' | 'tokens' | 'latency_ms' | 'first_byte_ms' | 'premium_requests' | 'cost_nano_usd'>

/** A Line is one of a metric's values over time; without a value where nothing is known. */
type Line = { label: string; of: (g: Sums) => number | null; colour?: string; dashed?: boolean }
export type Metric = {
  id: string
  title: string
  lines: readonly Line[]
  format: (v: number | null) => string
  /** What a step without rows is: none, or not known. */
  empty: 0 | null
  stacked?: boolean
}

const latency = (pick: (g: Sums) => Sums['latency_ms'], p: 'p50' | 'p95' | 'p99') => (g: Sums) => (pick(g).count > 0 ? pick(g)[p] : null)
const percentiles = (pick: (g: Sums) => Sums['latency_ms']): Line[] => [
  { label: 'p50', of: latency(pick, 'p50'), colour: 'var(--family-gpt)' }, { label: 'p95', of: latency(pick, 'p95'), colour: 'var(--family-claude)' }, { label: 'p99', of: latency(pick, 'p99'), colour: 'var(--family-raptor)', dashed: true },
]

/** What can be drawn. */
export const metrics: readonly Metric[] = [
  { id: 'requests', title: 'Requests', empty: 0, format: (v) => count(v), lines: [{ label: 'Requests', of: (g) => g.requests, colour: 'var(--family-gemini)' }, { label: 'Failed attempts', of: (g) => g.errors, colour: 'var(--status-down)', dashed: true }] },
  { id: 'tokens', title: 'Tokens', empty: 0, stacked: true, format: (v) => count(v), lines: [{ label: 'In', of: (g) => g.tokens.prompt, colour: 'var(--family-gemini)' }, { label: 'Out', of: (g) => g.tokens.completion, colour: 'var(--family-claude)' }] },
  { id: 'latency', title: 'Latency', empty: null, format: (v) => took(v), lines: percentiles((g) => g.latency_ms) },
  { id: 'first', title: 'Time to first byte', empty: null, format: (v) => took(v), lines: percentiles((g) => g.first_byte_ms) },
  { id: 'errors', title: 'Error rate', empty: null, format: (v) => percent(v), lines: [{ label: 'Failed attempts', of: (g) => (g.attempts > 0 ? g.error_rate : null), colour: 'var(--status-down)' }] },
  { id: 'premium', title: 'Premium requests', empty: 0, format: (v) => decimal(v), lines: [{ label: 'Premium requests', of: (g) => g.premium_requests, colour: 'var(--family-codex)' }] },
  { id: 'cost', title: 'Cost', empty: 0, format: (v) => usd(v), lines: [{ label: 'Cost', of: (g) => g.cost_nano_usd, colour: 'var(--family-gpt)' }] },
]

/** seriesOf is a metric's lines over the steps. Rows of no step are passed over. */
export function seriesOf(m: Metric, groups: readonly Group[], steps: readonly number[]) {
  const at = new Map(groups.map((g) => [Date.parse(g.at ?? ''), g]))
  return m.lines.map((l) => ({
    label: l.label, ...(l.colour ? { colour: l.colour } : {}), ...(l.dashed ? { dashed: true } : {}),
    values: steps.map((s) => { const g = at.get(s); return g ? l.of(g) : m.empty }),
  }))
}
