import { Facts, ModelName, PriorityChip } from '../../ui'
import { priorityOf, type Rule } from './order'

/** RuleView is a rule for those who may not change it. */
export function RuleView({ rule: r }: { rule: Rule }) {
  return (
    <Facts items={[
      ['Id', <code key="i">{r.id}</code>],
      ['Priority', <PriorityChip key="p" priority={priorityOf(r)} />],
      ['State', r.enabled === false ? 'Switched off' : 'Enabled'],
      ['Whose', r.system ? 'system' : r.account_id ? `account ${r.account_id}${r.team_id ? `, team ${r.team_id}` : ''}` : 'global'],
      r.plugin ? ['Plugin', <code key="w">{r.plugin}</code>] : ['Condition', <pre key="w">{r.when}</pre>],
      ...(r.config ? [['Configuration', <pre key="c">{JSON.stringify(r.config, null, 2)}</pre>] as const] : []),
      ['Target', r.target ? <ModelName key="t" id={r.target} /> : '–'],
      ['Fallbacks', (r.fallbacks ?? []).length > 0 ? <span key="f" className="row">{(r.fallbacks ?? []).map((id) => <ModelName key={id} id={id} />)}</span> : 'none'],
      ['After these', r.only ? 'nothing: only these models' : 'the default handler’s models'],
      ['When it fails', r.on_failure === 'refuse' ? 'the request is refused' : 'the next rule is tried'],
      ...(r.description ? [['Description', r.description] as const] : []),
    ]} />
  )
}
