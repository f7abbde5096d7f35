import { StatusWord } from '../../ui'
import { codeWords } from './filters'
import type { Decision } from './tail'

/** Outcome is what became of a request, as an icon and words. */
export function Outcome({ of: d }: { of: Pick<Decision, 'code' | 'attempts'> }) {
  if (d.code) return <StatusWord status={d.code === 'client_closed' ? 'unknown' : 'down'} word={codeWords(d.code)} />
  if (d.attempts > 1) return <StatusWord status="degraded" word={`At attempt ${d.attempts}`} />
  return <StatusWord status="up" word="Answered" />
}
