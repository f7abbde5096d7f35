import { afterEach, describe, expect, it, vi } from 'vitest'
import { currentCSRF, currentSession, logIn, logOut, may, newBuild, readSession, resumeSession, sessionExpired } from './session'

const doc = {
  csrf: 'c1', role: 'team_lead', scopes: ['read'], account: 'acme', user: 'ann', team: '', key_name: 'laptop', expires_at: '2026-12-01T00:00:00Z',
  permissions: ['GET /api/v1/rules', 'GET /api/v1/rules/{id}'], version: '1.2.0', build: 'b1',
}

const answers = (...list: [status: number, body: unknown][]) => {
  const calls: [string, RequestInit][] = []
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    calls.push([path, init])
    const [status, body] = list.shift()!
    return new Response(status === 204 ? null : JSON.stringify(body), { status })
  })
  return calls
}
afterEach(() => vi.unstubAllGlobals())

it.each([
  ['GET', '/api/v1/rules', true], ['get', '/api/v1/rules/{id}', true], ['POST', '/api/v1/rules', false], ['GET', '/api/v1/rules/x', false],
])('may(%s %s) = %s', (method, path, want) => expect(may(readSession(doc), method, path)).toBe(want))

it('reads a session, and takes an unknown role for the least', () => {
  expect(readSession(doc)).toMatchObject({ role: 'team_lead', csrf: 'c1', account: { id: 'acme', name: 'acme' }, user: { id: 'ann', name: 'ann' }, team: null, build: 'b1' })
  expect(readSession({ role: 'owner' }).role).toBe('user')
  expect(may(readSession({ role: 'super_admin' }), 'GET', '/api/v1/rules')).toBe(false)
})

describe('a session', () => {
  it('begins with a key, ends when the API says so, and goes on after another login', async () => {
    const calls = answers([401, {}], [401, { detail: 'No such key.', code: 'unauthorized' }], [200, doc], [200, { ...doc, csrf: 'c2' }], [204, null])
    await resumeSession()
    expect(currentSession()).toEqual({ state: 'out', reason: '' })
    await expect(logIn('pm_wrong')).rejects.toMatchObject({ message: 'No such key.', next: 'Check that the whole key was copied, and that it was not revoked.' })
    await logIn('pm_right')
    expect(currentSession().state).toBe('in')
    expect(currentCSRF()).toBe('c1')
    expect(JSON.parse(String(calls[2]![1].body))).toEqual({ key: 'pm_right' })
    sessionExpired()
    expect(currentSession()).toEqual({ state: 'out', reason: 'expired' })
    expect(currentCSRF()).toBe('')
    await logIn('pm_right')
    await logOut()
    expect(calls[4]).toMatchObject(['/ui/session', { method: 'DELETE', headers: { 'x-csrf-token': 'c2' } }])
    expect(currentSession()).toEqual({ state: 'out', reason: '' })
  })

  it('is not taken for ended when the server is away', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')))
    await resumeSession()
    expect(currentSession()).toMatchObject({ state: 'failed', message: 'The server cannot be reached.' })
  })

  it('notices a newer build', async () => {
    answers([200, doc], [200, doc], [200, { ...doc, build: 'b2' }], [503, {}])
    await logIn('pm_right')
    expect([await newBuild(), await newBuild(), await newBuild()]).toEqual([false, true, false])
  })
})
