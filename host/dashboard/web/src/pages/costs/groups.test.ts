import { describe, expect, it } from 'vitest'
import { pilesOf, stepsOf, type CostRow } from './groups'

const now = Date.parse('2026-03-02T10:00:00Z')
const row = (at: string, model: string, cost: number) => ({ at, group: { model }, cost_nano_usd: cost }) as unknown as CostRow

describe('stepsOf', () => {
  it('ends with the current day', () => {
    expect(stepsOf({ unit: 'day', steps: 7 }, now).map((s) => new Date(s).toISOString().slice(0, 10)).slice(-3)).toEqual(['2026-02-28', '2026-03-01', '2026-03-02'])
  })
  it('goes through the turn of the year', () => {
    expect(stepsOf({ unit: 'month', steps: 12 }, now).map((s) => new Date(s).toISOString().slice(0, 7)).slice(0, 2)).toEqual(['2025-04', '2025-05'])
  })
})

describe('pilesOf', () => {
  const steps = stepsOf({ unit: 'day', steps: 7 }, now)
  it('adds up, dearest first, and leaves steps without rows at 0', () => {
    const piles = pilesOf([row('2026-03-01T00:00:00Z', 'a', 1), row('2026-03-02T00:00:00Z', 'a', 2), row('2026-03-02T00:00:00Z', 'b', 9)], 'model', steps)
    expect(piles.map((p) => [p.id, p.total, p.values.slice(-2)])).toEqual([['b', 9, [0, 9]], ['a', 3, [1, 2]]])
  })
  it('puts what is too much together', () => {
    const rows = ['a', 'b', 'c', 'd'].map((m, i) => row('2026-03-02T00:00:00Z', m, 10 - i))
    expect(pilesOf(rows, 'model', steps, 3).map((p) => [p.id, p.total])).toEqual([['a', 10], ['b', 9], ['rest', 15]])
  })
  it('passes over what is of no step', () => {
    expect(pilesOf([row('2020-01-01T00:00:00Z', 'a', 1)], 'model', steps)).toEqual([])
  })
})
