import { useInfiniteQuery } from '@tanstack/react-query'
import { get, type Data } from '../../api/query'
import type { Problem } from '../../api/problem'

type Page = NonNullable<Data<'get', '/api/v1/audit'>>
export type Entry = NonNullable<Page['data']>[number]

/** AuditFilter is what is looked for; empty members ask for everything. */
export type AuditFilter = { account: string; global: boolean; action: string; object: string; user: string; from: string; to: string }

/** whose is whose log is meant, as the API takes it. */
export const whose = (f: Pick<AuditFilter, 'account' | 'global'>): Record<string, string | boolean> => (f.global ? { global: true } : f.account ? { account_id: f.account } : {})

/** queryOf makes the API's parameters; days are those of the reader's zone, the last one included. */
export function queryOf(f: AuditFilter): Record<string, string | boolean> {
  const at = (day: string, plus: number): string | null => {
    const [y, m, d] = day.split('-').map(Number)
    const t = new Date(y ?? NaN, (m ?? NaN) - 1, (d ?? NaN) + plus)
    return Number.isNaN(t.getTime()) ? null : t.toISOString()
  }
  const from = f.from ? at(f.from, 0) : null
  const to = f.to ? at(f.to, 1) : null
  return {
    ...whose(f), ...(f.action ? { action: f.action } : {}), ...(f.object ? { object: f.object } : {}), ...(f.user ? { user: f.user } : {}),
    ...(from ? { from } : {}), ...(to ? { to } : {}),
  }
}

/** exportHref is where the whole log is downloaded. */
export function exportHref(f: Pick<AuditFilter, 'account' | 'global'>): string {
  const q = new URLSearchParams(Object.entries(whose(f)).map(([k, v]) => [k, String(v)])).toString()
  return `/api/v1/audit/export${q ? `?${q}` : ''}`
}

/** useAudit reads the log page by page, newest first: its pages go on before a number, not after a text. */
export function useAudit(f: AuditFilter) {
  const query = queryOf(f)
  return useInfiniteQuery<Page, Problem>({
    queryKey: ['/api/v1/audit', 'pages', query],
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) => get('/api/v1/audit', { query: { ...query, limit: 50, ...(pageParam ? { before: pageParam as number } : {}) } }, signal) as Promise<Page>,
    getNextPageParam: (last) => last.next || undefined,
    meta: { live: true },
    placeholderData: (old) => old,
  })
}

/** actorWords is who did it. */
export const actorWords = (e: Pick<Entry, 'actor_account' | 'actor_user' | 'account_id'>): string =>
  e.actor_user === '' && e.actor_account === '' ? 'the gateway itself' : e.actor_account && e.actor_account !== e.account_id ? `${e.actor_account}/${e.actor_user}` : e.actor_user
