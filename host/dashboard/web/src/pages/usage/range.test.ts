import { describe, expect, it } from 'vitest'
import { rangeOf, stepsOf } from './range'

const now = Date.parse('2026-03-02T10:30:00Z')
const iso = (ms: number | null | undefined) => (ms === null || ms === undefined ? ms : new Date(ms).toISOString().slice(0, 16))

describe('rangeOf', () => {
  it.each([['', '2026-03-01T11:00', 'hour'], ['1h', '2026-03-02T09:31', 'minute'], ['30d', '2026-02-01T00:00', 'day'], ['nonsense', '2026-03-01T11:00', 'hour']])('reads the span %j', (span, from, grain) => {
    const r = rangeOf(span, '', '', now)!
    expect([iso(r.from), r.to, r.grain]).toEqual([from, null, grain])
  })
  it('reads days, the last one within', () => {
    const r = rangeOf('own', '2026-02-01', '2026-02-03', now)!
    expect([iso(r.from), iso(r.to), r.grain]).toEqual(['2026-02-01T00:00', '2026-02-04T00:00', 'hour'])
  })
  it.each([['', ''], ['2026-02-03', '2026-02-01'], ['2026-04-01', ''], ['x', '']])('refuses %j to %j', (from, to) => {
    expect(rangeOf('own', from, to, now)).toBeNull()
  })
})

describe('stepsOf', () => {
  it('has every hour of a day, the current one too', () => {
    const steps = stepsOf(rangeOf('', '', '', now)!, now)
    expect([steps.length, iso(steps[0]), iso(steps.at(-1))]).toEqual([24, '2026-03-01T11:00', '2026-03-02T10:00'])
  })
  it('counts months of UTC', () => {
    expect(stepsOf({ from: Date.UTC(2025, 11, 1), to: null, grain: 'month' }, now).map(iso)).toEqual(['2025-12-01T00:00', '2026-01-01T00:00', '2026-02-01T00:00', '2026-03-01T00:00'])
  })
  it('ends before `to`', () => {
    expect(stepsOf({ from: Date.UTC(2026, 1, 1), to: Date.UTC(2026, 1, 3), grain: 'day' }, now).map(iso)).toEqual(['2026-02-01T00:00', '2026-02-02T00:00'])
  })
})
