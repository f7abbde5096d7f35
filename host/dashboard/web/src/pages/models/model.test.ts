import { expect, it } from 'vitest'
import { addRatings, dollars, keyOf, lifecycle, localOf, matches, tokens, wrongPrice, type Model, type Rating } from './model'

const now = Date.parse('2026-11-23T12:00:00Z')
const base: Model = { id: 'gpt-5', provider: 'openai', upstream_id: 'gpt-5', family: 'GPT', capabilities: ['vision'] }

it('says what becomes of a model', () => {
  expect(lifecycle(base, now)).toEqual({ word: 'active', next: '', soon: false })
  expect(lifecycle({ ...base, retires_at: '2026-12-20T12:00:00Z' }, now)).toMatchObject({ word: 'active', soon: true })
  expect(lifecycle({ ...base, retires_at: '2026-12-20T12:00:00Z' }, now).next).toMatch(/^until .*2026, then skipped$/)
  const replaced = { ...base, retires_at: '2027-12-20T12:00:00Z', replacement: { api: 'chat', context_window: 1, max_output: 1, upstream_id: 'gpt-6' } }
  expect(lifecycle(replaced, now)).toMatchObject({ soon: false, next: expect.stringMatching(/then gpt-6$/) as unknown })
  expect(lifecycle({ ...replaced, no_substitute: true }, now).next).toMatch(/then skipped$/)
  expect(lifecycle({ ...base, status: 'substituted', substituted_by: 'gpt-6' }, now)).toEqual({ word: 'substituted', next: 'by gpt-6', soon: true })
})

it.each([[undefined, '–'], [0, '–'], [512, '512'], [128_000, '128k'], [8192, '8.2k'], [1_000_000, '1M'], [1_048_576, '1.05M']])('tokens(%s) = %s', (n, want) => expect(tokens(n)).toBe(want))
it.each([[undefined, '–'], ['2.5', '$2.50'], ['0', '$0.00'], ['0.0750', '$0.075'], ['15', '$15.00']])('dollars(%s) = %s', (p, want) => expect(dollars(p)).toBe(want))
it.each([['', true, true], ['', false, false], ['0', true, false], ['2.50', true, false], ['-1', true, true], ['1e3', true, true], ['1,5', false, true]])('wrongPrice(%s, %s)', (text, needed, wrong) => expect(wrongPrice(text, needed) !== '').toBe(wrong))

it.each([
  ['', '', '', true], ['gpt vision', '', '', true], ['claude', '', '', false], ['', 'google', '', false], ['', '', 'disabled', false], ['', '', 'enabled', true], ['', '', 'ending', false],
])('matches(%s, %s, %s) = %s', (words, provider, only, want) => expect(matches(base, words, provider, only)).toBe(want))

it('keeps models of the same id apart', () => expect([keyOf(base), keyOf({ ...base, account_id: 'acme' })]).toEqual(['gpt-5', 'acme/gpt-5']))

it('writes a time as the input has it, and back', () => {
  expect(new Date(localOf(now)).getTime()).toBe(now)
  expect(localOf(NaN)).toBe('')
})

it('sums the parts of a re-rating', () => {
  const r: Rating = { rows: 2, changed: 1, skipped: 0, unpriced: 1, difference_nano_usd: -5, difference_usd: '-0.000000005', dry_run: true, next: 'x' }
  expect(addRatings(null, r)).toBe(r)
  expect(addRatings(r, { ...r, next: '' })).toMatchObject({ rows: 4, changed: 2, unpriced: 2, difference_nano_usd: -10, next: '' })
})
