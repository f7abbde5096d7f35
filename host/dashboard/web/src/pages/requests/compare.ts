import { keyOfRule } from '../../ladder'
import type { Explanation, Whole } from './whole'

type Step = NonNullable<Whole['rules']>[number]

/** A Change is a rule whose part in the decision is another one now; null: it was, or is, not there. */
export type Change = { key: string; name: string; then: Step | null; now: Step | null }

export type Comparison = {
  sameRule: boolean
  sameModel: boolean
  /** The model asked first; '' for none. */
  thenModel: string
  nowModel: string
  changes: Change[]
}

/** compare says what today's rules make of a request that was recorded. */
export function compare(then: Pick<Whole, 'rule' | 'rules' | 'candidates' | 'model' | 'targets'>, now: Pick<Explanation, 'rule' | 'rules' | 'candidates' | 'error_code'>): Comparison {
  const thenModel = then.targets?.[0] ?? then.model ?? ''
  const nowModel = now.error_code ? '' : (now.candidates?.find((c) => !c.skip)?.model ?? '')
  const before = new Map((then.rules ?? []).map((s) => [keyOfRule(s.account_id, s.id), s]))
  const changes: Change[] = []
  for (const s of now.rules ?? []) {
    const key = keyOfRule(s.account_id, s.id)
    const old = before.get(key) ?? null
    before.delete(key)
    // Where the record lacks its rules, nothing can be said of each of them.
    if (then.rules && then.rules.length > 0 && old?.outcome !== s.outcome) changes.push({ key, name: s.name || s.id, then: old, now: s })
  }
  for (const [key, s] of before) changes.push({ key, name: s.name || s.id, then: s, now: null })
  return { sameRule: then.rule === now.rule, sameModel: thenModel === nowModel, thenModel, nowModel, changes }
}
