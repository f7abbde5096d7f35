import type { components } from '../../api/schema'

export type Rule = components['schemas']['Rule']

const maxPriority = 10_000
export const defaultPriority = 50
export const priorityOf = (r: Rule): number => r.priority ?? defaultPriority

/** before is the order in which the engine tries rules: by priority, then an account's own, then the older. */
export function before(a: Rule, b: Rule): number {
  const global = (r: Rule) => (r.account_id ? 0 : 1)
  return priorityOf(b) - priorityOf(a) || global(a) - global(b) || Date.parse(a.created_at ?? '') - Date.parse(b.created_at ?? '') || ((a.id ?? '') < (b.id ?? '') ? -1 : 1)
}

export type Move = { changes: { rule: Rule; priority: number }[] } | { problem: string }

/** moveTo finds the priorities that bring a rule to a place, from 1, among all rules in their order.
 *  It takes the one nearest to what the rule has; where none fits between its new neighbours, the
 *  rules above make room, if they may be changed. */
export function moveTo(rules: readonly Rule[], moved: Rule, place: number, mayChange: (r: Rule) => boolean): Move {
  const others = rules.filter((r) => r !== moved)
  const above = others[place - 2]
  const below = others[place - 1]
  const fits = (p: number) => {
    const at = { ...moved, priority: p }
    return (!above || before(above, at) < 0) && (!below || before(at, below) < 0)
  }
  const from = below ? priorityOf(below) : 0
  const to = above ? priorityOf(above) : maxPriority
  let best: number | null = null
  for (const p of [priorityOf(moved), from, from + 1, to - 1, to]) {
    if (p < 0 || p > maxPriority || !fits(p)) continue
    if (best === null || Math.abs(p - priorityOf(moved)) < Math.abs(best - priorityOf(moved))) best = p
  }
  // Without a rule above there is no need to go to the end of the scale.
  if (!above && below && (best === null || best > from + 1) && !fits(priorityOf(moved)) && fits(from + 1)) best = from + 1
  if (best !== null) return { changes: best === priorityOf(moved) ? [] : [{ rule: moved, priority: best }] }

  // No whole number is between the neighbours: those above are raised, as few as will do.
  let need = (below ? priorityOf(below) : 0) + 1
  const changes = [{ rule: moved, priority: need }]
  for (let i = place - 2; i >= 0 && priorityOf(others[i]!) <= need; i--) {
    need++
    if (!mayChange(others[i]!)) return { problem: `No priority is left before “${below?.name ?? ''}”, and “${others[i]!.name}” above cannot be changed with this key.` }
    changes.push({ rule: others[i]!, priority: need })
  }
  if (need > maxPriority) return { problem: `There is no room: priorities end at ${maxPriority}.` }
  return { changes }
}
