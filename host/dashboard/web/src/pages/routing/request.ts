import type { Body } from '../../api/query'

export type Wire = 'chat' | 'messages' | 'responses' | 'embeddings'
type Explain = Body<'post', '/api/v1/route/explain'>

/** Read is what somebody pasted, as a request; problem says why it is none. */
export type Read = { body: Record<string, unknown>; wire: Wire; from: 'text' | 'JSON' | 'curl' } | { problem: string }

/** readRequest takes text, the JSON of a request, or a curl command with one. Text is a message of a
 *  user to the model auto. */
export function readRequest(pasted: string, wire: Wire | '' = ''): Read {
  const text = pasted.trim()
  if (text === '') return { problem: 'Paste a request, or write what a user would.' }
  const curl = /^curl\s/.test(text)
  const json = curl ? dataOf(text) : text.startsWith('{') ? text : null
  if (curl && json === null) return { problem: 'This curl command has no body: there is no -d, --data or --json in it.' }
  if (json === null) return { body: { model: 'auto', messages: [{ role: 'user', content: pasted }] }, wire: 'chat', from: 'text' }
  let body: unknown
  try {
    body = JSON.parse(json)
  } catch (e) {
    return { problem: `This is no JSON: ${e instanceof Error ? e.message : String(e)}. Text need not be JSON: do not begin it with a brace.` }
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return { problem: 'A request is one JSON object.' }
  const object = body as Record<string, unknown>
  return { body: 'model' in object ? object : { model: 'auto', ...object }, wire: wire || wireOf(object, text), from: curl ? 'curl' : 'JSON' }
}

function wireOf(o: Record<string, unknown>, text: string): Wire {
  if (/\/v1\/messages/.test(text)) return 'messages'
  if (/\/v1\/responses/.test(text)) return 'responses'
  if (/\/v1\/embeddings/.test(text)) return 'embeddings'
  if ('messages' in o) return 'system' in o || 'anthropic_version' in o ? 'messages' : 'chat'
  if ('input' in o) return 'instructions' in o || 'max_output_tokens' in o || Array.isArray(o.input) && typeof o.input[0] === 'object' ? 'responses' : 'embeddings'
  return 'chat'
}

/** dataOf is the body of a curl command, as a shell would read it. */
function dataOf(command: string): string | null {
  const at = /\s(?:-d|--data(?:-raw|-binary|-ascii)?|--json)(?:\s+|=)(['"]?)/.exec(command)
  if (!at) return null
  const quote = at[1]
  const rest = command.slice(at.index + at[0].length)
  if (quote === "'") {
    let out = ''
    for (let i = 0; i < rest.length; i++) {
      if (rest[i] !== "'") out += rest[i]
      else if (rest.startsWith("'\\''", i) || rest.startsWith(`'"'"'`, i)) {
        out += "'"
        i += rest[i + 1] === '\\' ? 3 : 4
      } else break
    }
    return out
  }
  if (quote === '"') return /^((?:[^"\\]|\\.)*)/s.exec(rest)![1]!.replace(/\\(["\\$`])/g, '$1')
  return rest.trim()
}

/** What is assumed in place of what holds. */
export type Assumed = { down: readonly string[]; /** Percent of the budget that is used; '' for what it is. */ used: string; sessionModel: string }
export const nothingAssumed: Assumed = { down: [], used: '', sessionModel: '' }

/** whatIfOf writes what is assumed as the API takes it; undefined when nothing is. */
export function whatIfOf(a: Assumed, rules?: readonly object[]): Explain['what_if'] {
  const used = a.used.trim() === '' ? NaN : Number(a.used)
  const out: Record<string, unknown> = {
    ...(a.down.length > 0 ? { down: [...a.down] } : {}),
    ...(Number.isFinite(used) ? { budget_left_fraction: Math.min(1, Math.max(0, Math.round((100 - used) * 100) / 10_000)) } : {}),
    ...(a.sessionModel ? { session_model: a.sessionModel } : {}),
    ...(rules ? { rules } : {}),
  }
  return Object.keys(out).length > 0 ? (out as Explain['what_if']) : undefined
}
