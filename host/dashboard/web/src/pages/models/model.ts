import { day, timeOf } from '../../api/format'
import type { Data } from '../../api/query'

export type Model = NonNullable<NonNullable<Data<'get', '/api/v1/models'>>['data']>[number]
export type Price = NonNullable<NonNullable<Data<'get', '/api/v1/models/{id}/prices'>>['data']>[number]
export type Rating = NonNullable<Data<'post', '/api/v1/models/{id}/prices/rerate'>>

export const modelRoutes = ['/api/v1/models', '/api/v1/models/{id}', '/api/v1/models/{id}/prices', '/api/v1/rules/graph'] as const

export const keyOf = (m: Pick<Model, 'account_id' | 'id'>): string => (m.account_id ? `${m.account_id}/${m.id ?? ''}` : (m.id ?? ''))

/** whose is how the API is told which account's row is meant. */
export const whose = (m: Pick<Model, 'account_id'>): { account_id?: string } => (m.account_id ? { account_id: m.account_id } : {})

/** lifecycle is where a model stands with its vendor: a word, and what comes next. now is ms since 1970. */
export function lifecycle(m: Model, now: number): { word: string; next: string; soon: boolean } {
  const end = timeOf(m.retires_at)
  if (m.status === 'substituted') return { word: 'substituted', next: m.substituted_by ? `by ${m.substituted_by}` : '', soon: true }
  if (m.status === 'retired') return { word: 'retired', next: m.retires_at ? `since ${day(end)}` : '', soon: true }
  if (Number.isNaN(end)) return { word: m.status || 'active', next: '', soon: false }
  const then = m.no_substitute || !m.replacement ? 'then skipped' : `then ${m.replacement.upstream_id}`
  return { word: m.status || 'active', next: `until ${day(end)}, ${then}`, soon: end - now < 60 * 86_400_000 }
}

/** tokens writes a context window: 128k, 1M; unknown is a dash. */
export function tokens(n: number | undefined): string {
  if (!n) return '–'
  if (n < 1000) return String(n)
  return n < 1_000_000 ? `${Math.round(n / 100) / 10}k` : `${Math.round(n / 10_000) / 100}M`
}

/** dollars writes a price of the API, "2.5", with at least two places. */
export function dollars(price: string | undefined): string {
  if (price === undefined || price === '') return '–'
  const [whole, part = ''] = price.split('.')
  return `$${whole}.${part.replace(/0+$/, '').padEnd(2, '0')}`
}

/** wrongPrice says what is wrong with a price that was typed; '' when nothing is. needed: may not be left out. */
export function wrongPrice(text: string, needed: boolean): string {
  if (text.trim() === '') return needed ? 'Needed: “0” is a price, for a server of your own.' : ''
  return /^\d{1,7}(\.\d{1,9})?$/.test(text.trim()) ? '' : 'An amount in US dollars, such as 2.50.'
}

/** matches says whether a model is one of those that are asked for. */
export function matches(m: Model, words: string, provider: string, only: string): boolean {
  if (provider && m.provider !== provider) return false
  if (only === 'enabled' && m.enabled === false) return false
  if (only === 'disabled' && m.enabled !== false) return false
  if (only === 'ending' && !m.retires_at && (!m.status || m.status === 'active')) return false
  const text = `${m.id} ${m.display_name ?? ''} ${m.family ?? ''} ${m.provider} ${m.tier ?? ''} ${(m.capabilities ?? []).join(' ')}`.toLowerCase()
  return words.toLowerCase().split(/\s+/).every((w) => text.includes(w))
}

/** localOf writes a time as an input of type datetime-local has it, in the reader's zone. */
export function localOf(ms: number): string {
  if (!Number.isFinite(ms)) return ''
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

/** addRatings sums two parts of one re-rating. */
export function addRatings(a: Rating | null, b: Rating): Rating {
  if (!a) return b
  return { ...b, rows: a.rows + b.rows, changed: a.changed + b.changed, skipped: a.skipped + b.skipped, unpriced: a.unpriced + b.unpriced, difference_nano_usd: a.difference_nano_usd + b.difference_nano_usd }
}
