import { count, usd } from '../../api/format'
import type { Data } from '../../api/query'

export type Effective = NonNullable<Data<'get', '/api/v1/preferences/effective'>>
export type Preferences = NonNullable<Data<'get', '/api/v1/preferences'>>
export type Level = 'global' | 'account' | 'team' | 'user'
export type Source = NonNullable<Effective['sources'][string]>[number]

export type MemberName = 'model' | 'default_model' | 'allowed_models' | 'blocked_models' | 'max_tokens_per_day' | 'max_cost_per_day' | 'prefer_vision' | 'prefer_speed' | 'prefer_cost' | 'custom_rules_only' | 'store_text'

/** Member is one setting: how it is called, what it takes, and who may set it. */
export type Member = {
  name: MemberName
  title: string
  hint: string
  kind: 'model' | 'list' | 'count' | 'money' | 'flag'
  /** A user, and a team lead, may set it for itself. */
  own?: true
  /** Of these levels alone. */
  levels?: readonly Level[]
  /** Only an override can set it. */
  forced?: true
}

export const members: readonly Member[] = [
  { name: 'model', title: 'Every chat goes to', hint: 'Pinned or not, and nowhere else.', kind: 'model', forced: true },
  { name: 'default_model', title: 'Default model', hint: 'Where a request goes that nothing else decides.', kind: 'model', own: true },
  { name: 'allowed_models', title: 'Allowed models', hint: 'The only ones that may serve; lower levels can only narrow it.', kind: 'list' },
  { name: 'blocked_models', title: 'Blocked models', hint: 'Adds up over the levels.', kind: 'list' },
  { name: 'max_tokens_per_day', title: 'Tokens a day', hint: 'Of all requests of the level together.', kind: 'count' },
  { name: 'max_cost_per_day', title: 'Cost a day', hint: 'In US dollars, of all requests of the level together.', kind: 'money' },
  { name: 'prefer_vision', title: 'Prefer vision', hint: 'Rules that look at prefer.vision send images to models that see.', kind: 'flag', own: true },
  { name: 'prefer_speed', title: 'Prefer speed', hint: 'Rules that look at prefer.speed choose fast models.', kind: 'flag', own: true },
  { name: 'prefer_cost', title: 'Prefer low cost', hint: 'Rules that look at prefer.cost choose cheap models.', kind: 'flag', own: true },
  { name: 'custom_rules_only', title: 'Own rules only', hint: 'System and global rules are left out.', kind: 'flag', levels: ['global', 'account'] },
  { name: 'store_text', title: 'Keep text', hint: 'Text of exchanges may be kept in session notes and decisions.', kind: 'flag' },
]

/** membersOf are the settings that somebody may set at a level. */
export const membersOf = (level: Level, override: boolean, self: boolean): readonly Member[] =>
  members.filter((m) => (override || !m.forced) && (!m.levels || m.levels.includes(level)) && (!self || m.own))

/** tenantWords names a level: "team red". */
export function tenantWords(t: { level?: string; account_id?: string; team_id?: string; user_id?: string }): string {
  switch (t.level) {
    case 'global': return 'everybody'
    case 'account': return `account ${t.account_id ?? ''}`
    case 'team': return `team ${t.team_id ?? ''}`
    case 'user': return `user ${t.user_id ?? ''}`
  }
  return t.level ?? '–'
}

const yes = (b: boolean): string => (b ? 'Yes' : 'No')
const models = (ids: readonly string[]): string => ids.join(', ')

/** valueWords is what holds of a setting. Caps have one for each level that has one. */
export function valueWords(e: Effective, name: MemberName): string {
  switch (name) {
    case 'model': return e.model ?? 'not forced'
    case 'default_model': return e.default_model ?? 'the installation’s'
    case 'allowed_models': return e.allowed_models === null ? 'every model' : e.allowed_models.length === 0 ? 'none' : models(e.allowed_models)
    case 'blocked_models': return e.blocked_models.length === 0 ? 'none' : models(e.blocked_models)
    case 'max_tokens_per_day': return e.caps.flatMap((c) => (c.max_tokens_per_day === undefined ? [] : [`${count(c.max_tokens_per_day, 'exact')} of ${tenantWords(c)}`])).join(', ') || 'no cap'
    case 'max_cost_per_day': return e.caps.flatMap((c) => (c.max_cost_per_day === undefined ? [] : [`${usd(Math.round(Number(c.max_cost_per_day) * 1e9), 'exact')} of ${tenantWords(c)}`])).join(', ') || 'no cap'
    default: return yes(e[name])
  }
}

/** sourceWords says which level set a value, and who. */
export function sourceWords(s: Source): string {
  const by = s.by ? `, by ${s.by}` : ''
  return s.override ? `overridden for ${tenantWords(s)}${by}${s.reason ? `: ${s.reason}` : ''}` : `for ${tenantWords(s)}${by}`
}

/** lockOf is the highest of some levels, highest first, that locks a setting. */
export const lockOf = (levels: readonly (Preferences | undefined)[], name: MemberName): Preferences | undefined => levels.find((p) => p?.locked?.includes(name))

/** above are the levels over one. */
export const above = (levels: readonly (Preferences | undefined)[], level: Level): readonly (Preferences | undefined)[] => {
  const order: readonly Level[] = ['global', 'account', 'team', 'user']
  return levels.filter((p) => p?.level && order.indexOf(p.level) < order.indexOf(level))
}
