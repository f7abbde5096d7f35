import type { Data } from '../../api/query'

export type Graph = Data<'get', '/api/v1/rules/graph'>
export type Node = NonNullable<NonNullable<Graph>['nodes']>[number]

/** A rule of the ladder with where it leads. */
export type Rung = { node: Node; target: Node | undefined; fallbacks: Node[] }

/** rungsOf reads a graph as the list it is: rules in the order in which they are tried, then the default handler. */
export function rungsOf(graph: Graph): Rung[] {
  const byId = new Map((graph?.nodes ?? []).map((n) => [n.id, n]))
  const next = (from: string, kind: 'match' | 'fallback') => {
    const to = graph?.edges?.find((e) => e.from === from && e.kind === kind)?.to
    return to === undefined ? undefined : byId.get(to)
  }
  return (graph?.nodes ?? []).filter((n) => n.kind === 'rule' || n.kind === 'default').map((node) => {
    const target = next(node.id, 'match')
    const fallbacks: Node[] = []
    for (let n = target; n && fallbacks.length < 16;) {
      n = next(n.id, 'fallback')
      if (n) fallbacks.push(n)
    }
    return { node, target, fallbacks }
  })
}
