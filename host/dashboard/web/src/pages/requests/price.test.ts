import { describe, expect, it } from 'vitest'
import { linesOf, nanoOf, priceAt, type Version } from './price'

const tokens = { prompt: 1000, cached: 200, cache_write: 100, cache_write_1h: 0, completion: 500, reasoning: 300 }
const version = (o: Partial<Version>): Version => ({ from: '2026-01-01T00:00:00Z', input: '2.00', output: '8.00', provider: 'p', scope: 'global', source: '', status: 'in_force', upstream_id: 'u', version: '2026-01-01', ...o })
const row = { provider: 'p', upstream_id: 'u', started_at: '2026-06-01T00:00:00Z', tokens }

describe('nanoOf', () => {
  it.each([['2.50', 2_500_000_000n], ['0.000000001', 1n], ['0', 0n], ['12', 12_000_000_000n], ['x', 0n], ['-1.5', -1_500_000_000n]])('reads %s', (text, want) => {
    expect(nanoOf(text)).toBe(want)
  })
})

describe('linesOf', () => {
  it('bills each kind of token once', () => {
    const lines = linesOf(tokens, { input: '2.00', output: '8.00', cached_input: '0.20', cache_write: '2.50' })
    expect(lines.map((l) => [l.kind, l.count, l.nano])).toEqual([['Input', 700, 1_400_000], ['Input from cache', 200, 40_000], ['Written to cache', 100, 250_000], ['Output', 500, 4_000_000]])
  })
  it('bills reasoning apart where it has a price', () => {
    const lines = linesOf(tokens, { input: '2.00', output: '8.00', reasoning: '4.00' })
    expect(lines.slice(-2).map((l) => [l.kind, l.count, l.nano])).toEqual([['Output', 200, 1_600_000], ['Reasoning', 300, 1_200_000]])
  })
  it('rounds each line up', () => {
    expect(linesOf({ ...tokens, prompt: 1, cached: 0, cache_write: 0, completion: 0 }, { input: '0.0000015', output: '0' })[0]?.nano).toBe(1)
  })
})

describe('priceAt', () => {
  it('prefers the account’s own, then the newest in force', () => {
    const list = [version({ version: 'new', from: '2026-05-01T00:00:00Z' }), version({ version: 'later', from: '2026-07-01T00:00:00Z' }), version({ version: 'own', scope: 'account' })]
    expect(priceAt(list, row)?.version.version).toBe('own')
    expect(priceAt(list.slice(0, 2), row)?.version.version).toBe('new')
  })
  it('takes the tier of so long a prompt', () => {
    const tiers = [{ above_prompt: 100, input: '3', output: '9' }, { above_prompt: 900, input: '4', output: '10' }, { above_prompt: 5000, input: '5', output: '11' }]
    expect(priceAt([version({ tiers })], row)?.prices.input).toBe('4')
  })
  it('knows none of another provider', () => {
    expect(priceAt([version({ provider: 'q' })], row)).toBeNull()
  })
})
