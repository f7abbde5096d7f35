import { EditorState } from '@codemirror/state'
import { CompletionContext } from '@codemirror/autocomplete'
import { describe, expect, it } from 'vitest'
import { completer, type Known } from './language'

const known: Known = { models: ['gpt-4o', 'claude-opus-4.5'], families: ['GPT', 'Claude'], providers: ['openai'], teams: ['red'] }

/** offered is what the editor shows at the end of a text. */
function offered(text: string, explicit = false): string[] {
  const got = completer(known)(new CompletionContext(EditorState.create({ doc: text }), text.length, explicit))
  return got?.options.map((o) => o.label) ?? []
}

describe('completion', () => {
  it.each([
    ['a word', 're', 'request.has_image'],
    ['a function', 'men', "mentions('a', 'b c')"],
    ['an operator', 'request.has_image o', 'or'],
    ['a member', 'request.', 'has_code'],
    ['a member that is begun', 'request.has_', 'has_tools'],
    ['a member of an element', 'any(models, .', 'context_window'],
    ['models, compared', "any(models, .id == '", 'gpt-4o'],
    ['models, in a list', "session.model in ['gpt-4o', '", 'claude-opus-4.5'],
    ['families', 'any(models, .family == "', 'Claude'],
    ['health', "any(models, .health == '", 'degraded'],
    ['teams', "caller.team == '", 'red'],
  ])('%s', (_, text, want) => {
    expect(offered(text)).toContain(want)
  })
  it.each([['inside of a phrase', "mentions('re"], ['after a text', "caller.team == 'red'"], ['at a blank', 'request.has_image ']])('nothing %s', (_, text) => {
    expect(offered(text)).toEqual([])
  })
  it('everything when asked for', () => {
    expect(offered('', true).length).toBeGreaterThan(40)
  })
})
