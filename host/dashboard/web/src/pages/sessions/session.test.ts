import { expect, it } from 'vitest'
import { placeOf, placeText, reasonWords } from './session'

it.each([
  { account: 'acme', user: 'ben', id: 'chat-42' },
  { account: '', user: 'ben', id: 'a/b c?d=%2F&é' },
])('a place is read as it was written: %j', (place) => {
  expect(placeText(place).split('/')).toHaveLength(3)
  expect(placeOf(placeText(place))).toEqual(place)
})

it.each(['', 'a', 'a/b', 'a/b/', 'a/b/%', 'a/b/c/d'])('%j is no place', (text) => expect(placeOf(text)).toBeNull())

it('says why, also of reasons that are not known yet', () => {
  expect(reasonWords({ reason: 'failover', detail: 'upstream_timeout' })).toBe('the model before could not serve (upstream_timeout)')
  expect(reasonWords({ reason: 'weather' as never })).toBe('weather')
})
