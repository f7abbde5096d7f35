import type { CompletionContext, CompletionResult } from '@codemirror/autocomplete'
import type { StreamParser } from '@codemirror/language'
import words from './words.json'

/** words.json is made from the engine's own environment, and a test there keeps it so. */
const variables = words.variables
const functions = words.functions

const operators = ['and', 'or', 'not', 'in', 'contains', 'startsWith', 'endsWith', 'matches', 'let', 'if', 'else']
const constants = ['true', 'false', 'nil']

/** Known are texts that this account's rules may compare with. */
export type Known = { models: readonly string[]; families: readonly string[]; providers: readonly string[]; teams: readonly string[] }

type Offer = { label: string; detail: string; info: string; type: string; apply?: string }

/** offersFor is what may stand after a prefix such as "request.", '' for the beginning of a word. */
export function offersFor(prefix: string, inModels: boolean): Offer[] {
  if (prefix === '.') return members('models[].')
  if (prefix !== '') return members(prefix)
  const top = variables.filter((v) => !v.name.includes('.') && !v.name.includes('['))
  return [
    ...variables.filter((v) => v.name.includes('.') && !v.name.startsWith('models')).map((v) => ({ label: v.name, detail: v.type, info: v.doc, type: 'property' })),
    ...top.map((v) => ({ label: v.name, detail: v.type, info: v.doc, type: 'variable' })),
    ...functions.map((f) => ({ label: f.call, detail: '', info: f.doc, type: 'function', apply: `${f.call.slice(0, f.call.indexOf('('))}(` })),
    ...operators.map((o) => ({ label: o, detail: 'operator', info: '', type: 'keyword' })),
    ...(inModels ? members('models[].').map((m) => ({ ...m, label: `.${m.label}` })) : []),
  ]
}

function members(prefix: string): Offer[] {
  return variables.filter((v) => v.name.startsWith(prefix) && v.name.length > prefix.length)
    .map((v) => ({ label: v.name.slice(prefix.length), detail: v.type, info: v.doc, type: 'property' }))
}

/** textsFor is what a text in quotes may be, by what stands before it. */
export function textsFor(before: string, known: Known): readonly string[] {
  const name = /([\w.]+)\s*(?:==|!=|in|startsWith|contains)\s*\[?(?:\s*(['"])[^'"]*\2\s*,)*\s*$/.exec(before)?.[1] ?? ''
  const last = name.split('.').at(-1)
  if (name === 'session.model' || (last === 'id' && name !== 'session.id')) return known.models
  if (last === 'family') return known.families
  if (last === 'provider') return known.providers
  if (name === 'caller.team') return known.teams
  if (last === 'tier') return ['flagship', 'standard', 'economy', 'preview']
  if (last === 'health') return ['healthy', 'degraded', 'down']
  return []
}

/** completer offers words while a condition is written. */
export const completer = (known: Known) => (c: CompletionContext): CompletionResult | null => {
  const line = c.state.doc.lineAt(c.pos)
  const before = c.state.sliceDoc(line.from, c.pos)
  const quoted = /(['"])([^'"]*)$/.exec(before)
  if (quoted && (before.split(quoted[1]!).length - 1) % 2 === 1) {
    const texts = textsFor(before.slice(0, quoted.index), known)
    return texts.length > 0 ? { from: c.pos - quoted[2]!.length, options: texts.map((label) => ({ label, type: 'text' })), validFor: /^[^'"]*$/ } : null
  }
  const word = /(?:([A-Za-z_]\w*\.)|(\.))?([A-Za-z_]\w*)?$/.exec(before)!
  const typed = word[3] ?? ''
  if (!c.explicit && typed === '' && !word[1] && !word[2]) return null
  const prefix = word[1] ?? (word[2] ? '.' : '')
  return { from: c.pos - typed.length, options: offersFor(prefix, /\b(any|all|none|one|count)\(\s*models\b/.test(before)), validFor: /^\w*$/ }
}

const call = /^[A-Za-z_]\w*(?=\s*\()/
const operatorWords = new RegExp(`^(?:${operators.join('|')})\\b`)
const constantWords = new RegExp(`^(?:${constants.join('|')})\\b`)

/** exprLanguage colours a condition. */
export const exprLanguage: StreamParser<unknown> = {
  name: 'expr',
  token(s) {
    if (s.eatSpace()) return null
    if (s.match('//')) {
      s.skipToEnd()
      return 'comment'
    }
    const quote = s.peek()
    if (quote === '"' || quote === "'" || quote === '`') {
      s.next()
      for (let ch = s.next(), escaped = false; ch; ch = s.next()) {
        if (ch === quote && !escaped) break
        escaped = ch === '\\' && !escaped && quote !== '`'
      }
      return 'string'
    }
    if (s.match(/^\d[\d_.eE]*/)) return 'number'
    if (s.match(operatorWords)) return 'keyword'
    if (s.match(constantWords)) return 'bool'
    if (s.match(call)) return 'keyword'
    if (s.match(/^\.?[A-Za-z_][\w.]*/)) return 'propertyName'
    s.next()
    return null
  },
}
