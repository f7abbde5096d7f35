/** One event of a text/event-stream. */
export type ServerEvent = { event: string; data: string; id: string }

/** A reader of text/event-stream (HTML standard, 9.2.6): feed it text as it comes, cut anywhere. */
export function eventReader(onEvent: (e: ServerEvent) => void): (text: string) => void {
  let rest = ''
  let event = ''
  let data: string[] = []
  let id = ''
  const line = (l: string) => {
    if (l === '') {
      if (data.length > 0) onEvent({ event: event || 'message', data: data.join('\n'), id })
      event = ''
      data = []
      return
    }
    if (l.startsWith(':')) return
    const colon = l.indexOf(':')
    const field = colon < 0 ? l : l.slice(0, colon)
    const value = colon < 0 ? '' : l.slice(l[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') event = value
    else if (field === 'data') data.push(value)
    else if (field === 'id' && !value.includes('\0')) id = value
  }
  return (text) => {
    rest += text
    for (;;) {
      const m = /\r\n|\n|\r(?!$)/.exec(rest)
      if (!m) return
      const l = rest.slice(0, m.index)
      rest = rest.slice(m.index + m[0].length)
      line(l)
    }
  }
}
