import { describe, expect, it } from 'vitest'
import { curlLine, endOf, keyState, withScope } from './key'
import { amountWords, bodyOf, draftOf, perWords, scopeWords, sumsOf, type Bucket, type Limit } from './limit'
import { atLeast, rolesToGive } from './roles'

describe('a key', () => {
  const now = Date.parse('2026-11-23T12:00:00Z')
  it.each([
    ['active', {}], ['active', { expires_at: '2026-11-23T12:00:01Z' }], ['expired', { expires_at: '2026-11-23T12:00:00Z' }],
    ['replaced', { rotated_to: 'k2', expires_at: '2026-11-24T12:00:00Z' }], ['revoked', { revoked_at: '2026-11-01T00:00:00Z', expires_at: '2026-11-02T00:00:00Z' }],
  ])('is %s: %j', (want, k) => expect(keyState(k, now)).toBe(want))
  it('cannot manage without reading', () => {
    expect(withScope(['inference'], 'manage', true)).toEqual(['inference', 'read', 'manage'])
    expect(withScope(['read', 'manage'], 'read', false)).toEqual([])
  })
  it('is tried where it works', () => {
    expect(curlLine('http://x', 'pm_1', ['inference'])).toContain('http://x/v1/chat/completions')
    expect(curlLine('http://x', 'pm_1', ['read'])).toContain('http://x/api/v1/')
  })
  it('ends in days, on a date, or not', () => {
    expect(endOf('30', '', now)).toBe('2026-12-23T12:00:00.000Z')
    expect(endOf('date', '', now)).toBeUndefined()
    expect(Date.parse(endOf('date', '2026-12-01', now) ?? '')).toBe(Date.parse('2026-12-01T23:59:59'))
    expect(endOf('', '', now)).toBeUndefined()
  })
})

describe('roles', () => {
  it('are ordered, and nothing unknown is high', () => {
    expect(atLeast('account_admin', 'team_lead')).toBe(true)
    expect(atLeast('team_lead', 'account_admin')).toBe(false)
    expect(atLeast('emperor', 'user')).toBe(false)
  })
  it('are given up to one’s own, by a lead only the least', () => {
    expect(rolesToGive('account_admin').map((o) => o.value)).toEqual(['user', 'team_lead', 'account_admin'])
    expect(rolesToGive('team_lead').map((o) => o.value)).toEqual(['user'])
  })
})

describe('a limit', () => {
  const limit: Limit = { id: 'a', account_id: 'acme', name: 'A', kind: 'requests', amount: 1200, window: 'hour', per: ['user', 'model'], scope: { team_id: 'red', model: 'gpt-4o' } }
  it('is said in words', () => {
    expect(amountWords(limit)).toBe('1,200 requests an hour')
    expect(amountWords({ kind: 'concurrency', amount: 3 })).toBe('3 requests at once')
    expect([scopeWords(limit), scopeWords({}), perWords(limit), perWords({})]).toEqual(['team red, model gpt-4o', 'everybody', 'each user and model', 'all together'])
  })
  it('comes back from a form as it was', () => {
    expect(bodyOf(draftOf(limit, ''), limit)).toEqual({ body: { ...limit, enabled: true, override: false } })
  })
  it.each([['', 'whole number'], ['-1', 'whole number'], ['1.5', 'whole number']])('has no amount of %j', (amount, want) => {
    expect(bodyOf({ ...draftOf(limit, ''), amount }, null)).toMatchObject({ problem: expect.stringContaining(want) as string })
  })
  it('has neither window nor burst of requests at once', () => {
    const made = bodyOf({ ...draftOf(null, ''), name: 'B', kind: 'concurrency', amount: '1,000', burst: '7' }, null)
    expect(made).toEqual({ body: { name: 'B', kind: 'concurrency', amount: 1000, enabled: true, override: false, per: [], scope: {} } })
  })
  it('sums its buckets, the fullest first', () => {
    const b = (scope: string, used: number, refused: number, account_id?: string): Bucket => ({ limit_id: 'a', account_id, kind: 'requests', scope, amount: 10, used, remaining: 10 - used, admitted: used, refused })
    const sums = sumsOf([b('user=x', 1, 0), b('user=y', 9, 4), b('all', 2, 1, 'acme')])
    expect(sums.get('/a')).toMatchObject({ refused: 4, share: 0.9 })
    expect(sums.get('/a')?.buckets.map((x) => x.scope)).toEqual(['user=y', 'user=x'])
    expect(sums.get('acme/a')?.refused).toBe(1)
  })
})
