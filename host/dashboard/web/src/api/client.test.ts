import { expect, it } from 'vitest'
import { pathOf } from './client'

it.each([
  [{ id: 'llama3:8b', version: '2027-01-01T00:00:00Z' }, '/m/llama3:8b/p/2027-01-01T00:00:00Z'],
  [{ id: 'a/b?c#d', version: '1.0.0+b' }, '/m/a%2Fb%3Fc%23d/p/1.0.0%2Bb'],
])('pathOf(%j) = %s', (members, want) => expect(pathOf('/m/{id}/p/{version}', members)).toBe(want))
