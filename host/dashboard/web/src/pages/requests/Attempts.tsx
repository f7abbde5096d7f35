import { count, duration, timeOf, took } from '../../api/format'
import { Empty, ModelName, Money, StatusWord } from '../../ui'
import { codeWords } from './filters'
import type { Row } from './whole'

const outcomes: Record<Row['outcome'], { status: string; word: string }> = {
  ok: { status: 'up', word: 'Answered' }, failed: { status: 'down', word: 'Failed' }, truncated: { status: 'degraded', word: 'Broke off' },
  canceled: { status: 'unknown', word: 'Caller left' }, interrupted: { status: 'degraded', word: 'Interrupted' },
}

/** spanOf is when a list of attempts began and ended, in ms since 1970. */
function spanOf(rows: readonly Row[]): { from: number; length: number } {
  const from = Math.min(...rows.map((r) => timeOf(r.started_at)))
  const to = Math.max(...rows.map((r) => timeOf(r.started_at) + r.latency_ms))
  return { from, length: Math.max(1, to - from) }
}

/** Attempts is each try at a provider, in order, on one line of time. */
export function Attempts({ rows }: { rows: readonly Row[] }) {
  const list = rows.filter((r) => r.kind === 'attempt').sort((a, b) => a.attempt - b.attempt)
  const other = rows.filter((r) => r.kind !== 'attempt')
  if (list.length === 0) return <Empty title="No provider was asked">The request was answered before that, or its attempts are not settled yet.</Empty>
  const { from, length } = spanOf(list)
  return (
    <ol className="requests-attempts" aria-label="Attempts">
      {list.map((r) => {
        const o = outcomes[r.outcome]
        const at = Math.min(99.4, ((timeOf(r.started_at) - from) / length) * 100) // even the last is seen
        return (
          <li key={r.id}>
            <p className="row spread">
              <span className="row"><strong>{r.attempt}</strong> <ModelName id={r.model} /></span>
              <StatusWord status={o.status} word={r.code ? `${o.word}: ${codeWords(r.code).toLowerCase()}` : o.word} />
            </p>
            <svg className="attempt-line" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
              <rect width="100" height="6" fill="var(--hover)" />
              <rect x={at} width={Math.max(0.6, (r.latency_ms / length) * 100)} height="6" fill="var(--edge)" />
              {r.first_byte_ms !== undefined && <rect x={at} width={Math.max(0.6, (r.first_byte_ms / length) * 100)} height="6" fill="var(--soft)" />}
            </svg>
            <dl className="attempt-facts">
              <div><dt>Provider</dt><dd>{r.provider}{r.upstream_id && r.upstream_id !== r.model && <span className="soft"> as {r.upstream_id}</span>}</dd></div>
              <div><dt>Status</dt><dd>{r.status > 0 ? r.status : 'none'}</dd></div>
              <div><dt>First byte</dt><dd>{r.first_byte_ms === undefined ? '–' : took(r.first_byte_ms)}</dd></div>
              <div><dt>Took</dt><dd>{took(r.latency_ms)}</dd></div>
              <div><dt>Began after</dt><dd>{duration(timeOf(r.started_at) - from)}</dd></div>
              <div><dt>Tokens</dt><dd>{count(r.tokens.prompt)} in, {count(r.tokens.completion)} out</dd></div>
              <div><dt>Cost</dt><dd>{r.cost_nano_usd === null ? 'no price is known' : <Money nano={r.cost_nano_usd} />}</dd></div>
            </dl>
            {(r.simulated || r.substituted || r.estimated) && (
              <p className="soft">{[r.simulated && 'Simulated in the gateway.', r.substituted && 'The vendor’s replacement answered.', r.estimated && 'The provider gave no usage: tokens are an estimate.'].filter(Boolean).join(' ')}</p>
            )}
          </li>
        )
      })}
      {other.map((r) => <li key={r.id}><p className="row spread"><span>{r.kind === 'correction' ? 'A correction of an earlier row' : 'Recorded from elsewhere'}</span><Money nano={r.cost_nano_usd} /></p></li>)}
    </ol>
  )
}
