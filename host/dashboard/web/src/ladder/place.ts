import { type Mark } from './marks'
import { isDefault, type Graph, type GraphNode, type Rung } from './rungs'
import { elsewhere, stepWords, type Lit } from './trace'

/** A box with its place, in pixels. */
export type Box = { node: GraphNode; x: number; y: number; w: number; h: number; rung: Rung | null }
export type Line = { id: string; from: string; to: string; kind: string; off: boolean; points: { x: number; y: number }[] }
export type Placed = { width: number; height: number; boxes: Box[]; lines: Line[] }

const margin = 24
const footHeight = 30
const lineHeight = 20
const lineLength = 58 // characters of a rule's box
const barPadding = 10

/** footOf is how much a rule's box is higher than the server made it: the server knows of no traffic,
 *  no findings and no decision. */
export function footOf(rung: Rung, marks: readonly Mark[] | undefined, lit: Lit | null): number {
  let lines = 0
  for (const m of marks ?? []) lines += Math.ceil((m.word.length + 4 + m.why.length) / lineLength)
  const step = rung.tried ? lit?.steps.get(rung.key) : undefined
  if (step) lines += Math.ceil((stepWords(rung, step).length + 3) / lineLength) + (lit && elsewhere(rung, lit) ? 1 : 0)
  else if (lit && isDefault(rung)) lines++
  return footHeight + lines * lineHeight
}

/** place takes the server's coordinates and moves each rung down by what those above it have grown. */
export function place(graph: Graph, rungs: readonly Rung[], foot: (r: Rung) => number): Placed {
  const boxes: Box[] = []
  const shifts = new Map<string, number>()
  const bottom = new Map<string, number>()
  let shift = 0
  const request = graph.nodes?.find((n) => n.kind === 'request')
  if (request) {
    boxes.push({ node: request, x: request.x, y: request.y, w: request.w, h: request.h, rung: null })
    bottom.set(request.id, request.y + request.h)
    shifts.set(request.id, 0)
  }
  for (const rung of rungs) {
    const n = rung.node
    const grown = foot(rung)
    const last = isDefault(rung)
    const beside = rung.models.map((m): Box => ({ node: m, x: m.x, y: m.y + shift, w: m.w, h: m.h, rung }))
    const models = Math.max(n.y + n.h, ...rung.models.map((m) => m.y + m.h))
    const h = n.h + grown
    for (const one of [n, ...rung.models]) shifts.set(one.id, shift)
    if (last) {
      // The bar is as wide as the ladder, and behind its models.
      const high = Math.max(h, models - n.y) + 2 * barPadding
      boxes.push({ node: n, x: n.x, y: n.y + shift - barPadding, w: graph.width - 2 * margin + barPadding, h: high, rung })
      bottom.set(n.id, n.y + shift - barPadding + high)
      shift += high - (models - n.y)
    } else {
      boxes.push({ node: n, x: n.x, y: n.y + shift, w: n.w, h, rung })
      bottom.set(n.id, n.y + shift + h)
    }
    boxes.push(...beside)
    if (!last) shift += Math.max(h, models - n.y) - Math.max(n.h, models - n.y)
  }
  const top = new Map(boxes.map((b) => [b.node.id, b.y]))
  const lines = (graph.edges ?? []).map((e): Line => {
    const by = shifts.get(e.to) ?? 0
    const points = (e.points ?? []).map((p) => ({ x: p.x, y: p.y + by }))
    if (e.kind === 'next' && points.length > 1) {
      points[0]!.y = bottom.get(e.from) ?? points[0]!.y
      points.at(-1)!.y = top.get(e.to) ?? points.at(-1)!.y
    }
    return { id: `${e.from}>${e.to}`, from: e.from, to: e.to, kind: e.kind, off: e.off ?? false, points }
  })
  return { width: graph.width, height: graph.height + shift, boxes, lines }
}
