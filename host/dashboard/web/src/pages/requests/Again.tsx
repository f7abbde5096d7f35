import { duration } from '../../api/format'
import { useSend } from '../../api/query'
import { outcomeWords, skipWords } from '../../ladder'
import { Button, ButtonRow, Facts, Failure, ModelName, Note } from '../../ui'
import { compare } from './compare'
import { outcomeWord } from './DecisionPart'
import { deciderWords, type Explanation, type Whole } from './whole'

/** Again decides the same request once more, by the rules of now, and says what became otherwise. */
export function Again({ of: d, account }: { of: Whole; account: string }) {
  const explain = useSend('post', '/api/v1/route/explain')
  return (
    <div className="stack">
      <p className="soft">Today’s rules decide the recorded request once more. Nothing is sent to a provider, and nothing is counted. Health and budgets are those of now.</p>
      <ButtonRow><Button kind="primary" icon="refresh" busy={explain.isPending} onClick={() => explain.mutate({ body: { request_id: d.request_id, ...(account ? { account_id: account } : {}) } })}>Explain again against today’s rules</Button></ButtonRow>
      <div role="status" className="stack">
        {explain.error && <Failure error={explain.error} what="It cannot be decided again" />}
        {explain.data && <Told then={d} now={explain.data} />}
      </div>
    </div>
  )
}

function Told({ then, now }: { then: Whole; now: Explanation }) {
  const c = compare(then, now)
  const same = c.sameModel && c.sameRule
  const first = now.candidates?.find((x) => !x.skip)
  const model = (id: string) => (id ? <ModelName id={id} /> : 'no model')
  return (
    <>
      <Note kind={same ? 'good' : 'warn'}>{same ? 'It would be decided the same way, and ask the same model first.' : c.sameModel ? 'Something else would decide, but the same model would be asked first.' : c.sameRule ? 'The same would decide, but another model would be asked first.' : 'Something else would decide, and another model would be asked first.'}</Note>
      {now.error_message && <Note kind="warn"><strong>The caller would get an error:</strong> {now.error_message}</Note>}
      <div className="table-frame" role="region" aria-label="Then and now" tabIndex={0}>
        <table className="table table-small">
          <thead><tr><th scope="col"><span className="sr">What</span></th><th scope="col">Then</th><th scope="col">Now</th></tr></thead>
          <tbody>
            <tr><th scope="row">Decided by</th><td>{deciderWords(then.rule, then.rules)}</td><td>{deciderWords(now.rule, now.rules)}</td></tr>
            <tr><th scope="row">Asked first</th><td>{model(c.thenModel)}</td><td>{model(c.nowModel)}</td></tr>
            <tr><th scope="row">Decided in</th><td>{duration(then.decide_us / 1000)}</td><td>{duration(now.took_us / 1000)}</td></tr>
          </tbody>
        </table>
      </div>
      {c.changes.length > 0 && (
        <section className="stack" aria-label="Rules that changed">
          <h3>Rules with another part in it now</h3>
          <ul className="requests-list">
            {c.changes.map((x) => (
              <li key={x.key}>
                <p><strong>{x.name}</strong>: {x.then ? outcomeWord(x.then.outcome).toLowerCase() : 'was not there'} → {x.now ? outcomeWord(x.now.outcome).toLowerCase() : 'is not there any more'}</p>
                {x.now && <p className="soft">{outcomeWords(x.now)}</p>}
              </li>
            ))}
          </ul>
        </section>
      )}
      <Facts items={(now.candidates ?? []).map((x) => [x.model, x.skip ? `It ${skipWords(x.skip)}.` : x === first ? 'Asked first.' : 'Asked when those before it fail.'] as const)} />
    </>
  )
}
