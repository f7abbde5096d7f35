import { dayLength, floor, hour, minute } from '../../api/window'

export type Grain = 'minute' | 'hour' | 'day' | 'month'

/** Spans that are offered, each with the steps of its chart. */
export const spans: readonly { id: string; title: string; length: number; grain: Grain }[] = [
  { id: '1h', title: 'Last hour', length: hour, grain: 'minute' },
  { id: '', title: 'Last 24 hours', length: dayLength, grain: 'hour' },
  { id: '7d', title: 'Last 7 days', length: 7 * dayLength, grain: 'hour' },
  { id: '30d', title: 'Last 30 days', length: 30 * dayLength, grain: 'day' },
  { id: '90d', title: 'Last 90 days', length: 90 * dayLength, grain: 'day' },
]

const lengths: Record<Grain, number> = { minute, hour, day: dayLength, month: 31 * dayLength }

/** A Range is a time in ms since 1970; to is null for now. */
export type Range = { from: number; to: number | null; grain: Grain }

/** rangeOf reads the address: a span of `spans`, or days of UTC from and to, both within. now is the
 *  begin of a minute. null: it makes no sense. */
export function rangeOf(span: string, from: string, to: string, now: number): Range | null {
  if (span !== 'own') {
    const s = spans.find((x) => x.id === span) ?? spans[1]!
    return { from: floor(now - s.length, lengths[s.grain]) + lengths[s.grain], to: null, grain: s.grain }
  }
  const [a, b] = [Date.parse(`${from}T00:00:00Z`), to ? Date.parse(`${to}T00:00:00Z`) + dayLength : null]
  if (Number.isNaN(a) || (b !== null && Number.isNaN(b)) || a >= (b ?? now)) return null
  const length = (b ?? now) - a
  return { from: a, to: b, grain: length <= 3 * hour ? 'minute' : length <= 8 * dayLength ? 'hour' : length <= 400 * dayLength ? 'day' : 'month' }
}

/** stepsOf is when each step of a range began, in UTC, oldest first; at most 2000. */
export function stepsOf(r: Range, now: number): number[] {
  const end = Math.min(r.to ?? now, now)
  const steps: number[] = []
  if (r.grain === 'month') {
    const d = new Date(r.from)
    for (let i = 0; steps.length < 2000; i++) {
      const at = Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + i)
      if (at >= end) break
      steps.push(at)
    }
    return steps
  }
  const step = lengths[r.grain]
  for (let at = floor(r.from, step); at < end && steps.length < 2000; at += step) steps.push(at)
  if (steps.length === 0) steps.push(floor(r.from, step))
  return steps
}
