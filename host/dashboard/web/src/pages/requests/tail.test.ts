import { describe, expect, it } from 'vitest'
import { emptyTail, extend, receive, show, type Decision } from './tail'

const at = (n: number) => ({ request_id: `r${String(n).padStart(3, '0')}`, at: new Date(1e12 + n * 1000).toISOString() }) as Decision
const page = (from: number, to: number, next?: string) => ({ data: Array.from({ length: from - to + 1 }, (_, i) => at(from - i)), ...(next ? { next } : {}) })
const ids = (list: readonly Decision[]) => list.map((d) => Number(d.request_id.slice(1)))

describe('a tail', () => {
  it('shows the first page as it is', () => {
    const t = receive(emptyTail, page(5, 3, 'n'))
    expect(ids(t.rows)).toEqual([5, 4, 3])
    expect(t.next).toBe('n')
    expect(t.fresh).toEqual([])
  })
  it('holds back what comes until it is asked for', () => {
    let t = receive(receive(emptyTail, page(5, 3, 'n')), page(7, 5, 'm'))
    expect(ids(t.rows)).toEqual([5, 4, 3])
    expect(ids(t.fresh)).toEqual([7, 6])
    t = show(receive(t, page(8, 6, 'o')))
    expect(ids(t.rows)).toEqual([8, 7, 6, 5, 4, 3])
    expect(t.next).toBe('n')
  })
  it('is the same object when nothing came', () => {
    const t = receive(emptyTail, page(5, 3, 'n'))
    expect(receive(t, page(5, 3, 'n'))).toBe(t)
  })
  it('takes one that ended late into its place', () => {
    const t = receive(emptyTail, { data: [at(5), at(3)] })
    expect(ids(show(receive(t, page(6, 3))).rows)).toEqual([6, 5, 4, 3])
  })
  it('says when a page cannot reach what is shown, and begins anew then', () => {
    const t = receive(receive(emptyTail, page(5, 3, 'n')), page(50, 48, 'm'))
    expect(t.missed).toBe(true)
    const shown = show(t)
    expect(ids(shown.rows)).toEqual([50, 49, 48])
    expect(shown.next).toBe('m')
    expect(shown.missed).toBe(false)
  })
  it('starts from nothing', () => {
    const t = receive(receive(emptyTail, { data: [] }), page(2, 1))
    expect(ids(t.fresh)).toEqual([2, 1])
    expect(t.missed).toBe(false)
  })
  it('goes on with older rows', () => {
    const t = extend(receive(emptyTail, page(5, 3, 'n')), page(2, 1))
    expect(ids(t.rows)).toEqual([5, 4, 3, 2, 1])
    expect(t.next).toBe('')
  })
})
