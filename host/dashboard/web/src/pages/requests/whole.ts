import type { Data } from '../../api/query'
import type { Decision } from './tail'

/** A recorded decision with everything it was made from. The API's document leaves out of it what it
 *  has in common with the list's rows. */
export type Whole = Decision & Data<'get', '/api/v1/decisions/{request_id}'>
export type Row = NonNullable<Whole['usage']>[number]
export type Explanation = Data<'post', '/api/v1/route/explain'>

const deciders: Record<string, string> = {
  default: 'the default handler: no rule matched',
  pinned: 'nobody: the request named its model',
  assignment: 'a task assignment, before the rules',
  override: 'an administrator’s override, before the rules',
}

/** deciderWords says who decided: a rule's name, or what decided in place of the rules. */
export function deciderWords(rule: string, rules: readonly { id: string; name?: string }[] | null | undefined): string {
  return deciders[rule] ?? rules?.find((r) => r.id === rule)?.name ?? rule
}
