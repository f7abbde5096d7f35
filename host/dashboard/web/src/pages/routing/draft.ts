import type { Rule } from './order'

/** A Draft is a rule while it is edited: texts as they are typed. */
export type Draft = {
  id: string
  name: string
  description: string
  priority: string
  by: 'when' | 'plugin'
  when: string
  plugin: string
  config: string
  target: string
  fallbacks: readonly string[]
  only: boolean
  refuse: boolean
  continueAfterCut: boolean
  enabled: boolean
  team: string
  account: string
}

export const emptyDraft = (account: string): Draft => ({
  id: '', name: '', description: '', priority: '50', by: 'when', when: '', plugin: '', config: '', target: '', fallbacks: [],
  only: false, refuse: false, continueAfterCut: false, enabled: true, team: '', account,
})

/** draftOf is a rule as its form shows it. */
export function draftOf(r: Rule): Draft {
  return {
    id: r.id ?? '', name: r.name, description: r.description ?? '', priority: String(r.priority ?? 50), by: r.plugin ? 'plugin' : 'when',
    when: r.when ?? '', plugin: r.plugin ?? '', config: r.config === undefined || r.config === null ? '' : JSON.stringify(r.config, null, 2),
    target: r.target ?? '', fallbacks: r.fallbacks ?? [], only: r.only ?? false, refuse: r.on_failure === 'refuse',
    continueAfterCut: r.continue_after_cut ?? false, enabled: r.enabled ?? true, team: r.team_id ?? '', account: r.account_id ?? '',
  }
}

/** slug is an id made of a name, as the server makes one. */
export const slug = (name: string): string => name.toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 64).replace(/-+$/, '')

/** configOf reads a plugin's configuration. */
export function configOf(text: string): { value: unknown } | { problem: string } {
  if (text.trim() === '') return { value: undefined }
  try {
    return { value: JSON.parse(text) }
  } catch (e) {
    return { problem: `The configuration is no JSON: ${e instanceof Error ? e.message : String(e)}` }
  }
}

/** bodyOf is the rule that the API takes, or what hinders it. */
export function bodyOf(d: Draft): { body: Rule } | { problem: string; member: string } {
  if (d.name.trim() === '') return { problem: 'Give it a name.', member: 'name' }
  const priority = Number(d.priority)
  if (!/^\d+$/.test(d.priority.trim()) || priority > 10_000) return { problem: 'A priority is a whole number from 0 to 10000.', member: 'priority' }
  const id = d.id || slug(d.name)
  if (id === '') return { problem: 'Give it an id of lower-case letters, digits and hyphens: its name has none.', member: 'id' }
  const config = d.by === 'plugin' ? configOf(d.config) : { value: undefined }
  if ('problem' in config) return { problem: config.problem, member: 'config' }
  if (d.by === 'when' && d.when.trim() === '') return { problem: 'Say when it decides.', member: 'when' }
  if (d.by === 'plugin' && d.plugin === '') return { problem: 'Choose a plugin.', member: 'plugin' }
  if (d.target === '') return { problem: 'Choose the model that it leads to.', member: 'target' }
  return {
    body: {
      id, name: d.name.trim(), priority, target: d.target, fallbacks: [...d.fallbacks], only: d.only, on_failure: d.refuse ? 'refuse' : 'skip',
      continue_after_cut: d.continueAfterCut, enabled: d.enabled,
      ...(d.description.trim() ? { description: d.description.trim() } : {}),
      ...(d.by === 'when' ? { when: d.when } : { plugin: d.plugin, ...(config.value === undefined ? {} : { config: config.value }) }),
      ...(d.account ? { account_id: d.account } : {}), ...(d.team ? { team_id: d.team } : {}),
    } as Rule,
  }
}

/** withDraft is all rules of the draft's account as they would be. Rules of other accounts are left out,
 *  as the API wants them. */
export function withDraft(rules: readonly Rule[], draft: Rule): Rule[] {
  const own = rules.filter((r) => (r.account_id ?? '') === (draft.account_id ?? ''))
  const at = own.findIndex((r) => r.id === draft.id)
  const next = at < 0 ? [...own, draft] : own.map((r, i) => (i === at ? draft : r))
  return next.map(writable)
}

/** writable leaves out what only the server sets and what it says of a write. */
export function writable(r: Rule): Rule {
  const { warnings: _w, band: _b, system: _s, created_at: _c, updated_at: _u, ...rest } = r
  return rest as Rule
}

/** isChanged says whether a draft differs from what is stored. */
export const isChanged = (d: Draft, stored: Draft): boolean => JSON.stringify(d) !== JSON.stringify(stored)
