import { timeOf } from '../../api/format'
import type { Data } from '../../api/query'
import type { Role } from '../../api/session'
import type { Level } from './members'

export type Assignment = NonNullable<NonNullable<Data<'get', '/api/v1/assignments'>>['data']>[number]

export const assignmentKey = (a: Assignment): string => `${a.account_id ?? ''}/${a.id ?? ''}`

/** levelsOf are the levels at which somebody may make assignments, its widest first. */
export function levelsOf(role: Role): Level[] {
  switch (role) {
    case 'super_admin': return ['account', 'global', 'team', 'user']
    case 'account_admin': return ['account', 'team', 'user']
    case 'team_lead': return ['team', 'user']
  }
  return ['user']
}

/** mayChange says whether to offer a change. Who binds a person, or a lead's team, decides: the person does not undo it. */
export function mayChange(a: Assignment, who: { role: Role; account: string; team: string; user: string }): boolean {
  if (who.role === 'super_admin') return true
  if (a.level === 'global' || a.level === undefined) return false
  if (who.role === 'account_admin') return true
  const made = a.updated_by === `${who.account}/${who.user}`
  if (a.level === 'user') return a.user_id === who.user ? made : who.role === 'team_lead'
  return who.role === 'team_lead' && a.level === 'team' && a.team_id === who.team && made
}

/** localTime writes a time as an input of type datetime-local takes it, '' for none. */
export function localTime(t: string | undefined): string {
  const ms = timeOf(t)
  if (Number.isNaN(ms)) return ''
  const d = new Date(ms)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}`
}
