import { useEffect, useReducer } from 'react'
import { ago, moment, timeOf, usd, type Time } from '../api/format'

/** Money shows nano-USD, with the exact amount for who points or listens. */
export function Money({ nano, exact = false }: { nano: number | null | undefined; exact?: boolean }) {
  const short = usd(nano, exact ? 'exact' : 'short')
  const full = usd(nano, 'exact')
  return <span className="figure" title={short === full ? undefined : full}>{short}</span>
}

// One timer for every Ago and Age that is shown.
const ticking = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

/** useNow renders each second, with the time in ms since 1970. */
export function useNow(): number {
  const [, tick] = useReducer((n: number) => n + 1, 0)
  useEffect(() => {
    ticking.add(tick)
    timer ??= setInterval(() => { for (const t of ticking) t() }, 1000)
    return () => {
      ticking.delete(tick)
      if (ticking.size === 0) {
        clearInterval(timer)
        timer = undefined
      }
    }
  }, [])
  return Date.now()
}

/** Ago shows how long ago a time was, and the time itself when pointed at. */
export function Ago({ at }: { at: Time }) {
  const now = useNow()
  const ms = timeOf(at)
  if (Number.isNaN(ms)) return <span>–</span>
  return <time dateTime={new Date(ms).toISOString()} title={moment(ms)}>{ago(ms, now)}</time>
}
