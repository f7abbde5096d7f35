import type { components } from '../api/schema'
import { bands, familyOf, type Band } from '../theme/families'

/** The ladder as the server lays it out: GET /api/v1/rules/graph. */
export type Graph = components['schemas']['Graph']
export type GraphNode = components['schemas']['Node']

/** A rung is a rule, or the default handler, with the models that it leads to. */
export type Rung = {
  node: GraphNode
  /** The target, then the fallbacks; empty for a plugin that has none of its own. */
  models: readonly GraphNode[]
  /** Names the rule among those of all accounts; "default" is the default handler. */
  key: string
  tried: boolean
}

/** keyOfRule names a rule: ids are unique within an account. */
export const keyOfRule = (account: string | undefined, id: string): string => `${account ?? ''}/${id}`
export const defaultKey = 'default'

/** rungsOf takes the graph apart, in the order in which rules are tried; the default handler is last. */
export function rungsOf(graph: Graph): Rung[] {
  const rungs: { node: GraphNode; models: GraphNode[]; key: string; tried: boolean }[] = []
  for (const node of graph.nodes ?? []) {
    if (node.kind === 'rule') rungs.push({ node, models: [], key: keyOfRule(node.account_id, node.rule ?? ''), tried: node.state === 'active' })
    else if (node.kind === 'default') rungs.push({ node, models: [], key: defaultKey, tried: true })
    else if (node.kind !== 'request') rungs.at(-1)?.models.push(node)
  }
  return rungs
}

export const isDefault = (r: Rung): boolean => r.key === defaultKey

/** linesOf is a condition in clauses, each with the word that joins it to the one before. */
export function linesOf(node: GraphNode): { join: string; text: string }[] {
  return (node.clauses ?? []).map((text, i) => ({ join: i > 0 ? (node.join ?? '') : '', text }))
}

/** bandOfNode is the band of a rule's priority, 'low' for one that the server added later. */
export const bandOfNode = (node: GraphNode): Band => (Object.hasOwn(bands, node.band ?? '') ? (node.band as Band) : 'low')

/** whyNotTried says why a rule is passed over for everybody; '' when it is tried. */
export function whyNotTried(node: GraphNode): string {
  switch (node.state) {
    case 'disabled': return 'Switched off.'
    case 'shadowed': return 'Hidden by the account’s rule of the same id.'
    case 'left_out': return 'Left out: the account uses its own rules only.'
  }
  return ''
}

/** ownerOf says whose a rule is, in a word. */
export function ownerOf(node: GraphNode): string {
  if (node.kind !== 'rule') return ''
  if (node.team_id) return `team ${node.team_id}`
  if (node.system) return 'system'
  return node.account_id ? '' : 'global'
}

/** A Filter names what stays bright; empty names are all. */
export type Filter = { band: string; family: string }

/** matches says whether the filter leaves a rung bright. The default handler has no band. */
export function matches(rung: Rung, filter: Filter): boolean {
  if (filter.band !== '' && (isDefault(rung) || bandOfNode(rung.node) !== filter.band)) return false
  return filter.family === '' || rung.models.some((m) => familyKey(m.family) === filter.family)
}

/** familyKey is a family as the filter writes it: a known one by its word, others by their name. */
export function familyKey(name: string | undefined): string {
  const known = familyOf(name)
  return known === 'other' ? (name ?? '').toLowerCase() : known
}
