import type { Data } from '../../api/query'

export type Page = Data<'get', '/api/v1/decisions'>
export type Decision = NonNullable<Page['data']>[number]

/** A tail is the rows that are shown, and those that came since. */
export type Tail = {
  /** Shown, newest first. */
  rows: readonly Decision[]
  /** Came since, newest first. */
  fresh: readonly Decision[]
  /** More came than a page has: some between fresh and rows are not known here. */
  missed: boolean
  /** Where the rows go on; '' at the end. */
  next: string
  /** Where the page of fresh goes on, for when it takes the rows' place. */
  freshNext: string
  /** The first page was there. */
  begun: boolean
}

export const emptyTail: Tail = { rows: [], fresh: [], missed: false, next: '', freshNext: '', begun: false }

function newestFirst(list: readonly Decision[]): Decision[] {
  const byId = new Map(list.map((d) => [d.request_id, d]))
  return [...byId.values()].sort((a, b) => Date.parse(b.at) - Date.parse(a.at) || (a.request_id < b.request_id ? 1 : -1))
}

/** receive takes the newest page as it is now. Rows that are shown stay where they are. */
export function receive(t: Tail, page: Page): Tail {
  const data = page.data ?? []
  if (!t.begun) return { ...emptyTail, rows: newestFirst(data), next: page.next ?? '', begun: true }
  const shown = new Set(t.rows.map((d) => d.request_id))
  const held = new Set(t.fresh.map((d) => d.request_id))
  const came = data.filter((d) => !shown.has(d.request_id))
  const joined = data.some((d) => shown.has(d.request_id) || held.has(d.request_id))
  // With a next page and nothing known on this one, there is more between them.
  if (page.next && !joined && (t.rows.length > 0 || t.fresh.length > 0)) return { ...t, fresh: newestFirst(data), missed: true, freshNext: page.next }
  if (came.every((d) => held.has(d.request_id))) return t
  return { ...t, fresh: newestFirst([...t.fresh, ...came]) }
}

/** show puts what came since on top. Where some of it is missing, it takes the rows' place. */
export function show(t: Tail): Tail {
  if (t.fresh.length === 0) return t
  if (t.missed) return { ...emptyTail, rows: t.fresh, next: t.freshNext, begun: true }
  return { ...t, rows: newestFirst([...t.fresh, ...t.rows]), fresh: [] }
}

/** extend adds the page of older rows that follows `next`. */
export function extend(t: Tail, page: Page): Tail {
  return { ...t, rows: newestFirst([...t.rows, ...(page.data ?? [])]), next: page.next ?? '' }
}
