import { describe, expect, it } from 'vitest'
import { compare } from './compare'

const step = (id: string, outcome: string) => ({ id, outcome, priority: 90, name: id.toUpperCase() })

describe('compare', () => {
  const then = { rule: 'b', rules: [step('a', 'no_match'), step('b', 'matched'), step('gone', 'not_reached')], candidates: [], targets: ['m1', 'm2'] }
  it('finds nothing where nothing changed', () => {
    const c = compare(then, { rule: 'b', rules: then.rules, candidates: [{ model: 'm1' }] })
    expect(c).toMatchObject({ sameRule: true, sameModel: true, changes: [] })
  })
  it('names rules that came, went or decide otherwise', () => {
    const c = compare(then, { rule: 'a', rules: [step('a', 'matched'), step('b', 'not_reached'), step('new', 'not_reached')], candidates: [{ model: 'm1', skip: { reason: 'down' } }, { model: 'm2' }] })
    expect(c.sameRule).toBe(false)
    expect(c.nowModel).toBe('m2')
    expect(c.changes.map((x) => [x.name, x.then?.outcome ?? '', x.now?.outcome ?? ''])).toEqual([['A', 'no_match', 'matched'], ['B', 'matched', 'not_reached'], ['NEW', '', 'not_reached'], ['GONE', 'not_reached', '']])
  })
  it('says nothing of rules that the record lacks', () => {
    expect(compare({ ...then, rules: null }, { rule: 'a', rules: [step('a', 'matched')], candidates: [] }).changes).toEqual([])
  })
  it('asks no model when the answer is an error', () => {
    expect(compare(then, { rule: 'a', rules: [], candidates: [{ model: 'm1' }], error_code: 'rule_rejected' }).nowModel).toBe('')
  })
})
