import { describe, expect, test } from 'vitest'
import { illOf, standInOf } from './health'

const models = [{ id: 'gpt-4o', provider: 'openai' }, { id: 'gpt-5', provider: 'openai' }, { id: 'claude', provider: 'anthropic' }]
const well = { status: 'healthy', out: false } as const

describe('illOf', () => {
  test('a provider that is down takes its models along', () => {
    const ill = illOf([{ kind: 'provider', provider: 'openai', status: 'down', out: true }, { kind: 'provider', provider: 'anthropic', ...well }], models)
    expect([...ill.keys()]).toEqual(['gpt-4o', 'gpt-5'])
    expect(ill.get('gpt-4o')).toEqual({ status: 'down', word: 'Down', out: true })
  })
  test('the worse of provider and model counts, in either order', () => {
    const provider = { kind: 'provider', provider: 'openai', status: 'degraded', out: false } as const
    const model = { kind: 'model' as const, provider: 'openai', models: ['gpt-4o'], status: 'down' as const, out: true }
    for (const subjects of [[provider, model], [model, provider]]) {
      const ill = illOf(subjects, models)
      expect(ill.get('gpt-4o')?.status).toBe('down')
      expect(ill.get('gpt-5')?.status).toBe('degraded')
    }
  })
  test('what an administrator took out is out, however well it is', () => {
    expect(illOf([{ kind: 'provider', provider: 'anthropic', ...well, switch: 'drained' }], models).get('claude')).toEqual({ status: 'down', word: 'Drained', out: true })
  })
  test('a credential says nothing of its model', () => {
    expect(illOf([{ kind: 'credential', provider: 'openai', status: 'down', out: true }], models).size).toBe(0)
  })
})

describe('standInOf', () => {
  const rung = [{ id: 'a', model: 'gpt-4o' }, { id: 'b', model: 'gpt-5' }, { id: 'c', model: 'claude' }]
  const ill = illOf([{ kind: 'provider', provider: 'openai', status: 'down', out: true }], models)
  test('the first that is not out', () => expect(standInOf(rung, ill)).toBe('c'))
  test('nobody when the target answers', () => expect(standInOf(rung, new Map())).toBeUndefined())
  test('nobody when all are out', () => expect(standInOf(rung.slice(0, 2), ill)).toBeUndefined())
})
