import { useEffect, useSyncExternalStore } from 'react'
import { queries } from '../api/query'
import { currentSession, may, sessionExpired } from '../api/session'
import { eventReader, type ServerEvent } from './sse'

/** A notice of GET /api/v1/events. */
export type Notice = {
  id: number
  at: string
  kind: string
  account_id?: string
  provider_id?: string
  subject: string
  message: string
  detail?: unknown
}

export type Sums = {
  requests: number
  attempts: number
  errors: number
  prompt_tokens: number
  completion_tokens: number
  cost_nano_usd: number
  premium_requests: number
}

/** The event usage.totals: today's sums, in UTC. */
export type Totals = { account_id: string; day: string; total: Sums; models: (Sums & { model: string })[]; /** What the gateway itself took for 95 of 100 requests of the last minutes. */ overhead_p95_us?: number }

/** A reading of today's requests, for rates. */
export type Reading = { at: number; requests: number; errors: number; cost: number }

export type Live = {
  /** open: the stream runs. polling: it cannot, so queries are read every 15 s. */
  state: 'connecting' | 'open' | 'polling' | 'paused' | 'hidden'
  /** When the server was last heard, in ms since 1970; 0: not yet. */
  heardAt: number
  totals: Totals | null
  /** The totals of the last minutes, oldest first; empty where there is no stream. */
  readings: readonly Reading[]
  /** Notices since the page was opened, newest first. */
  notices: readonly Notice[]
}

const pollEvery = 15_000
const refreshEvery = 5_000 // at most, while totals change
const keepReadings = 5 * 60_000
const keepNotices = 100

let state: Live = { state: 'connecting', heardAt: 0, totals: null, readings: [], notices: [] }
let paused = false
let users = 0
let stop: AbortController | null = null
let poll: ReturnType<typeof setInterval> | undefined
let refresh: ReturnType<typeof setTimeout> | undefined
let lastId = ''
const listeners = new Set<() => void>()
const noticeListeners = new Set<(n: Notice) => void>()

function become(change: Partial<Live>) {
  state = { ...state, ...change }
  for (const l of listeners) l()
}

/** refreshLive reads every live query again. */
export function refreshLive(): void {
  void queries.invalidateQueries({ predicate: (q) => q.meta?.live === true })
}

function refreshSoon() {
  refresh ??= setTimeout(() => {
    refresh = undefined
    refreshLive()
  }, refreshEvery)
}

function take(e: ServerEvent) {
  if (e.id) lastId = e.id
  let body: unknown
  try {
    body = JSON.parse(e.data)
  } catch {
    return
  }
  const at = Date.now()
  if (e.event === 'usage.totals') {
    const totals = body as Totals
    const reading = { at, requests: totals.total.requests, errors: totals.total.errors, cost: totals.total.cost_nano_usd }
    const before = state.readings.at(-1)
    // At midnight the sums begin again.
    const kept = before && before.requests > reading.requests ? [] : state.readings.filter((r) => at - r.at < keepReadings)
    become({ heardAt: at, totals, readings: [...kept, reading] })
    refreshSoon()
    return
  }
  const notice = body as Notice
  become({ heardAt: at, notices: [notice, ...state.notices].slice(0, keepNotices) })
  for (const l of noticeListeners) l(notice)
  refreshLive()
}

/** follow reads the stream until it ends. It returns false when the server refuses it for good. */
async function follow(signal: AbortSignal): Promise<boolean> {
  const response = await fetch('/api/v1/events', {
    signal,
    credentials: 'same-origin',
    headers: { Accept: 'text/event-stream', ...(lastId ? { 'Last-Event-ID': lastId } : {}) },
  })
  if (response.status === 401) sessionExpired()
  if (response.status === 401 || response.status === 403) return false
  const kind = response.headers.get('content-type') ?? ''
  if (!response.ok || !response.body || !kind.startsWith('text/event-stream')) {
    await response.body?.cancel()
    return true
  }
  stopPolling()
  become({ state: 'open', heardAt: Date.now() })
  const feed = eventReader(take)
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return true
    // Pings count: they say that the server is there.
    if (Date.now() - state.heardAt > 2_000) become({ heardAt: Date.now() })
    feed(value)
  }
}

function startPolling() {
  if (poll) return
  become({ state: 'polling', readings: [] })
  poll = setInterval(refreshLive, pollEvery)
}

function stopPolling() {
  clearInterval(poll)
  poll = undefined
}

const wait = (ms: number, signal: AbortSignal) =>
  new Promise<void>((done) => {
    const t = setTimeout(done, ms)
    signal.addEventListener('abort', () => (clearTimeout(t), done()), { once: true })
  })

async function run(signal: AbortSignal) {
  const s = currentSession()
  if (s.state !== 'in') return
  if (!may(s.session, 'GET', '/api/v1/events')) return startPolling()
  for (let pause = 1_000; !signal.aborted; pause = Math.min(pause * 2, 30_000)) {
    const began = Date.now()
    let again = true
    try {
      again = await follow(signal)
    } catch {
      // The connection broke: the loop goes on.
    }
    if (signal.aborted) return
    startPolling()
    if (!again) return
    if (Date.now() - began > 10_000) pause = 1_000
    await wait(pause, signal)
  }
}

function decide() {
  const wanted = users > 0 && !paused && document.visibilityState !== 'hidden'
  if (wanted && !stop) {
    stop = new AbortController()
    become({ state: 'connecting', readings: [] })
    refreshLive()
    void run(stop.signal)
  }
  if (!wanted) {
    stop?.abort()
    stop = null
    stopPolling()
    clearTimeout(refresh)
    refresh = undefined
    if (users > 0) become({ state: paused ? 'paused' : 'hidden' })
  }
}

if (typeof document !== 'undefined') document.addEventListener('visibilitychange', decide)

// Where there is no stream, an answer is what was heard: while none comes, the age grows.
queries.getQueryCache().subscribe((e) => {
  if (e.type === 'updated' && e.action.type === 'success' && e.query.meta?.live === true && state.state === 'polling') become({ heardAt: Date.now() })
})

const subscribe = (l: () => void) => {
  listeners.add(l)
  return () => listeners.delete(l)
}
const snapshot = () => state

/** useLiveConnection holds the one stream open; the shell alone uses it. */
export function useLiveConnection(): void {
  useEffect(() => {
    users++
    decide()
    return () => {
      users--
      decide()
      if (users === 0) {
        lastId = ''
        become({ state: 'connecting', heardAt: 0, totals: null, readings: [], notices: [] })
      }
    }
  }, [])
}

/** useLive is the state of the one stream that all pages share. It renders at each event. */
export const useLive = (): Live => useSyncExternalStore(subscribe, snapshot)

/** pauseLive stops the stream and the polling, or starts them again. */
export function pauseLive(yes: boolean): void {
  paused = yes
  decide()
}

/** onNotice calls back at each notice. It returns what ends that. */
export function onNotice(l: (n: Notice) => void): () => void {
  noticeListeners.add(l)
  return () => noticeListeners.delete(l)
}

/** rate is requests per second over the last `window` ms, null while it is not known: totals come
 *  only when they change, so silence on an open stream is a rate of 0. */
export function rate(readings: readonly Reading[], heardAt: number, now: number = Date.now(), window = 10_000): number | null {
  const first = readings[0]
  const last = readings.at(-1)
  if (!first || !last || heardAt === 0) return null
  const from = now - window
  if (first.at > from && now - first.at < 3_000) return null // too young to tell
  let base = first
  for (const r of readings) if (r.at <= from) base = r
  const span = Math.max(1, (now - Math.max(base.at, from)) / 1000)
  return (last.requests - base.requests) / span
}
