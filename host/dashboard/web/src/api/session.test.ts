import { expect, it, vi } from 'vitest'

vi.mock('./access', () => ({
  access: { 'GET /api/v1/rules': ['user', 'read'], 'POST /api/v1/rules': ['account_admin', 'read', 'manage'] },
}))
const { may, readSession } = await import('./session')

it.each([
  ['user', ['read'], 'GET', '/api/v1/rules', true],
  ['user', ['inference'], 'GET', '/api/v1/rules', false],
  ['user', ['read', 'manage'], 'POST', '/api/v1/rules', false],
  ['account_admin', ['read', 'manage'], 'post', '/api/v1/rules', true],
  ['account_admin', ['read'], 'POST', '/api/v1/rules', false],
  ['super_admin', ['read', 'manage'], 'POST', '/api/v1/nothing', false],
] as const)('may(%s %s, %s %s) = %s', (role, scopes, method, path, want) => {
  expect(may({ role, scopes }, method, path)).toBe(want)
})

it('reads a session, and takes an unknown role for the least', () => {
  const s = readSession({ role: 'owner', scopes: ['read'], csrf: 'c', account: 'acme', user: { id: 'ann', name: 'Ann' }, expires_at: '2026-12-01T00:00:00Z' })
  expect(s).toMatchObject({ role: 'user', csrf: 'c', account: { id: 'acme', name: 'acme' }, user: { id: 'ann', name: 'Ann' }, team: null })
})
