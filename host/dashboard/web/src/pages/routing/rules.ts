import { useMemo } from 'react'
import { useGet } from '../../api/query'
import { useCan, useSession } from '../../api/session'
import { keyOfRule } from '../../ladder'
import { before, type Rule } from './order'

/** ruleRoutes are what is read again after a change of rules. */
export const ruleRoutes = ['/api/v1/rules', '/api/v1/rules/graph', '/api/v1/rules/versions', '/api/v1/rules/{id}'] as const

/** keyOf names a rule as the ladder does. */
export const keyOf = (r: Rule): string => keyOfRule(r.account_id, r.id ?? '')

/** useRules is the rules that an account's requests are tried against, in that order. account '' is
 *  whoever is logged in; for a super admin the global rules alone. */
export function useRules(account: string) {
  const session = useSession()
  const home = account || (session.role === 'super_admin' ? '' : (session.account?.id ?? ''))
  const q = useGet('/api/v1/rules', {}, { live: true })
  const rules = useMemo(() => (q.data?.data ?? []).filter((r) => !r.account_id || r.account_id === home).sort(before), [q.data, home])
  return { rules, home, loading: q.isPending, error: q.error, refetch: q.refetch }
}

/** useMayChange says whether whoever is logged in may change a rule: its account's, or any for a super admin. */
export function useMayChange(): (r: { account_id?: string }) => boolean {
  const can = useCan()
  const session = useSession()
  const all = session.role === 'super_admin'
  const own = session.account?.id ?? ''
  const may = can('PATCH', '/api/v1/rules/{id}')
  return (r) => may && (all || (own !== '' && (r.account_id ?? '') === own))
}
