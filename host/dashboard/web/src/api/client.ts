import createClient, { defaultPathSerializer, type Middleware } from 'openapi-fetch'
import { asProblem, problemOf } from './problem'
import { currentCSRF, sessionExpired } from './session'
import type { paths } from './schema'

/** pathOf fills in a path's members. A colon stands for itself in a path (RFC 3986, 3.3), and the server
 *  does not take it encoded in ids of models and dates of prices. */
export const pathOf = (path: string, members: Record<string, unknown>): string => defaultPathSerializer(path, members).replaceAll('%3A', ':')

/** The typed client: `await api.GET('/api/v1/rules', {params: {query: {…}}})`. It throws a Problem
 *  for every answer that is none of 2xx, so `data` is what was asked for. Pages use the hooks of
 *  query.ts; this is for what is no query. */
export const api = createClient<paths>({ baseUrl: '', credentials: 'same-origin', pathSerializer: pathOf })

const guard: Middleware = {
  onRequest({ request }) {
    if (request.method !== 'GET') request.headers.set('x-csrf-token', currentCSRF())
    return request
  },
  async onResponse({ response }) {
    if (response.ok) return
    const text = await response.text().catch(() => '')
    let body: unknown = text
    try {
      body = JSON.parse(text)
    } catch {
      // Not JSON: a proxy's page, say.
    }
    if (response.status === 401) sessionExpired()
    throw problemOf(response, body)
  },
  onError({ error }) {
    throw asProblem(error)
  },
}
api.use(guard)
