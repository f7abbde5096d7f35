/** A failure of the API, readable, with what to do about it. */
export class Problem extends Error {
  override name = 'Problem'
  constructor(
    /** The HTTP status; 0 when no answer came. */
    readonly status: number,
    /** A word to branch on: "rule_compile", "forbidden", "offline" … */
    readonly code: string,
    /** What went wrong, as the server says it. */
    message: string,
    readonly more: {
      requestId?: string | undefined
      /** Which members of the request are at fault. */
      errors?: { location: string; message: string }[]
      /** Of a text that does not compile: where, from 1. */
      line?: number
      column?: number
      caret?: string
      /** Seconds to wait, when the server says so. */
      retryAfter?: number | undefined
      /** The whole answer, for what only one page knows. */
      body?: unknown
    } = {},
  ) {
    super(message)
  }

  /** next is what the reader can do, '' when the message says it all. */
  get next(): string {
    if (this.code === 'wrong_key') return 'Check that the whole key was copied, and that it was not revoked.'
    if (this.code === 'offline') return 'Check that the server runs; this page tries again by itself.'
    if (this.more.retryAfter) return `Try again in ${this.more.retryAfter} s.`
    switch (this.status) {
      case 401: return 'Log in again.'
      case 403: return 'Ask an administrator of your account, or log in with another key.'
      case 404: return 'It may have been deleted. Go back to the list.'
      case 412: return 'Reload to see the newer version, then make your change again.'
      case 409: return 'Reload to see what is there now.'
      case 429: return 'Wait a moment and try again.'
    }
    if (this.status >= 500) return this.more.requestId ? `Try again. If it stays, the log has it as ${this.more.requestId}.` : 'Try again.'
    return ''
  }
}

type Body = {
  detail?: unknown
  title?: unknown
  code?: unknown
  request_id?: unknown
  errors?: { location?: string; message?: string }[]
  line?: number
  column?: number
  caret?: string
  error?: { message?: string; code?: string }
}

/** problemOf reads a failed answer's body: a problem document, an error of /v1, or anything else. */
export function problemOf(response: Response, body: unknown): Problem {
  const b: Body = typeof body === 'object' && body !== null ? body : {}
  const words = (v: unknown) => (typeof v === 'string' && v !== '' ? v : undefined)
  const message = words(b.detail) ?? words(b.error?.message) ?? words(b.title) ?? `The server answers ${response.status}.`
  const after = Number(response.headers.get('retry-after'))
  return new Problem(response.status, words(b.code) ?? words(b.error?.code) ?? 'error', message, {
    requestId: words(b.request_id) ?? response.headers.get('x-request-id') ?? undefined,
    errors: (b.errors ?? []).map((e) => ({ location: e.location ?? '', message: e.message ?? '' })),
    ...(b.line ? { line: b.line, column: b.column ?? 1, caret: b.caret ?? '' } : {}),
    retryAfter: after > 0 ? after : undefined,
    body,
  })
}

/** asProblem makes a Problem of whatever was thrown. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown
  if (thrown instanceof TypeError) return new Problem(0, 'offline', 'The server cannot be reached.')
  return new Problem(0, 'error', thrown instanceof Error ? thrown.message : String(thrown))
}
