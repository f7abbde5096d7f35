import { expect, it } from 'vitest'
import { rate } from './live'
import { eventReader, type ServerEvent } from './sse'

const stream = ': ping\n\nevent: usage.totals\r\ndata: {"a":1}\r\n\r\nid: 7\nevent: provider.down\ndata: one\ndata: two\n\ndata:last\r\rdata: never ended'
const want: ServerEvent[] = [
  { event: 'usage.totals', data: '{"a":1}', id: '' },
  { event: 'provider.down', data: 'one\ntwo', id: '7' },
  { event: 'message', data: 'last', id: '7' },
]

it('reads events, cut at every byte', () => {
  for (let cut = 0; cut <= stream.length; cut++) {
    const got: ServerEvent[] = []
    const feed = eventReader((e) => got.push(e))
    feed(stream.slice(0, cut))
    feed(stream.slice(cut))
    expect(got, `cut at ${cut}`).toEqual(want)
  }
})

const reading = (at: number, requests: number) => ({ at, requests, errors: 0, cost: 0 })

it.each([
  ['no totals yet', [], 0, 50_000, null],
  ['one reading, too young to tell', [reading(49_000, 5)], 49_000, 50_000, null],
  ['one reading and silence since', [reading(30_000, 5)], 49_000, 50_000, 0],
  ['twenty in ten seconds', [reading(40_000, 5), reading(45_000, 15), reading(50_000, 25)], 50_000, 50_000, 2],
  ['what is older than the window does not count', [reading(10_000, 0), reading(20_000, 100), reading(48_000, 110)], 48_000, 50_000, 1],
])('rate: %s', (_, readings, heard, now, want) => {
  expect(rate(readings, heard, now)).toBe(want)
})
