import { ago, timeOf } from '../../api/format'
import type { Data } from '../../api/query'

export type Subject = NonNullable<NonNullable<Data<'get', '/api/v1/health'>>['data']>[number]
export type Provider = NonNullable<NonNullable<Data<'get', '/api/v1/providers'>>['data']>[number]
export type Credential = NonNullable<Provider['credentials']>[number]

/** healthRoutes are what is read again after a provider was switched, probed or tested. */
export const healthRoutes = ['/api/v1/health', '/api/v1/health/{id}/transitions'] as const
/** providerRoutes are what is read again after a provider or a credential has changed. */
export const providerRoutes = ['/api/v1/providers', '/api/v1/providers/{id}', '/api/v1/providers/{id}/credentials', ...healthRoutes] as const

/** Row is a provider as the table has it: what is measured, what is stored, or both. */
export type Row = { key: string; id: string; account: string; health?: Subject; stored?: Provider }

export const keyOf = (account: string | undefined, id: string): string => (account ? `${account}/${id}` : id)

/** rowsOf joins what is measured with what is stored: a disabled provider is not measured, a tenant may not list. */
export function rowsOf(health: readonly Subject[], stored: readonly Provider[]): Row[] {
  const rows = new Map<string, Row>()
  for (const h of health) {
    if (h.kind !== 'provider') continue
    const key = keyOf(h.account_id, h.provider)
    rows.set(key, { key, id: h.provider, account: h.account_id ?? '', health: h })
  }
  for (const p of stored) {
    const key = keyOf(p.account_id, p.id ?? '')
    rows.set(key, { ...(rows.get(key) ?? { key, id: p.id ?? '', account: p.account_id ?? '' }), stored: p })
  }
  return [...rows.values()].sort((a, b) => a.account.localeCompare(b.account) || a.id.localeCompare(b.id))
}

/** statusWord is the status as far as anybody knows: healthy is what the server starts from. */
export function statusWord(s: Subject | undefined): string {
  if (!s) return 'unknown'
  const known = s.check !== undefined || s.last_attempt_at !== undefined || s.status !== 'healthy' || (s.attempts ?? 0) > 0
  return known ? s.status : 'unknown'
}

/** errorRate is the last minute's share of failures, null when there was nothing to fail. */
export const errorRate = (s: Subject | undefined): number | null => (s && (s.attempts ?? 0) > 0 ? s.error_rate : null)

/** standIn is the share of attempts that stood in for others, null when nobody tells. */
export const standIn = (s: Subject | undefined): number | null => (s && (s.attempts !== undefined || s.fallback_share > 0) ? s.fallback_share : null)

/** breaker says whether requests go there, and when that may change. now is ms since 1970. */
export function breaker(s: Subject, now: number): { word: 'closed' | 'open' | 'half-open' | 'drained' | 'disabled'; next: string } {
  const check = timeOf(s.next_check_at)
  const probe = Number.isNaN(check) || s.switch === 'disabled' ? '' : check > now ? `next probe ${ago(check, now)}` : 'probe due'
  if (s.switch) return { word: s.switch, next: probe }
  const retry = timeOf(s.retry_at)
  const rest = timeOf(s.cooldown_until)
  const cooling = rest > now ? `the provider asked for a rest that ends ${ago(rest, now)}` : ''
  const later = [cooling, probe].filter(Boolean).join(' · ')
  // Down and no longer left out: the next request is a trial.
  if (!s.out) return { word: s.status === 'down' ? 'half-open' : 'closed', next: later }
  if (retry > now) return { word: 'open', next: [`tried again ${ago(retry, now)}`, later].filter(Boolean).join(' · ') }
  return { word: Number.isNaN(retry) ? 'open' : 'half-open', next: later }
}

/** nameOf is what a subject is called among those of its provider. */
export function nameOf(s: Subject): string {
  if (s.kind === 'credential') return s.credential ?? ''
  return s.kind === 'model' ? (s.models?.[0] ?? s.upstream_id ?? '') : s.provider
}

/** addressOf is how the API is told which subject is meant. */
export function addressOf(s: Pick<Subject, 'provider' | 'account_id' | 'kind' | 'upstream_id' | 'credential'>) {
  return {
    path: { id: s.provider },
    query: {
      ...(s.account_id ? { account_id: s.account_id } : {}),
      ...(s.kind === 'model' && s.upstream_id ? { model: s.upstream_id } : {}),
      ...(s.kind === 'credential' && s.credential ? { credential: s.credential } : {}),
    },
  }
}

/** jsonOf reads a config text: '' is none. */
export function jsonOf(text: string): { value: unknown } | { wrong: string } {
  if (text.trim() === '') return { value: null }
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { value } : { wrong: 'A config is a JSON object: { … }.' }
  } catch (e) {
    return { wrong: `That is no JSON: ${e instanceof Error ? e.message : String(e)}` }
  }
}

/** nanoOf reads dollars as nano-USD, null for what is no amount. */
export function nanoOf(text: string): number | null {
  const m = /^\s*\$?(\d{1,6})?(?:\.(\d{1,9}))?\s*$/.exec(text)
  if (!m || (m[1] === undefined && m[2] === undefined)) return null
  return Number(m[1] ?? '0') * 1e9 + Number((m[2] ?? '').padEnd(9, '0'))
}
