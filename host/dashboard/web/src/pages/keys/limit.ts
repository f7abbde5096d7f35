import { count } from '../../api/format'
import type { Data } from '../../api/query'

export type Limit = NonNullable<NonNullable<Data<'get', '/api/v1/limits'>>['data']>[number]
export type Bucket = NonNullable<NonNullable<Data<'get', '/api/v1/limits/stats'>>['data']>[number]
export type Dimension = 'account' | 'team' | 'user' | 'key' | 'provider' | 'model'
export const dimensions: readonly Dimension[] = ['account', 'team', 'user', 'key', 'provider', 'model']

const kindWords = { requests: 'requests', tokens: 'tokens', concurrency: 'requests at once' }

/** amountWords is how much a limit gives: "60 requests a minute". */
export function amountWords(l: Pick<Limit, 'kind' | 'amount' | 'window'>): string {
  return `${count(l.amount, 'exact')} ${kindWords[l.kind]}${l.window ? ` ${l.window === 'hour' ? 'an' : 'a'} ${l.window}` : ''}`
}

const scopeNames = [['account_id', 'account'], ['team_id', 'team'], ['user_id', 'user'], ['key_id', 'key'], ['provider', 'provider'], ['model', 'model']] as const

/** scopeWords is which requests a limit is about; of each what has the amount for itself is said by perWords. */
export function scopeWords(l: Pick<Limit, 'scope' | 'account_id'>): string {
  const parts = scopeNames.flatMap(([member, name]) => (l.scope?.[member] ? [`${name} ${l.scope[member]}`] : []))
  return parts.join(', ') || (l.account_id ? 'the whole account' : 'everybody')
}

/** perWords is what has the whole amount for itself. */
export const perWords = (l: Pick<Limit, 'per'>): string => (l.per?.length ? `each ${l.per.join(' and ')}` : 'all together')

export const limitKey = (l: { account_id?: string; id?: string }): string => `${l.account_id ?? ''}/${l.id ?? ''}`

export type Sum = { buckets: Bucket[]; refused: number; /** Of the fullest bucket, 0 to 1. */ share: number; fullest: Bucket }

/** sumsOf groups buckets by their limit, the fullest first. */
export function sumsOf(buckets: readonly Bucket[]): Map<string, Sum> {
  const out = new Map<string, Sum>()
  const share = (b: Bucket) => (b.used + b.remaining > 0 ? b.used / (b.used + b.remaining) : 1)
  for (const b of [...buckets].sort((x, y) => share(y) - share(x))) {
    const key = limitKey({ account_id: b.account_id, id: b.limit_id })
    const sum = out.get(key)
    if (sum) {
      sum.buckets.push(b)
      sum.refused += b.refused
    } else out.set(key, { buckets: [b], refused: b.refused, share: share(b), fullest: b })
  }
  return out
}

/** LimitDraft is a limit in a form: every value a text. */
export type LimitDraft = {
  name: string
  account: string
  kind: Limit['kind']
  amount: string
  window: string
  burst: string
  scope: Record<'account_id' | 'team_id' | 'user_id' | 'key_id' | 'provider' | 'model', string>
  per: Dimension[]
  override: boolean
  enabled: boolean
}

export const draftOf = (l: Limit | null, account: string): LimitDraft => ({
  name: l?.name ?? '', account: l ? (l.account_id ?? '') : account, kind: l?.kind ?? 'requests', amount: l ? String(l.amount) : '', window: l?.window || 'minute', burst: l?.burst ? String(l.burst) : '',
  scope: { account_id: '', team_id: '', user_id: '', key_id: '', provider: '', model: '', ...l?.scope },
  per: [...(l?.per ?? [])], override: l?.override ?? false, enabled: l?.enabled ?? true,
})

const whole = (text: string): number | null => (/^\d{1,13}$/.test(text.replaceAll(/[ ,_]/g, '')) ? Number(text.replaceAll(/[ ,_]/g, '')) : null)

/** bodyOf makes what the API takes, or says what is wrong. */
export function bodyOf(d: LimitDraft, of: Limit | null): { body: Limit } | { problem: string } {
  const amount = whole(d.amount)
  if (d.name.trim() === '') return { problem: 'Give the limit a name.' }
  if (amount === null) return { problem: 'Say how much there is, as a whole number.' }
  const burst = d.burst.trim() === '' ? 0 : whole(d.burst)
  if (burst === null) return { problem: 'The most at one moment must be a whole number, or empty.' }
  const timed = d.kind !== 'concurrency'
  return {
    body: {
      name: d.name.trim(), kind: d.kind, amount, enabled: d.enabled, override: d.override, per: d.per,
      ...(d.account ? { account_id: d.account } : {}), ...(timed ? { window: d.window as NonNullable<Limit['window']> } : {}), ...(timed && burst > 0 ? { burst } : {}),
      scope: Object.fromEntries(Object.entries(d.scope).filter(([, v]) => v.trim() !== '')),
      ...(of ? { id: of.id, updated_at: of.updated_at } : {}),
    } as Limit,
  }
}
