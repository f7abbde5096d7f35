import { expect, it } from 'vitest'
import { ago, bytes, count, decimal, duration, percent, timeOf, usd } from './format'

it.each([
  [0, '$0.00'], [null, '–'], [undefined, '–'], [NaN, '–'], [1, '<$0.000001'], [12_300, '$0.000012'], [12_345_678, '$0.0123'],
  [118_000_000, '$0.1180'], [500_000_000, '$0.50'], [999_900_000, '$1.00'], [1_005_000_000, '$1.01'], [12_340_000_000, '$12.34'], [-2_500_000_000, '−$2.50'],
  [123_456_789_000_000, '$123,457'],
] as const)('usd(%s) = %s', (nano, want) => expect(usd(nano)).toBe(want))

it.each([
  [1_234_567_890, '$1.23456789'], [2_000_000_000, '$2.00'], [9007199254740993n, '$9,007,199.254740993'], [-1, '−$0.000000001'],
] as const)('usd(%s, exact) = %s', (nano, want) => expect(usd(nano, 'exact')).toBe(want))

it('writes numbers', () => {
  expect([count(null), count(0), count(99_999), count(123_456), count(1_250_000)]).toEqual(['–', '0', '99,999', '123.5k', '1.3M'])
  expect([decimal(0), decimal(0.424), decimal(12.34), decimal(1234)]).toEqual(['0', '0.42', '12.3', '1,234'])
  expect([percent(null), percent(1), percent(0.99999), percent(0.0001), percent(0.5), percent(0.0123)]).toEqual(['–', '100 %', '99.9 %', '<0.1 %', '50 %', '1.2 %'])
  expect([duration(null), duration(0.34), duration(12), duration(1400), duration(180_000)]).toEqual(['–', '340 µs', '12 ms', '1.4 s', '3 min'])
  expect([bytes(12), bytes(1500), bytes(undefined)]).toEqual(['12 B', '1.5 kB', '–'])
})

it('writes times', () => {
  expect(ago(1_000, 61_000)).toBe('1 min ago')
  expect(ago(121_000, 1_000)).toBe('in 2 min')
  expect([ago(1_000, 6_999), ago(6_999, 1_000), ago(1_000, 2_500)]).toEqual(['5 s ago', 'in 6 s', 'now'])
  expect(ago('0001-01-01T00:00:00Z')).toBe('–')
  expect(timeOf('nonsense')).toBeNaN()
})
