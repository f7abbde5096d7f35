import { describe, expect, it } from 'vitest'
import { bodyOf, draftOf, emptyDraft, slug, withDraft } from './draft'
import type { Rule } from './order'

const rule = { id: 'invoices', name: 'Invoices', priority: 60, when: 'request.has_image', target: 'gpt-4o', fallbacks: ['gpt-5-mini'], on_failure: 'refuse', enabled: false, account_id: 'acme', team_id: 'red', only: true, continue_after_cut: true, description: 'Why' } as Rule

it('what a form shows of a rule is what it sends', () => {
  expect(bodyOf(draftOf(rule))).toEqual({ body: rule })
  const plugin = { ...rule, when: undefined, plugin: 'by-hour@1.2.0', config: { from: 22 } }
  const sent = bodyOf(draftOf(plugin as Rule))
  expect('body' in sent && [sent.body.plugin, sent.body.config, 'when' in sent.body]).toEqual(['by-hour@1.2.0', { from: 22 }, false])
})

describe('bodyOf says what is missing', () => {
  const good = { ...draftOf(rule) }
  it.each([
    ['name', { name: ' ' }], ['priority', { priority: '1.5' }], ['priority', { priority: '10001' }], ['id', { id: '', name: '日本' }],
    ['when', { when: ' ' }], ['plugin', { by: 'plugin' as const }], ['config', { by: 'plugin' as const, plugin: 'x', config: '{' }], ['target', { target: '' }],
  ])('%s', (member, change) => {
    expect(bodyOf({ ...good, ...change })).toMatchObject({ member })
  })
})

it('an id is made of the name', () => {
  expect([slug('Screenshot Analysis'), slug('  Über–Regeln! '), slug('a'.repeat(70)).length]).toEqual(['screenshot-analysis', 'uber-regeln', 64])
})

it('a draft is tried with the account’s other rules, and no other account’s', () => {
  const other = { id: 'x', name: 'X', account_id: 'acme', band: 'low', system: false, created_at: '2026-01-01T00:00:00Z' } as Rule
  const foreign = { id: 'y', name: 'Y' } as Rule
  expect(withDraft([other, rule, foreign], { ...rule, priority: 1 }).map((r) => [r.id, r.priority])).toEqual([['x', undefined], ['invoices', 1]])
  expect(withDraft([foreign], { ...rule }).map((r) => r.id)).toEqual(['invoices'])
  expect(Object.keys(withDraft([other], rule)[0]!)).toEqual(['id', 'name', 'account_id'])
  expect(emptyDraft('acme').account).toBe('acme')
})
