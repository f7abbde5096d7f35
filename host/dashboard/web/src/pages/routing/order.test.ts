import { describe, expect, it } from 'vitest'
import { before, moveTo, type Rule } from './order'

const at = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString()
const rule = (id: string, priority: number, account = '', created = 0): Rule => ({ id, name: id, priority, created_at: at(created), ...(account ? { account_id: account } : {}) }) as Rule

/** applied is the order after a move. */
function applied(rules: Rule[], moved: string, place: number, mayChange = () => true): string {
  const m = moveTo(rules, rules.find((r) => r.id === moved)!, place, mayChange)
  if ('problem' in m) return m.problem
  const next = rules.map((r) => ({ ...r, priority: m.changes.find((c) => c.rule === r)?.priority ?? r.priority! }))
  return `${[...next].sort(before).map((r) => `${r.id}${r.priority}`).join(' ')} (${m.changes.length})`
}

describe('moveTo', () => {
  const ladder = [rule('a', 100), rule('b', 95), rule('c', 90), rule('d', 90, '', 1), rule('e', 50)]
  it.each([
    ['down', 'a', 2, 'b95 a94 c90 d90 e50 (1)'],
    ['up', 'e', 2, 'a100 e99 b95 c90 d90 (1)'],
    ['to the top', 'e', 1, 'e101 a100 b95 c90 d90 (1)'],
    ['to the end', 'a', 5, 'b95 c90 d90 e50 a49 (1)'],
    ['where it is', 'b', 2, 'a100 b95 c90 d90 e50 (0)'],
    ['by one, past an equal', 'd', 3, 'a100 b95 d91 c90 e50 (1)'],
  ])('%s', (_, moved, place, want) => {
    // The nearest that fits may be anywhere in the gap: what counts is the order and how few change.
    const got = applied(ladder, moved, place)
    expect(got.replace(/(?<=[a-e])\d+/g, '')).toBe(want.replace(/(?<=[a-e])\d+/g, ''))
  })
  const tight = [rule('a', 3), rule('b', 2), rule('c', 2, '', 1), rule('d', 1, '', 5)]
  it('makes room where no number is left', () => {
    expect(applied(tight, 'd', 3)).toBe('a5 b4 d3 c2 (3)')
  })
  it('says why there is no room', () => {
    expect(applied(tight, 'd', 3, () => false)).toContain('cannot be changed')
  })
  it('uses that an account’s own rule comes before a global one of its priority', () => {
    expect(applied([rule('a', 3), rule('b', 2), rule('own', 1, 'acme')], 'own', 2)).toBe('a3 own2 b2 (1)')
  })
})
