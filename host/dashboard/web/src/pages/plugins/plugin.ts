import type { Data } from '../../api/query'

export type Version = NonNullable<NonNullable<Data<'get', '/api/v1/plugins'>>['data']>[number]
export type Stats = NonNullable<Data<'get', '/api/v1/plugins/{name}/{version}/stats'>>
type Rule = NonNullable<NonNullable<Data<'get', '/api/v1/rules'>>['data']>[number]
type Provider = NonNullable<NonNullable<Data<'get', '/api/v1/providers'>>['data']>[number]

export const pluginRoutes = ['/api/v1/plugins', '/api/v1/plugins/{name}', '/api/v1/plugins/{name}/{version}/stats', '/api/v1/plugins/{name}/{version}/logs', '/api/v1/rules', '/api/v1/rules/graph'] as const

/** Plugin is all versions of a name in one account, '' for everybody's; newest first. */
export type Plugin = { key: string; name: string; account: string; versions: Version[]; active: Version | undefined }

/** pluginsOf groups versions, which the API lists oldest first. */
export function pluginsOf(versions: readonly Version[]): Plugin[] {
  const all = new Map<string, Plugin>()
  for (const v of versions) {
    const key = v.account_id ? `${v.account_id}/${v.name}` : v.name
    const p = all.get(key) ?? { key, name: v.name, account: v.account_id ?? '', versions: [], active: undefined }
    p.versions.unshift(v)
    if (v.active) p.active = v
    all.set(key, p)
  }
  return [...all.values()]
}

/** errorShare is the share of calls that failed, null when there was none. */
export function errorShare(s: Stats | undefined): number | null {
  if (!s || s.calls === 0) return null
  return Object.values(s.failures).reduce((n, f) => n + f, 0) / s.calls
}

/** olderOf is the version that a rollback makes active. */
export function olderOf(p: Plugin): Version | undefined {
  const i = p.versions.findIndex((v) => v.active)
  return i < 0 ? undefined : p.versions[i + 1]
}

/** fuelLimit is what one decision may spend; null for a provider plugin, whose limits are not in its manifest. */
export const fuelLimit = (v: Version): number | null => v.manifest.limits?.fuel ?? null

/** rulesOf are the rules that name a plugin. A rule means its account's own plugin before everybody's. */
export function rulesOf(p: Plugin, all: readonly Plugin[], rules: readonly Rule[]): Rule[] {
  return rules.filter((r) => {
    if (!r.plugin || r.plugin.split('@')[0] !== p.name) return false
    const account = r.account_id ?? ''
    if (p.account !== '') return account === p.account
    return account === '' || !all.some((o) => o.name === p.name && o.account === account)
  })
}

/** providersOf are the providers that a plugin speaks for. */
export const providersOf = (p: Plugin, providers: readonly Provider[]): Provider[] =>
  p.versions.some((v) => v.kind === 'provider') ? providers.filter((x) => x.adapter.split('@')[0] === p.name) : []
