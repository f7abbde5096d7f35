import { useEffect, useMemo, useState } from 'react'
import { useGet, type Data } from '../api/query'
import { defaultKey, isDefault, type Rung } from './rungs'

/** What the rules decided lately. */
export type Shares = {
  /** All requests of the last 24 hours; 0 when there were none. */
  total: number
  /** Requests by who decided them: a rule's id, default, pinned, assignment, override. */
  by: ReadonlyMap<string, number>
}

const step = 5 * 60_000
const span = 24 * 60 * 60_000

const begin = () => new Date(Math.floor((Date.now() - span) / step) * step).toISOString()

/** sharesOf reads sums by rule. */
export function sharesOf(summary: Data<'get', '/api/v1/costs/summary'>): Shares {
  const by = new Map<string, number>()
  for (const row of summary?.data ?? []) {
    const rule = row.group?.rule
    if (rule) by.set(rule, (by.get(rule) ?? 0) + row.requests)
  }
  return { total: summary?.total.requests ?? 0, by }
}

/** shareOf is a rung's part of all requests, 0 to 1; null when it is not known, or the rule is not
 *  tried: sums are by id, and the rule that hides it has the same. */
export function shareOf(rung: Rung, shares: Shares | null): { share: number; requests: number } | null {
  if (!shares || shares.total === 0 || (!isDefault(rung) && rung.node.state === 'shadowed')) return null
  const requests = shares.by.get(isDefault(rung) ? defaultKey : (rung.node.rule ?? '')) ?? 0
  return { share: requests / shares.total, requests }
}

/** pastRules is the part of requests that no rule was asked about: they name their model, or are assigned. */
export function pastRules(shares: Shares | null): number | null {
  if (!shares || shares.total === 0) return null
  const n = ['pinned', 'assignment', 'override', 'external'].reduce((sum, word) => sum + (shares.by.get(word) ?? 0), 0)
  return n / shares.total
}

/** useShares reads the last 24 hours' sums by rule; null while they are not known. */
export function useShares(account: string): Shares | null {
  // The span moves in steps, so that all who show it share one answer.
  const [from, setFrom] = useState(begin)
  useEffect(() => {
    const t = setInterval(() => setFrom(begin), 30_000)
    return () => clearInterval(t)
  }, [])
  const query = { from, group_by: ['rule' as const], limit: 10_000, ...(account ? { account_id: account } : {}) }
  const q = useGet('/api/v1/costs/summary', { query }, { live: true, keep: true })
  return useMemo(() => (q.data ? sharesOf(q.data) : null), [q.data])
}
