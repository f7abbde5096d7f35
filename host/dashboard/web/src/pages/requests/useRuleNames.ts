import { useMemo } from 'react'
import { useGet } from '../../api/query'
import { useCan } from '../../api/session'

const inPlace: Record<string, string> = { default: 'Default handler', pinned: 'Named model', assignment: 'Assignment', override: 'Override', external: 'External' }

/** useRuleNames names who decided: rules by their name where it may be read. */
export function useRuleNames(): (rule: string) => string {
  const can = useCan()
  const q = useGet('/api/v1/rules', {}, { enabled: can('GET', '/api/v1/rules'), staleTime: 60_000 })
  const byId = useMemo(() => new Map((q.data?.data ?? []).map((r) => [r.id ?? '', r.name ?? ''])), [q.data])
  return (rule) => inPlace[rule] ?? (byId.get(rule) || rule)
}
