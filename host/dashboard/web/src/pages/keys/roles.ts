import type { Role } from '../../api/session'
import type { Option } from '../../ui'

const order: readonly Role[] = ['user', 'team_lead', 'account_admin', 'super_admin']

export const roleWords: Record<Role, string> = { user: 'User', team_lead: 'Team lead', account_admin: 'Account admin', super_admin: 'Super admin' }

/** roleWord is a role of the API in words. */
export const roleWord = (role: string): string => roleWords[role as Role] ?? role

/** atLeast says whether a role is another one, or above it. What it does not know is below all. */
export const atLeast = (role: string, least: string): boolean => order.indexOf(role as Role) >= order.indexOf(least as Role) && order.includes(role as Role)

/** rolesToGive are the roles that somebody may give: at most its own, a team lead user alone. */
export function rolesToGive(own: Role): Option[] {
  const most = own === 'team_lead' ? 'user' : own
  return order.filter((r) => atLeast(most, r)).map((r) => ({ value: r, label: roleWords[r] }))
}
