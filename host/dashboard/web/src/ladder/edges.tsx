import type { Edge, EdgeProps } from '@xyflow/react'
import type { Line } from './place'

export type LineEdge = Edge<{ line: Line; lit: boolean; dim: boolean }>

/** LadderEdge follows the points of the layout: solid leads to the model, dotted to the next rule, dashed to a fallback. */
export function LadderEdge({ data }: EdgeProps<LineEdge>) {
  if (!data) return null
  const { line, lit, dim } = data
  const [first, end] = [line.points[0], line.points.at(-1)]
  const before = line.points.at(-2)
  if (!first || !end || !before) return null
  const level = Math.abs(end.x - before.x) > Math.abs(end.y - before.y)
  const d = line.points.map((p, i) => `${i === 0 ? 'M' : 'L'}${p.x} ${p.y}`).join('')
  const tip = level ? `M${end.x - 8} ${end.y - 4.5}L${end.x} ${end.y}L${end.x - 8} ${end.y + 4.5}z` : `M${end.x - 4.5} ${end.y - 8}L${end.x} ${end.y}L${end.x + 4.5} ${end.y - 8}z`
  const word = line.off ? '' : line.kind === 'next' ? (line.from === 'request' ? '' : 'no') : line.kind === 'match' ? (line.from === 'default' ? '' : 'yes') : level ? 'on failure' : ''
  return (
    <g className={`line line-${line.kind}${line.off ? ' line-off' : ''}${lit ? ' line-lit' : ''}${dim ? ' line-dim' : ''}`}>
      <path className="line-path" d={d} />
      <path className="line-tip" d={tip} />
      {word && <text x={level ? (first.x + end.x) / 2 - 4 : first.x + 9} y={level ? first.y - 6 : (first.y + end.y) / 2 + 4} textAnchor={level ? 'middle' : 'start'}>{word}</text>}
    </g>
  )
}
