import { asProblem, problemOf } from '../../api/problem'
import { currentCSRF, sessionExpired } from '../../api/session'
import type { Version } from './plugin'

/** uploadPlugin sends a module. progress is told the share that has left the browser, 0 to 1; 1 means
 *  that the server is trying it. known: these bytes were there already. It throws a Problem.
 *  fetch says nothing of what it has sent, so this is an XMLHttpRequest. */
export function uploadPlugin(module: File, fixtures: File | null, query: { account_id?: string; activate?: boolean }, progress: (share: number) => void, signal: AbortSignal): Promise<{ version: Version; known: boolean }> {
  const form = new FormData()
  form.set('module', module)
  if (fixtures) form.set('fixtures', fixtures)
  const params = new URLSearchParams()
  if (query.account_id) params.set('account_id', query.account_id)
  if (query.activate) params.set('activate', 'true')
  return new Promise((done, fail) => {
    const x = new XMLHttpRequest()
    x.open('POST', `/api/v1/plugins?${params.toString()}`)
    x.setRequestHeader('Accept', 'application/json')
    x.setRequestHeader('x-csrf-token', currentCSRF())
    x.upload.onprogress = (e) => { if (e.lengthComputable) progress(e.loaded / e.total) }
    x.upload.onload = () => progress(1)
    signal.addEventListener('abort', () => x.abort())
    x.onabort = () => fail(asProblem(new Error('The upload was stopped.')))
    x.onerror = () => fail(asProblem(new TypeError('network')))
    x.onload = () => {
      let body: unknown = x.responseText
      try {
        body = JSON.parse(x.responseText)
      } catch {
        // Not JSON: a proxy's page, say.
      }
      if (x.status === 200 || x.status === 201) return done({ version: body as Version, known: x.status === 200 })
      if (x.status === 401) sessionExpired()
      const after = x.getResponseHeader('retry-after')
      fail(problemOf(new Response(null, { status: x.status, headers: after ? { 'retry-after': after } : {} }), body))
    }
    x.send(form)
  })
}
