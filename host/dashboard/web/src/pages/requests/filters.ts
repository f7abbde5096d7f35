import { minute, hour, dayLength } from '../../api/window'
import type { Decision } from './tail'

/** What the list is narrowed to, as the address has it; '' is all. */
export type Filters = {
  account: string
  rule: string
  model: string
  provider: string
  /** ok, failed, or the code of an error. */
  outcome: string
  key: string
  user: string
  team: string
  session: string
  /** A span of `spans`. */
  since: string
}

export const names = ['account', 'rule', 'model', 'provider', 'outcome', 'key', 'user', 'team', 'session', 'since'] as const

export const spans: readonly { id: string; title: string; length: number }[] = [
  { id: '', title: 'As long as kept', length: 0 },
  { id: '5m', title: '5 minutes', length: 5 * minute },
  { id: '1h', title: '1 hour', length: hour },
  { id: '24h', title: '24 hours', length: dayLength },
  { id: '7d', title: '7 days', length: 7 * dayLength },
]

/** Codes of errors that are answered, for choosing. Others may come from the address. */
export const codes: readonly string[] = [
  'rate_limit_exceeded', 'budget_exceeded', 'no_target_available', 'model_not_allowed', 'model_not_found', 'context_length_exceeded', 'content_filter',
  'rule_rejected', 'rule_failed', 'plugin_failed', 'upstream_error', 'upstream_timeout', 'upstream_overloaded', 'upstream_truncated', 'client_closed',
  'invalid_request', 'permission_denied', 'internal_error',
]

/** codeWords is an error's code as words: "Rate limit exceeded". */
export function codeWords(code: string): string {
  const text = code.replaceAll('_', ' ')
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

/** queryOf is what the server narrows by. now is in ms since 1970. */
export function queryOf(f: Filters, now: number) {
  const length = spans.find((s) => s.id === f.since)?.length ?? 0
  return {
    ...(f.account ? { account_id: f.account } : {}),
    ...(f.rule ? { rule: f.rule } : {}),
    ...(f.model ? { model: f.model } : {}),
    ...(f.outcome && f.outcome !== 'failed' ? { code: f.outcome } : {}),
    ...(f.key ? { key_id: f.key } : {}),
    ...(f.user ? { user_id: f.user } : {}),
    ...(f.team ? { team_id: f.team } : {}),
    ...(f.session ? { session_id: f.session } : {}),
    ...(length > 0 ? { from: new Date(now - length).toISOString() } : {}),
  }
}

/** keeps is what the server cannot narrow by: it is looked at in the rows that were read. */
export function keeps(f: Filters, d: Decision): boolean {
  if (f.provider && d.provider !== f.provider) return false
  return f.outcome !== 'failed' || d.code !== undefined
}

/** isNarrowedHere says whether `keeps` may leave rows out. */
export const isNarrowedHere = (f: Filters): boolean => f.provider !== '' || f.outcome === 'failed'
