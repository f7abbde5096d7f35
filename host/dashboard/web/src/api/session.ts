import { useSyncExternalStore } from 'react'
import { asProblem, Problem, problemOf } from './problem'

export type Role = 'super_admin' | 'account_admin' | 'team_lead' | 'user'

export type Named = { id: string; name: string }

/** The session as the server tells it. */
export type Session = {
  role: Role
  scopes: readonly string[]
  csrf: string
  account: Named | null
  team: Named | null
  user: Named | null
  /** When the session ends at the latest, '' if that is not known. */
  expiresAt: string
  keyName: string
  /** The routes of the API that it may use, as "GET /api/v1/rules/{id}". */
  permissions: ReadonlySet<string>
  version: string
  /** Changes with every build of the program. */
  build: string
}

export type SessionState =
  | { state: 'unknown' }
  | { state: 'out'; reason: '' | 'expired' }
  | { state: 'in'; session: Session }
  | { state: 'failed'; message: string; next: string }

let current: SessionState = { state: 'unknown' }
const listeners = new Set<() => void>()

function become(next: SessionState) {
  current = next
  for (const l of listeners) l()
}

function named(v: unknown, id: unknown): Named | null {
  if (typeof v === 'object' && v !== null && 'id' in v) {
    const o = v as { id: unknown; name?: unknown }
    return { id: String(o.id), name: typeof o.name === 'string' && o.name ? o.name : String(o.id) }
  }
  const text = typeof v === 'string' && v ? v : typeof id === 'string' && id ? id : ''
  return text ? { id: text, name: text } : null
}

/** readSession reads the document of GET and POST /ui/session. */
export function readSession(doc: Record<string, unknown>): Session {
  const roles: readonly string[] = ['super_admin', 'account_admin', 'team_lead', 'user']
  return {
    role: (roles.includes(String(doc.role)) ? doc.role : 'user') as Role, // the least, when in doubt
    scopes: Array.isArray(doc.scopes) ? doc.scopes.map(String) : [],
    csrf: String(doc.csrf ?? ''),
    account: named(doc.account, doc.account_id),
    team: named(doc.team, doc.team_id),
    user: named(doc.user, doc.user_id),
    expiresAt: String(doc.expires_at ?? ''),
    keyName: String(doc.key_name ?? ''),
    permissions: new Set(Array.isArray(doc.permissions) ? doc.permissions.map(String) : []),
    version: String(doc.version ?? ''),
    build: String(doc.build ?? ''),
  }
}

async function ask(method: 'GET' | 'POST' | 'DELETE', body?: unknown): Promise<Response> {
  return fetch('/ui/session', {
    method,
    credentials: 'same-origin',
    headers: { Accept: 'application/json', ...(method === 'GET' ? {} : { 'Content-Type': 'application/json', 'x-csrf-token': currentCSRF() }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

const json = (r: Response): Promise<unknown> => r.json().catch(() => null)

/** resumeSession asks whether the browser is still logged in. */
export async function resumeSession(): Promise<void> {
  try {
    const response = await ask('GET')
    if (response.status === 401) return become({ state: 'out', reason: '' })
    const body = await json(response)
    if (!response.ok || typeof body !== 'object' || body === null) throw problemOf(response, body)
    become({ state: 'in', session: readSession(body as Record<string, unknown>) })
  } catch (thrown) {
    const p = asProblem(thrown)
    become({ state: 'failed', message: p.message, next: p.next })
  }
}

/** newBuild reports whether another build of the program answers than the one that the page came with. */
export async function newBuild(): Promise<boolean> {
  if (current.state !== 'in' || current.session.build === '') return false
  const response = await ask('GET')
  if (!response.ok) return false
  const body = (await json(response)) as { build?: unknown } | null
  return typeof body?.build === 'string' && body.build !== '' && body.build !== current.session.build
}

/** logIn exchanges a key for a session. It throws a Problem when the key is not taken. */
export async function logIn(key: string): Promise<void> {
  let response: Response
  try {
    response = await ask('POST', { key })
  } catch (thrown) {
    throw asProblem(thrown)
  }
  const body = await json(response)
  if (!response.ok || typeof body !== 'object' || body === null) {
    const p = problemOf(response, body)
    throw p.status === 401 ? new Problem(401, 'wrong_key', p.message) : p
  }
  become({ state: 'in', session: readSession(body as Record<string, unknown>) })
}

export async function logOut(): Promise<void> {
  await ask('DELETE').catch(() => undefined)
  become({ state: 'out', reason: '' })
}

/** sessionExpired is called when the API answers 401: the login page takes over, the path stays. */
export function sessionExpired(): void {
  if (current.state === 'in') become({ state: 'out', reason: 'expired' })
}

export const currentCSRF = (): string => (current.state === 'in' ? current.session.csrf : '')
export const currentSession = (): SessionState => current

const subscribe = (l: () => void) => {
  listeners.add(l)
  return () => listeners.delete(l)
}

export const useSessionState = (): SessionState => useSyncExternalStore(subscribe, currentSession)

/** useSession is the session of whoever is logged in; for use inside the shell alone. */
export function useSession(): Session {
  const s = useSessionState()
  if (s.state !== 'in') throw new Error('useSession outside a session')
  return s.session
}

/** may reports whether a session may use a route. path is as the API document writes it:
 *  "/api/v1/rules/{id}". */
export function may(s: Pick<Session, 'permissions'>, method: string, path: string): boolean {
  return s.permissions.has(`${method.toUpperCase()} ${path}`)
}

/** useCan is `may` for whoever is logged in: what it denies, a page does not offer.
 *  Which rows within a route are theirs the server decides. */
export function useCan(): (method: string, path: string) => boolean {
  const s = useSession()
  return (method, path) => may(s, method, path)
}
