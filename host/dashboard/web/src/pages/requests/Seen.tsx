import { count } from '../../api/format'
import { Facts, Note } from '../../ui'
import type { Whole } from './whole'

/** Seen is what the rules saw of the request, and its text where the account keeps it. */
export function Seen({ of: d }: { of: Whole }) {
  const f = d.features
  const has = [f.has_image && `${count(f.images)} images`, f.has_audio && 'audio', f.has_code && 'code', f.has_tools && 'tools', f.time_sensitive && 'a question of the day'].filter(Boolean)
  const wishes = [d.prefer.cost && 'low cost', d.prefer.speed && 'speed', d.prefer.vision && 'vision', d.strict && 'the named model or none'].filter(Boolean)
  return (
    <div className="stack">
      <Facts items={[
        ['Length', `${count(f.chars)} characters, about ${count(f.tokens)} tokens, ${count(f.messages)} ${f.messages === 1 ? 'message' : 'messages'}`],
        ['Holds', has.length > 0 ? has.join(', ') : 'text alone'],
        ['Needs', f.needs && f.needs.length > 0 ? f.needs.join(', ') : 'nothing special'],
        ['Task', f.task_type || '–'],
        ['Command', f.command || '–'],
        ['Wishes', wishes.length > 0 ? wishes.join(', ') : 'none'],
        ['Phrases of rules', count(d.phrases_found)],
        ['Session', d.session ? `turn ${d.session.turns + 1}; the last one was served by ${d.session.model || 'no model'}` : 'a first turn, or none'],
        ...(d.tags ?? []).map((t) => [`Tag ${t.name}`, t.value] as const),
        ...(d.params ?? []).map((t) => [`Parameter ${t.name}`, t.value] as const),
      ]} />
      {d.text_kept
        ? <><h3>Text</h3><pre className="requests-text">{d.text || 'There was none.'}</pre>{d.body !== undefined && <details><summary>The whole body</summary><pre className="requests-text">{JSON.stringify(d.body, null, 2)}</pre></details>}</>
        : <Note>What people wrote is not kept. An administrator of the account can turn that on.</Note>}
    </div>
  )
}
