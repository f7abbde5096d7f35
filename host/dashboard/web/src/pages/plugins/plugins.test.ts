import { expect, it } from 'vitest'
import { Problem } from '../../api/problem'
import { looksLikeWasm, stageOf, stepsOf } from './gate'
import { errorShare, olderOf, pluginsOf, rulesOf, type Stats, type Version } from './plugin'

const refused = (location: string) => new Problem(400, 'invalid_request', 'does not compile: x', { errors: [{ location, message: 'does not compile: x' }] })

it.each([['body.module.compile', 'compile'], ['body.module', ''], ['body.module.other', ''], ['body.fixtures', '']])('stageOf(%s) = %s', (location, want) => expect(stageOf(refused(location))).toBe(want))

it('shows what passed, what failed and what was not reached', () => {
  const steps = stepsOf({ state: 'failed', problem: refused('body.module.compile') }, true)
  expect(steps.map((s) => s.outcome)).toEqual(['passed', 'passed', 'passed', 'passed', 'failed', 'skipped', 'skipped'])
  expect(steps[4]!.note).toBe('does not compile: x')
})

it('claims nothing of steps that the server does not speak of', () => {
  expect(new Set(stepsOf({ state: 'failed', problem: new Problem(409, 'conflict', 'taken') }, true).map((s) => s.outcome))).toEqual(new Set(['unknown']))
  expect(new Set(stepsOf({ state: 'passed', known: true }, true).map((s) => s.outcome))).toEqual(new Set(['skipped']))
  expect(stepsOf({ state: 'passed', known: false }, false).at(-1)).toMatchObject({ outcome: 'skipped', note: 'No cases came with it.' })
  expect(stepsOf({ state: 'passed', known: false }, true).every((s) => s.outcome === 'passed')).toBe(true)
  expect(stepsOf({ state: 'running' }, true).every((s) => s.outcome === 'waiting')).toBe(true)
})

it.each([[[0, 0x61, 0x73, 0x6d, 1], true], [[0, 0x61], false], [[0x7f, 0x45, 0x4c, 0x46], false]])('looksLikeWasm(%j)', (head, want) => expect(looksLikeWasm(Uint8Array.from(head))).toBe(want))

const version = (name: string, v: string, more: Partial<Version> = {}): Version =>
  ({ name, version: v, ref: `${name}@${v}`, kind: 'rule', sha256: 'ab', size: 1, active: false, created_at: '2026-11-23T12:00:00Z', manifest: { name, version: v, kind: 'rule', abi: 1 }, ...more })

it('groups versions, and knows what a rollback goes back to', () => {
  const all = pluginsOf([version('a', '1.0.0'), version('a', '1.1.0', { active: true }), version('a', '2.0.0'), version('a', '1.0.0', { account_id: 'acme', active: true })])
  expect(all.map((p) => [p.key, p.versions.map((v) => v.version), p.active?.version, olderOf(p)?.version])).toEqual([['a', ['2.0.0', '1.1.0', '1.0.0'], '1.1.0', '1.0.0'], ['acme/a', ['1.0.0'], '1.0.0', undefined]])
})

it('finds the rules that use a plugin: an account means its own first', () => {
  const all = pluginsOf([version('a', '1.0.0'), version('a', '1.0.0', { account_id: 'acme' })])
  const rules = [{ name: '1', plugin: 'a' }, { name: '2', plugin: 'a@1.0.0', account_id: 'acme' }, { name: '3', plugin: 'a', account_id: 'other' }, { name: '4', plugin: 'ab' }, { name: '5', when: 'true' }]
  expect(all.map((p) => rulesOf(p, all, rules as never).map((r) => r.name))).toEqual([['1', '3'], ['2']])
})

it('knows no error rate without calls', () => {
  const s: Stats = { calls: 0, failures: {}, fuel_p50: 0, fuel_p99: 0, instances: 0, memory_bytes: 0, scope: 'replica' }
  expect(errorShare(s)).toBeNull()
  expect(errorShare({ ...s, calls: 8, failures: { stack: 1, other: 1 } })).toBe(0.25)
  expect(errorShare(undefined)).toBeNull()
})
