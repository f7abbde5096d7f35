import { describe, expect, it } from 'vitest'
import { levelsOf, localTime, mayChange } from './assignment'
import { actorWords, exportHref, queryOf } from './audit'
import { draftOf, keptOf, valuesOf } from './draft'
import { above, lockOf, members, membersOf, sourceWords, valueWords, type Effective, type Preferences } from './members'
import { bodyOf } from './recording'

const nobody = { account: '', global: false, action: '', object: '', user: '', from: '', to: '' }

describe('settings', () => {
  const held: Effective = {
    account_id: 'acme', user_id: 'ben', allowed_models: null, blocked_models: [], prefer_vision: false, prefer_speed: true, prefer_cost: false, custom_rules_only: false, store_text: true,
    caps: [{ level: 'account', account_id: 'acme', max_tokens_per_day: 5000, max_cost_per_day: '2.50' }, { level: 'user', user_id: 'ben', max_tokens_per_day: 10 }], sources: {}, assignments: {},
  }
  it('tells no list from an empty one', () => {
    expect(valueWords(held, 'allowed_models')).toBe('every model')
    expect(valueWords({ ...held, allowed_models: [] }, 'allowed_models')).toBe('none')
  })
  it('tells the caps of each level', () => {
    expect(valueWords(held, 'max_tokens_per_day')).toBe('5,000 of account acme, 10 of user ben')
    expect(valueWords(held, 'max_cost_per_day')).toBe('$2.50 of account acme')
  })
  it('tells where a value comes from', () => {
    expect(sourceWords({ level: 'team', team_id: 'red', by: 'acme/ann', locked: false, override: false })).toBe('for team red, by acme/ann')
    expect(sourceWords({ level: 'global', by: 'root/root', locked: false, override: true, reason: 'outage' })).toBe('overridden for everybody, by root/root: outage')
  })
  it('are locked by the highest level that does, of those above', () => {
    const levels: (Preferences | undefined)[] = [{ level: 'global' }, undefined, { level: 'team', locked: ['prefer_cost'] }, { level: 'user' }]
    expect(lockOf(levels, 'prefer_cost')?.level).toBe('team')
    expect(lockOf(above(levels, 'team'), 'prefer_cost')).toBeUndefined()
  })
  it('of a person are few, for the person itself', () => {
    expect(membersOf('user', false, true).map((m) => m.name)).toEqual(['default_model', 'prefer_vision', 'prefer_speed', 'prefer_cost'])
    expect(membersOf('team', false, false).some((m) => m.name === 'custom_rules_only' || m.name === 'model')).toBe(false)
    expect(membersOf('team', true, false).some((m) => m.name === 'model')).toBe(true)
  })
  it('come back from a form as they were, and keep what it does not show', () => {
    const of: Preferences = { level: 'user', default_model: 'gpt-4o', allowed_models: [], max_tokens_per_day: 0, prefer_cost: false, max_cost_per_day: '1.00' }
    const shown = membersOf('user', false, false)
    expect(valuesOf(draftOf(of, shown), shown)).toEqual({ values: { default_model: 'gpt-4o', allowed_models: [], max_tokens_per_day: 0, prefer_cost: false, max_cost_per_day: '1.00' } })
    expect(keptOf(of, membersOf('user', false, true))).toEqual({ allowed_models: [], max_tokens_per_day: 0, max_cost_per_day: '1.00' })
  })
  it.each([['max_tokens_per_day', '1.5'], ['max_tokens_per_day', '-1'], ['max_cost_per_day', 'much']] as const)('%s is not %j', (member, text) => {
    const d = draftOf({}, members)
    expect(valuesOf({ ...d, texts: { ...d.texts, [member]: text } }, members)).toMatchObject({ member })
  })
})

describe('an assignment', () => {
  const ben = { role: 'user' as const, account: 'acme', team: 'red', user: 'ben' }
  it.each([
    ['its own', { level: 'user' as const, user_id: 'ben', updated_by: 'acme/ben' }, ben, true],
    ['one made for it', { level: 'user' as const, user_id: 'ben', updated_by: 'acme/ann' }, ben, false],
    ['its team’s, as a lead, made by an admin', { level: 'team' as const, team_id: 'red', updated_by: 'acme/ann' }, { ...ben, role: 'team_lead' as const }, false],
    ['a global one, as an admin', { level: 'global' as const }, { ...ben, role: 'account_admin' as const }, false],
    ['a global one, as a super admin', { level: 'global' as const }, { ...ben, role: 'super_admin' as const }, true],
  ])('%s', (_, a, who, want) => expect(mayChange({ task_type: 't', model: 'm', ...a }, who)).toBe(want))
  it('is made at one’s levels', () => expect([levelsOf('user'), levelsOf('team_lead')]).toEqual([['user'], ['team', 'user']]))
  it('has a time that an input takes', () => {
    expect(new Date(localTime('2026-11-23T12:34:00Z')).toISOString()).toBe('2026-11-23T12:34:00.000Z')
    expect(localTime(undefined)).toBe('')
  })
})

describe('the audit trail', () => {
  it('is asked for whole days, the last one included', () => {
    const q = queryOf({ ...nobody, from: '2026-11-01', to: '2026-11-30' })
    expect(Date.parse(String(q.to)) - Date.parse(String(q.from))).toBe(30 * 86_400_000)
    expect(queryOf(nobody)).toEqual({})
  })
  it('is of an account or of global rows, never both', () => {
    expect(queryOf({ ...nobody, account: 'acme', global: true })).toEqual({ global: true })
    expect([exportHref({ account: 'a b', global: false }), exportHref(nobody)]).toEqual(['/api/v1/audit/export?account_id=a+b', '/api/v1/audit/export'])
  })
  it('names who did it', () => {
    expect(actorWords({ actor_account: '', actor_user: '', account_id: 'acme' })).toBe('the gateway itself')
    expect(actorWords({ actor_account: 'root', actor_user: 'eve', account_id: 'acme' })).toBe('root/eve')
  })
})

describe('recording', () => {
  it('has a share of sampled requests alone', () => {
    expect(bodyOf({ record: 'all', share: '10', text: false, days: '7' })).toEqual({ body: { record: 'all', text: false, retention_days: 7 } })
    expect(bodyOf({ record: 'sampled', share: '2,5 %', text: true, days: '90' })).toEqual({ body: { record: 'sampled', share_percent: 2.5, text: true, retention_days: 90 } })
  })
  it.each([{ share: '', days: '7' }, { share: '101', days: '7' }, { share: '5', days: '0' }, { share: '5', days: '91' }])('does not take %j', (d) => expect(bodyOf({ record: 'sampled', text: false, ...d })).toHaveProperty('problem'))
})
