import type { Data } from '../../api/query'

export type Session = NonNullable<NonNullable<Data<'get', '/api/v1/sessions'>>['data']>[number]
export type Note = NonNullable<NonNullable<Data<'get', '/api/v1/sessions/{id}/notes'>>['data']>[number]
export type Handoff = NonNullable<NonNullable<Data<'get', '/api/v1/sessions/{id}/handoffs'>>['data']>[number]

/** Place names a session: its id is unique for its user alone. */
export type Place = { account: string; user: string; id: string }

/** placeText writes a place as one word of an address. */
export const placeText = (p: Place): string => [p.account, p.user, p.id].map(encodeURIComponent).join('/')

/** placeOf reads it again; null for what is none. */
export function placeOf(text: string): Place | null {
  const parts = text.split('/')
  if (parts.length !== 3) return null
  try {
    const [account = '', user = '', id = ''] = parts.map(decodeURIComponent)
    return id === '' ? null : { account, user, id }
  } catch {
    return null
  }
}

/** routeOf is what the API's routes of a session take. */
export const routeOf = (p: Place) => ({ path: { id: p.id }, query: { ...(p.account ? { account_id: p.account } : {}), ...(p.user ? { user_id: p.user } : {}) } })

const reasons: Record<string, string> = { routing: 'the rules, an assignment or the caller chose another model', failover: 'the model before could not serve', agent: 'another agent goes on' }

/** reasonWords says why a session went elsewhere. */
export const reasonWords = (h: Pick<Handoff, 'reason' | 'detail'>): string => `${reasons[h.reason] ?? h.reason}${h.detail ? ` (${h.detail})` : ''}`
