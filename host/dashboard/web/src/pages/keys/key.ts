import { timeOf } from '../../api/format'
import type { Data } from '../../api/query'

export type Key = NonNullable<NonNullable<Data<'get', '/api/v1/keys'>>['data']>[number]
export type Scope = 'inference' | 'read' | 'manage'

export const scopeWords: Record<Scope, string> = {
  inference: 'Send requests to models (/v1)',
  read: 'See what is set and what happened',
  manage: 'Change what is set (needs reading)',
}

/** keyState is what a key is worth now, in words. */
export function keyState(k: Pick<Key, 'revoked_at' | 'expires_at' | 'rotated_to'>, now: number): 'active' | 'replaced' | 'expired' | 'revoked' {
  if (k.revoked_at) return 'revoked'
  if (timeOf(k.expires_at) <= now) return 'expired'
  return k.rotated_to ? 'replaced' : 'active'
}

/** withScope adds a scope, or takes it away, with what depends on it: nobody manages what they cannot read. */
export function withScope(scopes: readonly Scope[], scope: Scope, on: boolean): Scope[] {
  const next = new Set(scopes)
  if (on) next.add(scope)
  else next.delete(scope)
  if (on && scope === 'manage') next.add('read')
  if (!on && scope === 'read') next.delete('manage')
  return (['inference', 'read', 'manage'] as const).filter((s) => next.has(s))
}

/** curlLine is a request that tries a key out, for a shell. */
export function curlLine(origin: string, secret: string, scopes: readonly string[]): string {
  const auth = `-H 'Authorization: Bearer ${secret}'`
  if (!scopes.includes('inference')) return `curl ${origin}/api/v1/rules ${auth}`
  return `curl ${origin}/v1/chat/completions ${auth} -H 'Content-Type: application/json' -d '{"model":"auto","messages":[{"role":"user","content":"Hello"}]}'`
}

/** endOf reads a choice of when a key ends: days from now, a date (its end, in the reader's zone), or '' for none. */
export function endOf(choice: string, date: string, now: number): string | undefined {
  if (choice === 'date') {
    const at = Date.parse(`${date}T23:59:59`)
    return Number.isNaN(at) ? undefined : new Date(at).toISOString()
  }
  const days = Number(choice)
  return days > 0 ? new Date(now + days * 86_400_000).toISOString() : undefined
}
