import { decimal } from '../../api/format'
import { outcomeWords, skipWords } from '../../ladder'
import { Facts, ModelName, Money, Note } from '../../ui'
import type { Explanation } from './TryBox'

const deciders: Record<string, string> = {
  default: 'Default handler: no rule matched', pinned: 'Nobody: the request names its model', assignment: 'A task assignment, before the rules', override: 'An administrator’s override, before the rules',
}

/** Result tells a decision: who decided, which model is asked, what it may cost, and why not the others. */
export function Result({ told, assumed }: { told: Explanation; assumed: boolean }) {
  const asked = told.candidates?.find((c) => !c.skip)
  const decider = told.rules?.find((r) => r.id === told.rule && (r.outcome === 'matched' || r.outcome === 'rejected'))
  const passed = (told.rules ?? []).filter((r) => r !== decider)
  return (
    <section className="result stack" aria-label="Result">
      {told.error_message
        ? <Note kind="warn"><p><strong>The caller would get an error:</strong> {told.error_message}</p><p className="soft">{told.error_code}</p></Note>
        : <p className="result-model"><span className="soft">Goes to</span> {asked ? <ModelName id={asked.model} /> : 'no model'}{asked?.last_resort && <span className="soft"> though it is down: everything is</span>}</p>}
      <div className="grid-2">
        <Facts items={[
          ['Decided by', decider ? <><strong>{decider.name ?? decider.id}</strong> <span className="soft">priority {decider.priority}</span></> : (deciders[told.rule] ?? told.rule)],
          ...(decider ? [['Because', outcomeWords(decider)] as const] : []),
          ...(told.reason ? [['The plugin’s reason', told.reason] as const] : []),
          ...(told.assignment ? [['Assignment', <code key="a">{told.assignment}</code>] as const] : []),
          ['Estimated cost', asked ? (asked.estimated_nano_usd === undefined ? 'not known: the model has no price' : <><Money nano={asked.estimated_nano_usd} /> <span className="soft">with a usual answer, at most <Money nano={asked.estimated_most_nano_usd} /></span></>) : '–'],
          ...(asked?.premium_requests ? [['Premium requests', decimal(asked.premium_requests)] as const] : []),
          ['Decided in', <>{told.took_us} µs{assumed && <span className="soft"> with what is assumed</span>}</>],
          ...(told.features ? [['The rules saw', sawWords(told.features)] as const] : []),
        ]} />
        <div className="stack">
          {(told.candidates?.length ?? 0) > 0 && (
            <div>
              <h3>Models, in the order in which they are asked</h3>
              <ol className="result-list">
                {(told.candidates ?? []).map((c, i) => (
                  <li key={i}>
                    <ModelName id={c.model} />
                    <span className="soft">
                      {c.skip ? skipWords(c.skip) : c === asked ? 'is asked first' : 'on failure'}
                      {c.of_default && ' · of the default handler'}
                      {c.lowered && ' · later, because it is degraded'}
                      {c.substituted && ' · served by its replacement'}
                      {c.estimated_nano_usd !== undefined && <> · about <Money nano={c.estimated_nano_usd} /></>}
                    </span>
                  </li>
                ))}
              </ol>
            </div>
          )}
          <details open={passed.length <= 12}>
            <summary><h3 className="inline">{decider ? 'Rules that did not decide' : 'What became of the rules'} <span className="soft">({passed.length})</span></h3></summary>
            <ol className="result-list">
              {passed.map((r) => <li key={`${r.account_id ?? ''}/${r.id}`}><strong>{r.name ?? r.id}</strong> <span className="soft">{outcomeWords(r)}</span></li>)}
            </ol>
          </details>
        </div>
      </div>
    </section>
  )
}

/** sawWords tells the features of a request that rules look at most. */
function sawWords(f: NonNullable<Explanation['features']>): string {
  const words = [`${f.chars} characters`, `about ${f.tokens} tokens`, `${f.messages} ${f.messages === 1 ? 'message' : 'messages'}`]
  if (f.has_image) words.push('an image')
  if (f.has_audio) words.push('audio')
  if (f.has_code) words.push('code')
  if (f.has_tools) words.push('tools')
  if (f.command) words.push(`the command ${f.command}`)
  if (f.task_type) words.push(`task ${f.task_type}`)
  if (f.time_sensitive) words.push('time-sensitive')
  if (f.stream) words.push('streamed')
  return words.join(', ')
}
