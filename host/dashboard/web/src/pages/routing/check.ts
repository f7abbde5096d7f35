import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import { asProblem, Problem } from '../../api/problem'
import { send } from '../../api/query'
import { bodyOf, type Draft } from './draft'
import type { Rule } from './order'

export type Warning = { kind: string; rule?: string; message: string }

/** What the server says of a draft. */
export type Checked = {
  checking: boolean
  /** The rule as it would be sent; null while something is missing. */
  body: Rule | null
  /** Where the condition does not compile. */
  places: readonly { line: number; column: number; message: string }[]
  /** What is wrong, by the member of the rule at fault; '' for the whole. */
  wrong: ReadonlyMap<string, string>
  warnings: readonly Warning[]
}

/** useSettled is a value once it has not changed for so many ms. */
function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const t = setTimeout(() => setSettled(value), ms)
    return () => clearTimeout(t)
  }, [value, ms])
  return settled
}

/** memberOf is the member of a rule that a failure is about. */
export function memberOf(p: Problem): string {
  const location = p.more.errors?.find((e) => e.location)?.location ?? ''
  return /^body\.(\w+)/.exec(location)?.[1] ?? ''
}

/** useCheck checks a draft with the server, a moment after the last key. */
export function useCheck(draft: Draft, enabled: boolean): Checked {
  const made = useMemo(() => bodyOf(draft), [draft])
  const text = 'body' in made ? JSON.stringify(made.body) : ''
  const settled = useSettled(text, 250)
  const q = useQuery<{ warnings: Warning[]; problem: Problem | null }>({
    queryKey: ['rule check', settled],
    enabled: enabled && settled !== '',
    staleTime: 30_000,
    retry: false,
    queryFn: async () => {
      try {
        const ok = await send('post', '/api/v1/rules/check', { body: JSON.parse(settled) as Rule })
        return { warnings: (ok?.warnings ?? []) as Warning[], problem: null }
      } catch (thrown) {
        const problem = asProblem(thrown)
        // A rule that is wrong is an answer; a server that is away is not.
        if (problem.status >= 400 && problem.status < 500) return { warnings: [], problem }
        throw problem
      }
    },
  })
  return useMemo(() => {
    const wrong = new Map<string, string>()
    if ('problem' in made) wrong.set(made.member, made.problem)
    const current = settled === text && text !== ''
    const problem = current ? (q.data?.problem ?? (q.error ? asProblem(q.error) : null)) : null
    const places = problem?.more.line ? [{ line: problem.more.line, column: problem.more.column ?? 1, message: problem.more.errors?.[0]?.message || problem.message }] : []
    if (problem) wrong.set(memberOf(problem), problem.more.errors?.[0]?.message || problem.message)
    return {
      checking: text !== '' && (!current || q.isFetching), body: 'body' in made ? made.body : null, places, wrong,
      warnings: current ? (q.data?.warnings ?? []) : [],
    }
  }, [made, settled, text, q.data, q.error, q.isFetching])
}
