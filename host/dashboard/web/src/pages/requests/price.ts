import type { Data } from '../../api/query'
import type { Row } from './whole'

export type Version = NonNullable<Data<'get', '/api/v1/models/{id}/prices'>['data']>[number]
type Prices = Pick<Version, 'input' | 'output' | 'cached_input' | 'cache_write' | 'cache_write_1h' | 'reasoning' | 'per_request' | 'per_image'>

/** A Line is one kind of token, or of thing, and what it costs. */
export type Line = {
  kind: string
  count: number
  /** US dollars for `per` of them. */
  price: string
  per: number
  nano: number
}

/** priceAt is the price that a row was billed at, as far as today's list tells: an account's own before
 *  a global one, the newest that was in force; of its tiers the one for so long a prompt. */
export function priceAt(versions: readonly Version[], row: Pick<Row, 'provider' | 'upstream_id' | 'started_at' | 'tokens'>): { version: Version; prices: Prices } | null {
  const at = Date.parse(row.started_at)
  const fit = versions.filter((v) => v.provider === row.provider && v.upstream_id === row.upstream_id && Date.parse(v.from) <= at)
  fit.sort((a, b) => Number(b.scope === 'account') - Number(a.scope === 'account') || Date.parse(b.from) - Date.parse(a.from))
  const version = fit[0]
  if (!version) return null
  const tier = [...(version.tiers ?? [])].sort((a, b) => b.above_prompt - a.above_prompt).find((t) => row.tokens.prompt > t.above_prompt)
  return { version, prices: tier ?? version }
}

const million = 1_000_000n

/** nanoOf reads dollars of a decimal text as nano-USD. */
export function nanoOf(usd: string): bigint {
  const m = /^(-?)(\d+)(?:\.(\d{1,9}))?\d*$/.exec(usd.trim())
  if (!m) return 0n
  const size = BigInt(m[2]!) * 1_000_000_000n + BigInt((m[3] ?? '').padEnd(9, '0'))
  return m[1] ? -size : size
}

/** linesOf is the bill of a row at those prices, rounded as the gateway does: each line up. */
export function linesOf(t: Row['tokens'], p: Prices, images = 0): Line[] {
  const plain = Math.max(0, t.prompt - t.cached - t.cache_write - t.cache_write_1h)
  const write = p.cache_write ?? p.input
  const said = p.reasoning === undefined ? t.completion : Math.max(0, t.completion - t.reasoning)
  const tokens: [string, number, string][] = [
    ['Input', plain, p.input], ['Input from cache', t.cached, p.cached_input ?? p.input], ['Written to cache', t.cache_write, write],
    ['Written to cache for 1 h', t.cache_write_1h, p.cache_write_1h ?? write], ['Output', said, p.output],
    ...(p.reasoning === undefined ? [] : [['Reasoning', t.reasoning, p.reasoning] as [string, number, string]]),
  ]
  const lines = tokens.map(([kind, count, price]) => ({ kind, count, price, per: 1_000_000, nano: Number((BigInt(count) * nanoOf(price) + million - 1n) / million) }))
  if (images > 0 && p.per_image) lines.push({ kind: 'Images', count: images, price: p.per_image, per: 1, nano: Number(BigInt(images) * nanoOf(p.per_image)) })
  if (p.per_request) lines.push({ kind: 'The request itself', count: 1, price: p.per_request, per: 1, nano: Number(nanoOf(p.per_request)) })
  return lines.filter((l) => l.count > 0)
}
