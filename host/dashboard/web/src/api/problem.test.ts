import { expect, it } from 'vitest'
import { asProblem, problemOf } from './problem'

it('reads a problem document', () => {
  const r = new Response('', { status: 400, headers: { 'x-request-id': 'r1' } })
  const p = problemOf(r, { detail: 'Unknown name reqest.', code: 'rule_compile', line: 1, column: 3, caret: 'x\n^', errors: [{ location: 'body.when', message: 'Unknown name' }] })
  expect(p).toMatchObject({ status: 400, code: 'rule_compile', message: 'Unknown name reqest.', more: { line: 1, column: 3, requestId: 'r1' } })
})

it.each([
  ['a proxy’s page', 502, '<html>', 'The server answers 502.', 'Try again.'],
  ['an error of /v1', 404, { error: { message: 'No such model.', code: 'model_not_found' } }, 'No such model.', 'It may have been deleted. Go back to the list.'],
  ['nothing', 412, null, 'The server answers 412.', 'Reload to see the newer version, then make your change again.'],
])('%s has a message and a next step', (_, status, body, message, next) => {
  const p = problemOf(new Response('', { status }), body)
  expect([p.message, p.next]).toEqual([message, next])
})

it('says how long to wait', () => {
  expect(problemOf(new Response('', { status: 429, headers: { 'retry-after': '7' } }), {}).next).toBe('Try again in 7 s.')
})

it('takes a broken connection for a server that is away', () => {
  expect(asProblem(new TypeError('Failed to fetch'))).toMatchObject({ code: 'offline', status: 0 })
})
