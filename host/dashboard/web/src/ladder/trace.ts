import type { components } from '../api/schema'
import { isDefault, keyOfRule, type Rung } from './rungs'

export type RuleStep = components['schemas']['RuleStep']
export type Candidate = components['schemas']['Candidate']

/** A Trace is a decision as POST /api/v1/route/explain tells it, or as one was recorded. */
export type Trace = {
  /** A rule's id, or default, pinned, assignment, override. */
  rule: string
  rules: readonly RuleStep[] | null
  candidates: readonly Candidate[] | null
  error_message?: string
}

/** outcomeWords says what became of a rule, as a sentence. */
export function outcomeWords(s: RuleStep): string {
  const clause = s.clause ? s.clause.replace(/\s+/g, ' ').trim() : ''
  const detail = s.detail ? `: ${s.detail.replace(/\.$/, '')}` : ''
  switch (s.outcome) {
    case 'matched': return clause ? `Matched: ${clause}` : `Matched${detail}.`
    case 'no_match': return clause ? `Did not match: ${clause} does not hold.` : 'Did not match.'
    case 'abstained': return `The plugin had nothing to say${detail}.`
    case 'rejected': return `The plugin refused the request${detail}.`
    case 'failed': return `Failed${detail}.`
    case 'suspended': return `Suspended: it failed too often lately${detail}.`
    case 'other_team': return 'Belongs to another team than the caller.'
    case 'disabled': return 'Switched off.'
    case 'shadowed': return 'Hidden by the account’s rule of the same id.'
    case 'left_out': return s.detail ? `Left out${detail}.` : 'Left out: the account uses its own rules only, or the rule does not compile.'
    case 'not_reached': return 'Not reached: a rule before it decided.'
    case 'not_asked': return 'Not asked: something else decided.'
    case 'undecided': return `Cannot be decided again: what it asks for was not kept${detail}.`
  }
  return `${s.outcome.replaceAll('_', ' ')}${detail}.`
}

const squeeze = (s: string) => s.replace(/\s+/g, '')

/** heldIn says whether a line of a condition is in the part that made the outcome. */
export const heldIn = (line: string, clause: string): boolean => squeeze(line).includes(squeeze(clause)) || squeeze(clause).includes(squeeze(line))

/** elsewhere is the model that a rung leads to and that is none of its own: a plugin's choice, or the
 *  default handler's. '' when there is none such. */
export const elsewhere = (rung: Rung, lit: Lit): string => (lit.decided === rung.key && lit.model !== '' && !rung.models.some((m) => m.model === lit.model) ? lit.model : '')

/** stepWords is outcomeWords, shorter where the rung's own lines say it already. */
export function stepWords(rung: Rung, s: RuleStep): string {
  const clauses = rung.node.clauses ?? []
  if (s.outcome === 'no_match' && s.clause && clauses.length > 1 && rung.node.join === 'or' && clauses.every((c) => heldIn(c, s.clause!))) return 'Did not match: none of its clauses holds.'
  return outcomeWords(s)
}

/** skipWords says why a model was passed over. */
export function skipWords(skip: { reason: string; detail?: string }): string {
  const words: Record<string, string> = {
    down: 'is down', drained: 'was taken out by an administrator', not_allowed: 'is not allowed for this caller', disabled: 'is switched off',
    unknown_model: 'does not exist', retired: 'is retired', no_credential: 'has no credential that works', rate_limited: 'has reached a limit',
    budget_exceeded: 'may cost more than the budget leaves', cooldown: 'is paused at its provider’s wish', lacks_capability: 'cannot do what the request needs',
    context_too_small: 'has too small a context window', failed: 'was tried and failed', wire: 'does not speak this API', unpriced: 'has no price',
    retry_budget: 'is not tried again: too many retries failed lately',
  }
  return `${words[skip.reason] ?? `was passed over (${skip.reason.replaceAll('_', ' ')})`}${skip.detail ? `: ${skip.detail.replace(/\.$/, '')}` : ''}`
}

/** Lit is what a decision lights on the ladder. */
export type Lit = {
  /** Ids of nodes, and of edges as "from>to", on the path. */
  nodes: ReadonlySet<string>
  edges: ReadonlySet<string>
  /** By a rung's key: what became of it. */
  steps: ReadonlyMap<string, RuleStep>
  /** The key of the rung that decided; '' when something else did. */
  decided: string
  /** The model that is asked first; '' for none. */
  model: string
  /** By model node: why that one is not asked. */
  skips: ReadonlyMap<string, string>
}

/** litBy finds the decision's path from the request to the model that is asked. */
export function litBy(trace: Trace, rungs: readonly Rung[]): Lit {
  const steps = new Map<string, RuleStep>()
  for (const s of trace.rules ?? []) steps.set(keyOfRule(s.account_id, s.id), s)
  const decider = rungs.find((r) => (isDefault(r) ? trace.rule === 'default' : ['matched', 'rejected'].includes(steps.get(r.key)?.outcome ?? '')))
  const nodes = new Set<string>(['request'])
  const edges = new Set<string>()
  const skips = new Map<string, string>()
  const model = trace.error_message ? '' : (trace.candidates?.find((c) => !c.skip)?.model ?? '')
  const lit: Lit = { nodes, edges, steps, decided: decider?.key ?? '', model, skips }
  if (!decider) return lit
  let above = 'request'
  for (const r of rungs) {
    if (!r.tried) continue
    nodes.add(r.node.id)
    edges.add(`${above}>${r.node.id}`)
    above = r.node.id
    if (r === decider) break
  }
  for (const m of decider.models) {
    const skip = trace.candidates?.find((c) => c.model === m.model)?.skip
    if (skip) skips.set(m.id, skipWords(skip))
  }
  const chosen = decider.models.findIndex((m) => m.model === model)
  let before = decider.node.id
  for (const m of decider.models.slice(0, chosen + 1)) {
    nodes.add(m.id)
    edges.add(`${before}>${m.id}`)
    before = m.id
  }
  return lit
}
