import { expect, it } from 'vitest'
import { addressOf, breaker, errorRate, jsonOf, nanoOf, rowsOf, standIn, statusWord, type Subject } from './subject'

const now = Date.parse('2026-11-23T12:00:00Z')
const at = (s: number) => new Date(now + s * 1000).toISOString()
const base: Subject = { provider: 'p', kind: 'provider', status: 'healthy', out: false, ejections: 0, error_rate: 0, fallback_share: 0, latency: { p50_ms: 0, p95_ms: 0, first_byte_p50_ms: 0, first_byte_p95_ms: 0 } }

it.each([
  ['never asked', {}, 'unknown'],
  ['asked', { attempts: 1 }, 'healthy'],
  ['probed', { check: { at: at(0), ok: true } }, 'healthy'],
  ['down', { status: 'down' }, 'down'],
] as const)('status of a provider %s', (_, more, want) => expect(statusWord({ ...base, ...more } as Subject)).toBe(want))

it('does not call what is unknown zero', () => {
  expect(errorRate({ ...base, attempts: 0 })).toBeNull()
  expect(errorRate({ ...base, attempts: 4, error_rate: 0.25 })).toBe(0.25)
  expect(standIn(base)).toBeNull()
  expect(standIn({ ...base, attempts: 0 })).toBe(0)
  expect(statusWord(undefined)).toBe('unknown')
})

it.each([
  ['closed', {}, 'closed', ''],
  ['closed, probed', { next_check_at: at(20) }, 'closed', 'next probe in 20 s'],
  ['open', { out: true, retry_at: at(5), next_check_at: at(-1) }, 'open', 'tried again in 5 s · probe due'],
  ['half-open', { out: true, retry_at: at(-5) }, 'half-open', ''],
  ['tried again', { status: 'down', retry_at: at(-5) }, 'half-open', ''],
  ['drained', { switch: 'drained', next_check_at: at(9) }, 'drained', 'next probe in 9 s'],
  ['disabled', { switch: 'disabled', next_check_at: at(9) }, 'disabled', ''],
  ['cooling', { cooldown_until: at(30) }, 'closed', 'the provider asked for a rest that ends in 30 s'],
] as const)('breaker %s', (_, more, word, next) => expect(breaker({ ...base, ...more } as Subject, now)).toEqual({ word, next }))

it('joins what is measured with what is stored', () => {
  const rows = rowsOf([base, { ...base, kind: 'model' }, { ...base, account_id: 'acme' }], [{ id: 'p', adapter: 'openai' }, { id: 'q', adapter: 'openai', enabled: false }])
  expect(rows.map((r) => [r.key, !!r.health, !!r.stored])).toEqual([['p', true, true], ['q', false, true], ['acme/p', true, false]])
})

it('names a subject to the API', () => {
  expect(addressOf({ ...base, account_id: 'acme', kind: 'model', upstream_id: 'm' })).toEqual({ path: { id: 'p' }, query: { account_id: 'acme', model: 'm' } })
  expect(addressOf({ ...base, kind: 'credential', credential: 'c' })).toEqual({ path: { id: 'p' }, query: { credential: 'c' } })
})

it.each([['', { value: null }], ['{"a":1}', { value: { a: 1 } }], ['[1]', { wrong: 'A config is a JSON object: { … }.' }]])('jsonOf(%s)', (text, want) => expect(jsonOf(text)).toEqual(want))
it('says why a text is no JSON', () => expect(jsonOf('{a}')).toHaveProperty('wrong'))

it.each([['1', 1e9], ['0.05', 5e7], ['$2.5', 25e8], ['.000000001', 1], ['', null], ['-1', null], ['1.0000000001', null], ['.', null]])('nanoOf(%s) = %s', (text, want) => expect(nanoOf(text)).toBe(want))
