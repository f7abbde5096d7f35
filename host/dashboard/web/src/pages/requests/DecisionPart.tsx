import { count, duration, percent } from '../../api/format'
import { outcomeWords, skipWords, type RuleStep } from '../../ladder'
import { Chip, Facts, Icon, ModelName, Money, Note, PriorityChip, StatusWord, type IconName } from '../../ui'
import { codeWords } from './filters'
import type { Whole } from './whole'

const many = 30

/** DecisionPart is each rule in order with what became of it, and each model with the reason against it. */
export function DecisionPart({ of: d }: { of: Whole }) {
  const rules = d.rules ?? []
  const candidates = d.candidates ?? []
  const late = rules.length > many ? rules.filter((s) => s.outcome === 'not_reached' || s.outcome === 'not_asked') : []
  const shown = rules.filter((s) => !late.includes(s))
  return (
    <div className="stack">
      <Facts items={[
        ...(d.reason ? [['The plugin’s reason', d.reason] as const] : []),
        ...(d.assignment ? [['Assignment', <code key="a">{d.assignment}</code>] as const] : []),
        ...(d.variant ? [['Rollout', <>Its draft decided: {d.rollout ? <>{d.rollout.kind}{d.rollout.note && ` “${d.rollout.note}”`}, now {d.rollout.status} </> : null}<code>{d.variant}</code></>] as const] : []),
        ...(d.rule_set.global > 0 || d.rule_set.account > 0 ? [['Rules', <>version {d.rule_set.global || '–'} of the global ones{d.rule_set.account > 0 && `, ${d.rule_set.account} of the account’s`}{d.own_rules_only && ', its own only'}</>] as const] : []),
        ...(d.budget.bounded ? [['Budget left then', <><Money nano={d.budget.nano_usd} /> <span className="soft">{percent(d.budget.fraction)}{d.budget.prefer_cheaper && ', cheaper models were preferred'}</span></>] as const] : []),
      ]} />
      <section className="stack" aria-label="Rules in order">
        <h3>Rules, in the order in which they were tried</h3>
        {d.rules_note && <Note kind="warn">{d.rules_note}</Note>}
        {rules.length === 0 && !d.rules_note && <p className="soft">No rules were tried.</p>}
        <Steps list={shown} from={rules} />
        {late.length > 0 && <details><summary>{count(late.length)} more rules were not reached</summary><Steps list={late} from={rules} /></details>}
        {(d.failed ?? []).map((f, i) => <Note key={i} kind="warn">{f.what ? <><code>{f.what}</code> </> : ''}{f.reason.replaceAll('_', ' ')}{f.detail && `: ${f.detail}`}</Note>)}
      </section>
      <section className="stack" aria-label="Candidates">
        <h3>Models that were considered</h3>
        {candidates.length === 0 && <p className="soft">None: the request was answered before models were looked at.</p>}
        <ol className="requests-list">
          {candidates.map((c) => (
            <li key={c.model}>
              <p className="row"><ModelName id={c.model} />{c.model === d.model && <StatusWord status="up" word="Served" />}{c.skip && <StatusWord status="unknown" word="Passed over" />}</p>
              <p className="soft">
                {c.skip ? `It ${skipWords(c.skip)}.` : c.model === d.model ? 'It gave the answer.' : failed(d, c.model) ?? 'Would have been asked next.'}
                {c.of_default && ' Of the default handler.'}{c.lowered && ' Later, because it was degraded.'}{c.last_resort && ' Asked though it was down: everything was.'}{c.substituted && ' Served by its replacement.'}
              </p>
              {c.state && <p className="soft">Then {c.state.health || 'of unknown health'}{c.state.latency_ms > 0 && `, ${duration(c.state.latency_ms)} at the median`}{c.state.cost_nano_usd > 0 && <>, about <Money nano={c.state.cost_nano_usd} /></>}</p>}
            </li>
          ))}
        </ol>
      </section>
    </div>
  )
}

/** failed says what came of asking a model that did not give the answer; null: it was not asked. */
function failed(d: Whole, model: string): string | null {
  const tries = (d.usage ?? []).filter((r) => r.kind === 'attempt' && r.model === model && r.outcome !== 'ok')
  const last = tries.at(-1)
  if (!last) return null
  const why = [last.status > 0 && `status ${last.status}`, last.code && codeWords(last.code).toLowerCase()].filter(Boolean).join(', ')
  return `It was asked${tries.length > 1 ? ` ${tries.length} times` : ''} and failed${why && `: ${why}`}.`
}

const words: Record<string, { icon: IconName; word: string; strong?: true }> = {
  matched: { icon: 'check', word: 'Matched', strong: true }, no_match: { icon: 'close', word: 'No match' }, abstained: { icon: 'dash', word: 'Abstained' },
  rejected: { icon: 'cross', word: 'Refused', strong: true }, failed: { icon: 'triangle', word: 'Failed', strong: true }, suspended: { icon: 'triangle', word: 'Suspended' },
  other_team: { icon: 'dash', word: 'Other team' }, disabled: { icon: 'dash', word: 'Off' }, shadowed: { icon: 'dash', word: 'Hidden' }, left_out: { icon: 'dash', word: 'Left out' },
  not_reached: { icon: 'dash', word: 'Not reached' }, not_asked: { icon: 'dash', word: 'Not asked' }, undecided: { icon: 'info', word: 'Not known' },
}

/** outcomeWord is a rule's part in a decision in a word or two. */
export const outcomeWord = (outcome: string): string => words[outcome]?.word ?? outcome.replaceAll('_', ' ')

function Steps({ list, from }: { list: readonly RuleStep[]; from: readonly RuleStep[] }) {
  return (
    <ol className="requests-steps">
      {list.map((s) => {
        const w = words[s.outcome]
        return (
          <li key={`${s.account_id ?? ''}/${s.id}`} className={w?.strong ? 'step-strong' : undefined}>
            <span className="step-number" aria-hidden="true">{from.indexOf(s) + 1}</span>
            <div>
              <p className="row"><strong>{s.name || s.id}</strong><PriorityChip priority={s.priority} bare /><Chip kind={w?.strong ? 'outline' : 'plain'}><Icon name={w?.icon ?? 'info'} size={12} /> {outcomeWord(s.outcome)}</Chip></p>
              <p className="soft">{outcomeWords(s)}</p>
              {s.plugin && <p className="soft">Plugin <code>{s.plugin}</code>{s.fuel !== undefined && `, ${count(s.fuel)} fuel`}{s.took_ns !== undefined && `, ${duration(s.took_ns / 1e6)}`}</p>}
            </div>
          </li>
        )
      })}
    </ol>
  )
}
