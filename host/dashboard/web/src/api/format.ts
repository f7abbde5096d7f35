/** How numbers, money and times are written. An absent value is '–', never 0. */

export const absent = '–'

const nano = 1_000_000_000n

/** usd writes nano-USD: "$12.34", under a dollar with what matters ("$0.0123"), exact when asked. */
export function usd(amount: number | bigint | null | undefined, form: 'short' | 'exact' = 'short'): string {
  if (amount === null || amount === undefined || (typeof amount === 'number' && !Number.isFinite(amount))) return absent
  const n = BigInt(typeof amount === 'number' ? Math.round(amount) : amount)
  const sign = n < 0n ? '−' : ''
  const size = n < 0n ? -n : n
  const whole = size / nano
  const part = (size % nano).toString().padStart(9, '0')
  if (form === 'exact') return `${sign}$${whole.toLocaleString('en-US')}.${part.replace(/0{1,7}$/, '')}`
  if (size === 0n) return '$0.00'
  const value = Number(size) / 1e9
  if (value >= 10_000) return `${sign}$${value.toLocaleString('en-US', { maximumFractionDigits: 0 })}`
  if (value >= 0.995) return `${sign}$${value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`
  if (value >= 0.01) return `${sign}$${value.toFixed(4).replace(/00$/, '')}`
  if (value < 0.000001) return `${sign}<$0.000001`
  return `${sign}$${value.toPrecision(2).includes('e') ? value.toFixed(7) : value.toPrecision(2)}`
}

/** count writes a whole number: 1,234; from 100,000 shortened: 123k, 1.2M. */
export function count(n: number | null | undefined, form: 'short' | 'exact' = 'short'): string {
  if (n === null || n === undefined || !Number.isFinite(n)) return absent
  if (form === 'exact' || Math.abs(n) < 100_000) return n.toLocaleString('en-US', { maximumFractionDigits: 0 })
  return n.toLocaleString('en-US', { notation: 'compact', maximumFractionDigits: 1 }).replace('K', 'k')
}

/** decimal writes a number with few digits: 0.42, 12.3, 1,234. */
export function decimal(n: number | null | undefined): string {
  if (n === null || n === undefined || !Number.isFinite(n)) return absent
  if (n === 0) return '0'
  return n.toLocaleString('en-US', { maximumFractionDigits: Math.abs(n) < 1 ? 2 : Math.abs(n) < 100 ? 1 : 0 })
}

/** percent writes a share of 0 to 1. What is not all is never written as 100 %. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return absent
  const p = share * 100
  if (p > 99.95 && p < 100) return '99.9 %'
  if (p > 0 && p < 0.05) return '<0.1 %'
  return `${p.toLocaleString('en-US', { maximumFractionDigits: p >= 99.5 || p < 10 ? 1 : 0 })} %`
}

/** duration writes milliseconds: 340 µs, 12 ms, 1.4 s, 3 min. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return absent
  if (ms === 0) return '0 ms'
  if (ms < 1) return `${Math.max(1, Math.round(ms * 1000))} µs`
  if (ms < 1000) return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  if (ms < 86_400_000) return `${Math.round(ms / 3_600_000)} h`
  return `${Math.round(ms / 86_400_000)} d`
}

/** took writes milliseconds that were measured in whole ones: 0 is less than one. */
export const took = (ms: number | null | undefined): string => (ms === 0 ? '<1 ms' : duration(ms))

export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined || !Number.isFinite(n)) return absent
  if (n < 1000) return `${n} B`
  const [unit, size] = n < 1e6 ? ['kB', 1e3] : n < 1e9 ? ['MB', 1e6] : ['GB', 1e9]
  return `${(n / (size as number)).toLocaleString('en-US', { maximumFractionDigits: 1 })} ${unit}`
}

export type Time = string | number | Date | null | undefined

/** timeOf is milliseconds since 1970, NaN for what is no time. Go's zero time is none. */
export function timeOf(t: Time): number {
  if (t === null || t === undefined || t === '') return NaN
  const ms = t instanceof Date ? t.getTime() : typeof t === 'number' ? t : Date.parse(t)
  return ms < -62_000_000_000_000 ? NaN : ms
}

/** ago writes how long ago, or in how long: "12 s ago", "in 3 min". */
export function ago(t: Time, now: number = Date.now()): string {
  const ms = now - timeOf(t)
  if (Number.isNaN(ms)) return absent
  if (Math.abs(ms) < 2_000) return 'now'
  const whole = Math.abs(ms) < 60_000 ? `${ms > 0 ? Math.floor(ms / 1000) : Math.ceil(-ms / 1000)} s` : duration(Math.abs(ms))
  return ms > 0 ? `${whole} ago` : `in ${whole}`
}

/** moment writes a time in the reader's zone, to the second. */
export function moment(t: Time): string {
  const ms = timeOf(t)
  return Number.isNaN(ms) ? absent : new Date(ms).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
}

/** clock writes hours and minutes. */
export function clock(t: Time): string {
  const ms = timeOf(t)
  return Number.isNaN(ms) ? absent : new Date(ms).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })
}

/** day writes a date: "23 Nov 2026". */
export function day(t: Time): string {
  const ms = timeOf(t)
  return Number.isNaN(ms) ? absent : new Date(ms).toLocaleDateString(undefined, { dateStyle: 'medium' })
}
