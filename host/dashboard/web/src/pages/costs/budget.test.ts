import { describe, expect, it } from 'vitest'
import { bodyOf, draftOf, emptyDraft, usdOf, wrongWith, type Budget } from './budget'

describe('a budget’s form', () => {
  const good = { ...emptyDraft, amount: '25.00' }
  it('takes what the API gave and gives it back', () => {
    const b: Budget = { name: 'n', amount: '12.50', period: 'week', hard: true, enabled: false, team_id: 't', thresholds: [{ percent: 90, projected: true, actions: ['stop'] }] }
    expect(bodyOf(draftOf(b))).toEqual(b)
  })
  it('names the account when it is another one', () => {
    expect(bodyOf(good, 'acme')).toMatchObject({ account_id: 'acme', amount: '25.00' })
  })
  it.each([['', true], ['0', true], ['-1', true], ['1e3', true], ['12.5', false], ['$5', true]])('checks the amount %j', (amount, bad) => {
    expect(wrongWith({ ...good, amount }).amount !== undefined).toBe(bad)
  })
  it('wants thresholds that can be reached, do something and differ', () => {
    expect(wrongWith(good)).toEqual({})
    expect(wrongWith({ ...good, thresholds: [{ percent: '0', projected: false, actions: ['event'] }] }).thresholds).toMatch(/1 to 1000/)
    expect(wrongWith({ ...good, thresholds: [{ percent: '50', projected: false, actions: [] }] }).thresholds).toMatch(/at 50 %/)
    expect(wrongWith({ ...good, thresholds: [good.thresholds[0]!, good.thresholds[0]!] }).thresholds).toMatch(/same/)
    expect(wrongWith({ ...good, thresholds: [good.thresholds[0]!, { ...good.thresholds[0]!, projected: true }] })).toEqual({})
  })
  it('reads dollars, and knows what are none', () => {
    expect(usdOf('12.5')).toBe(12_500_000_000)
    expect(usdOf(undefined)).toBeNaN()
    expect(usdOf('')).toBeNaN()
  })
})
