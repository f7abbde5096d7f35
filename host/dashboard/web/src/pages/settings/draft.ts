import type { Member, MemberName, Preferences } from './members'

/** Draft is the settings of a level in a form. A list is null, and a text '', where nothing is set. */
export type Draft = { texts: Partial<Record<MemberName, string>>; lists: Partial<Record<MemberName, readonly string[] | null>>; locked: readonly string[]; reason: string }

type Values = Partial<Record<MemberName, unknown>>

/** draftOf reads a level's settings, or its override. */
export function draftOf(of: Values & { locked?: readonly string[] | null; reason?: string }, members: readonly Member[]): Draft {
  const d: Draft = { texts: {}, lists: {}, locked: of.locked ?? [], reason: of.reason ?? '' }
  for (const m of members) {
    const v = of[m.name]
    if (m.kind === 'list') d.lists[m.name] = Array.isArray(v) ? (v as string[]) : null
    else d.texts[m.name] = v === undefined || v === null ? '' : String(v)
  }
  return d
}

/** valuesOf makes what the API takes of the members of a form, or says which is wrong. */
export function valuesOf(d: Draft, members: readonly Member[]): { values: Values } | { problem: string; member: MemberName } {
  const values: Values = {}
  for (const m of members) {
    if (m.kind === 'list') {
      const list = d.lists[m.name]
      if (list) values[m.name] = list
      continue
    }
    const text = (d.texts[m.name] ?? '').trim()
    if (text === '') continue
    if (m.kind === 'flag') values[m.name] = text === 'true'
    else if (m.kind === 'count') {
      const bare = text.replaceAll(/[ ,_]/g, '')
      if (!/^\d{1,15}$/.test(bare)) return { problem: `“${m.title}” must be a whole number, or empty.`, member: m.name }
      values[m.name] = Number(bare)
    } else if (m.kind === 'money') {
      const bare = text.replace(/^\$/, '')
      if (!/^\d{1,9}(\.\d{1,9})?$/.test(bare)) return { problem: `“${m.title}” must be an amount such as 25.00, or empty.`, member: m.name }
      values[m.name] = bare
    } else values[m.name] = text
  }
  return { values }
}

/** keptOf is what a level has that a form does not show: a change must not take it away. */
export function keptOf(of: Preferences, members: readonly Member[]): Values {
  const names: readonly MemberName[] = ['default_model', 'allowed_models', 'blocked_models', 'max_tokens_per_day', 'max_cost_per_day', 'prefer_vision', 'prefer_speed', 'prefer_cost', 'custom_rules_only', 'store_text']
  const from: Values = of
  return Object.fromEntries(names.filter((n) => from[n] !== undefined && !members.some((m) => m.name === n)).map((n) => [n, from[n]]))
}
