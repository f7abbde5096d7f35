import { describe, expect, it } from 'vitest'
import { nothingAssumed, readRequest, whatIfOf } from './request'

describe('readRequest', () => {
  const auto = { model: 'auto', messages: [{ role: 'user', content: 'hi' }] }
  it.each([
    ['text', 'hi', auto, 'chat'],
    ['JSON', JSON.stringify(auto), auto, 'chat'],
    ['JSON without a model', '{"messages":[]}', { model: 'auto', messages: [] }, 'chat'],
    ['a request of messages', '{"model":"auto","system":"s","messages":[]}', { model: 'auto', system: 's', messages: [] }, 'messages'],
    ['a request of responses', '{"model":"auto","input":[{"role":"user"}]}', { model: 'auto', input: [{ role: 'user' }] }, 'responses'],
    ['embeddings', '{"model":"auto","input":"a"}', { model: 'auto', input: 'a' }, 'embeddings'],
    ['curl', `curl http://x/v1/chat/completions -H 'a: b' -d '${JSON.stringify(auto)}'`, auto, 'chat'],
    ['curl with a quote', `curl http://x/v1/messages --data-raw '{"messages":[{"content":"it'\\''s"}]}'`, { model: 'auto', messages: [{ content: "it's" }] }, 'messages'],
    ['curl with double quotes', `curl x -d "{\\"model\\":\\"auto\\"}" -v`, { model: 'auto' }, 'chat'],
  ])('reads %s', (_, pasted, body, wire) => {
    const r = readRequest(pasted)
    expect('problem' in r ? r.problem : [r.body, r.wire]).toEqual([body, wire])
  })
  it.each([['nothing', '  '], ['broken JSON', '{"a"'], ['curl without a body', 'curl http://x']])('says what is wrong with %s', (_, pasted) => {
    expect(readRequest(pasted)).toHaveProperty('problem')
  })
})

it('assumes what is asked for, and nothing else', () => {
  expect(whatIfOf(nothingAssumed)).toBeUndefined()
  expect(whatIfOf({ down: ['gpt-4o'], used: '95', sessionModel: '' })).toEqual({ down: ['gpt-4o'], budget_left_fraction: 0.05 })
  expect(whatIfOf({ ...nothingAssumed, used: '250' })).toEqual({ budget_left_fraction: 0 })
  expect(whatIfOf({ ...nothingAssumed, used: '0' })).toEqual({ budget_left_fraction: 1 })
})
