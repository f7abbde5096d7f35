import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { send, useGet } from '../api/query'
import { useCan, useSession } from '../api/session'
import { defaultKey, keyOfRule, whyNotTried, type Rung } from './rungs'

/** A Mark says what is peculiar about a rung: a word for its chip, and why. */
export type Mark = { word: string; why: string; kind: 'off' | 'error' | 'unreachable' | 'shadow' | 'warn' }

export type Finding = { kind: string; rule?: string; message: string }

// Kinds of findings of rules that cannot decide any request.
const neverDecides: Record<string, string | undefined> = { unreachable: 'Unreachable', shadowed: 'Unreachable', never: 'Never matches' }

/** marksOf puts together what is known of each rung, the gravest first. */
export function marksOf(rungs: readonly Rung[], findings: readonly Finding[], broken: ReadonlyMap<string, string>, trials: ReadonlyMap<string, string>): ReadonlyMap<string, Mark[]> {
  const marks = new Map<string, Mark[]>()
  for (const r of rungs) {
    if (r.key === defaultKey) continue
    const list: Mark[] = []
    const fault = broken.get(r.key)
    if (fault) list.push({ word: 'Error', why: fault, kind: 'error' })
    const off = whyNotTried(r.node)
    if (off) list.push({ word: r.node.state === 'disabled' ? 'Off' : r.node.state === 'shadowed' ? 'Shadowed' : 'Left out', why: off, kind: 'off' })
    if (r.tried) {
      for (const f of findings) {
        if (f.rule !== r.node.rule) continue
        const word = neverDecides[f.kind]
        list.push(word ? { word, why: f.message, kind: 'unreachable' } : { word: 'Warning', why: f.message, kind: 'warn' })
      }
    }
    const trial = trials.get(r.key)
    if (trial) list.push({ word: 'In trial', why: trial, kind: 'shadow' })
    if (list.length > 0) marks.set(r.key, list)
  }
  return marks
}

/** isHatched: such a rung never decides, whatever comes. */
export const isHatched = (marks: readonly Mark[] | undefined): boolean => (marks ?? []).some((m) => m.kind !== 'shadow' && m.kind !== 'warn')

/** useFindings is what looks wrong with the rules: checking one of an account tells of all of them. */
function useFindings(rungs: readonly Rung[], enabled: boolean): readonly Finding[] {
  const can = useCan()('POST', '/api/v1/rules/check') && enabled
  const session = useSession()
  // The account's own rules; the global ones are checked for those alone who may change them.
  const of = rungs.find((r) => r.node.kind === 'rule' && (r.node.account_id ? true : session.role === 'super_admin'))?.node
  const rule = useGet('/api/v1/rules/{id}', { path: { id: of?.rule ?? '' }, query: of?.account_id ? { account_id: of.account_id } : {} }, { enabled: can && of !== undefined, live: true })
  const stamp = rungs.map((r) => `${r.key} ${r.node.state} ${r.node.priority} ${(r.node.clauses ?? []).join()}`).join('\n')
  const q = useQuery({
    queryKey: ['rule findings', of?.account_id ?? '', stamp],
    queryFn: () => send('post', '/api/v1/rules/check', { body: rule.data! }),
    enabled: can && rule.data !== undefined,
    staleTime: 60_000,
    retry: false,
  })
  return useMemo(() => (q.data?.warnings ?? []).filter((w) => w.rule && w.kind !== 'case_failed'), [q.data])
}

/** useBroken is which rules do not run now, and why: a dry run of a request that says nothing asks each of them. */
function useBroken(enabled: boolean): ReadonlyMap<string, string> {
  const can = useCan()('POST', '/api/v1/route/explain') && enabled
  const q = useQuery({
    queryKey: ['rule faults'],
    queryFn: () => send('post', '/api/v1/route/explain', { body: { request: { model: 'auto', messages: [{ role: 'user', content: '.' }] } as never } }),
    enabled: can,
    meta: { live: true },
    staleTime: 15_000,
    retry: false,
  })
  return useMemo(() => {
    const broken = new Map<string, string>()
    for (const s of q.data?.rules ?? []) {
      const key = keyOfRule(s.account_id, s.id)
      if (s.outcome === 'suspended') broken.set(key, `Suspended: it failed too often lately.${s.detail ? ` ${s.detail}` : ''}`)
      if (s.outcome === 'failed') broken.set(key, `Fails${s.detail ? `: ${s.detail}` : '.'}`)
      if (s.outcome === 'left_out' && s.detail) broken.set(key, s.detail)
    }
    return broken
  }, [q.data])
}

/** useTrials is which rules a running shadow or canary would change. */
function useTrials(account: string, enabled: boolean): ReadonlyMap<string, string> {
  const can = useCan()('GET', '/api/v1/rollouts') && enabled
  const q = useGet('/api/v1/rollouts', { query: account ? { account_id: account } : {} }, { live: true, enabled: can })
  const running = q.data?.data?.filter((r) => r.status === 'running') ?? []
  const live = useGet('/api/v1/rules', {}, { live: true, enabled: can && running.length > 0 })
  return useMemo(() => {
    const trials = new Map<string, string>()
    const text = (r: object) => JSON.stringify(r, ['name', 'priority', 'when', 'plugin', 'config', 'target', 'fallbacks', 'only', 'on_failure', 'enabled'])
    for (const r of q.data?.data ?? []) {
      if (r.status !== 'running') continue
      const how = r.kind === 'shadow' ? 'A shadow tries another version of it on every request, without effect' : `A canary tries another version of it on ${r.share} % of sessions`
      for (const rule of live.data?.data ?? []) {
        if ((rule.account_id ?? '') !== r.account_id) continue
        const draft = r.rules?.find((d) => d.id === rule.id)
        if (!r.rules || (draft && text(draft) === text(rule))) continue
        trials.set(keyOfRule(rule.account_id, rule.id ?? ''), `${draft ? how : how.replace('another version of it', 'the rules without it')}.`)
      }
    }
    return trials
  }, [q.data, live.data])
}

/** useMarks is what is peculiar about each rung, by its key. */
export function useMarks(rungs: readonly Rung[], account: string): ReadonlyMap<string, Mark[]> {
  const enabled = rungs.length > 0
  const findings = useFindings(rungs, enabled)
  const broken = useBroken(enabled)
  const trials = useTrials(account, enabled)
  return useMemo(() => marksOf(rungs, findings, broken, trials), [rungs, findings, broken, trials])
}
