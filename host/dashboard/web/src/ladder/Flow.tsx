import '@xyflow/react/dist/base.css'
import { ReactFlow, type NodeTypes } from '@xyflow/react'
import { useEffect, useMemo, useRef, useState } from 'react'
import { percent } from '../api/format'
import { LadderEdge, type LineEdge } from './edges'
import { ModelBox, RequestBox, RuleBox, type BoxData, type BoxNode } from './nodes'
import type { Drawing } from './parts'
import { footOf, place } from './place'
import { isDefault, type Graph } from './rungs'
import { shareOf } from './share'
import { stepWords } from './trace'

const nodeTypes: NodeTypes = { request: RequestBox, rule: RuleBox, default: RuleBox, target: ModelBox, fallback: ModelBox }
const edgeTypes = { ladder: LadderEdge }
const still = { x: 0, y: 0 }

/** sentenceOf is a box in words: the server's label, and what is known here besides. */
export function sentenceOf({ node, rung, drawing: d }: BoxData): string {
  let text = node.label
  if (!rung || (node.kind !== 'rule' && node.kind !== 'default')) return text
  const s = shareOf(rung, d.shares)
  if (s) text += ` ${percent(s.share)} of requests in 24 hours.`
  for (const m of d.marks.get(rung.key) ?? []) text += ` ${m.word}: ${m.why}`
  const step = d.lit?.steps.get(rung.key)
  if (step) text += ` In this decision: ${stepWords(rung, step)}`
  else if (d.lit && isDefault(rung) && d.lit.decided === rung.key) text += ' It decided.'
  return text
}

/** Flow is the ladder as a picture, as wide as there is room. It neither moves nor zooms: the page scrolls. */
export default function Flow({ graph, drawing, label }: { graph: Graph; drawing: Drawing; label: string }) {
  const frame = useRef<HTMLDivElement>(null)
  const [room, setRoom] = useState(0)
  useEffect(() => {
    const o = new ResizeObserver((entries) => setRoom(Math.floor(entries[0]?.contentRect.width ?? 0)))
    if (frame.current) o.observe(frame.current)
    return () => o.disconnect()
  }, [])

  const { rungs, marks, lit, bright, onOpen } = drawing
  const placed = useMemo(() => place(graph, rungs, (r) => footOf(r, marks.get(r.key), lit)), [graph, rungs, marks, lit])
  const nodes = useMemo(() => placed.boxes.map((b): BoxNode => {
    const data: BoxData = { node: b.node, rung: b.rung, drawing }
    const ends = (['target', 'source'] as const).map((type) => ({ type, position: (type === 'target' ? 'top' : 'bottom') as never, x: b.w / 2, y: type === 'target' ? 0 : b.h, width: 1, height: 1 }))
    return {
      id: b.node.id, type: b.node.kind, position: { x: b.x, y: b.y }, width: b.w, height: b.h, measured: { width: b.w, height: b.h }, handles: ends, data,
      // A rule's sentence names its models: those are read as text.
      ...(b.node.kind === 'rule' || b.node.kind === 'default' ? { ariaLabel: sentenceOf(data), focusable: true } : { focusable: false }), ariaRole: 'group',
      zIndex: b.node.kind === 'default' ? 0 : 2, className: b.node.kind === 'rule' && onOpen ? 'can-open' : '',
    }
  }), [placed, drawing, onOpen])
  const edges = useMemo(() => placed.lines.map((line): LineEdge => {
    const rung = placed.boxes.find((b) => b.node.id === line.to)?.rung
    return {
      id: line.id, source: line.from, target: line.to, type: 'ladder', focusable: false, ariaLabel: null as never /* none, where '' is xyflow's own */, ariaRole: 'presentation', domAttributes: { 'aria-hidden': true }, // the nodes' sentences say it
      data: { line, lit: lit?.edges.has(line.id) ?? false, dim: line.kind !== 'next' && rung != null && !bright.has(rung.key) }, zIndex: 1,
    }
  }), [placed, lit, bright])

  const zoom = room === 0 ? 1 : Math.min(1.15, room / placed.width)
  const openById = (id: string) => {
    const box = placed.boxes.find((b) => b.node.id === id)
    if (box?.rung && box.node.kind === 'rule') onOpen?.(box.rung)
  }
  return (
    <div
      ref={frame} className="ladder-flow" role="region" aria-label={label} style={{ height: Math.ceil(placed.height * zoom) }}
      onKeyDown={(e) => {
        const t = e.target
        if ((e.key !== 'Enter' && e.key !== ' ') || !(t instanceof HTMLElement) || !t.classList.contains('react-flow__node')) return
        e.preventDefault()
        openById(t.dataset.id ?? '')
      }}
    >
      {room > 0 && (
        <ReactFlow
          nodes={nodes} edges={edges} nodeTypes={nodeTypes} edgeTypes={edgeTypes} viewport={{ ...still, zoom }} onViewportChange={() => undefined}
          minZoom={0.1} nodesDraggable={false} nodesConnectable={false} elementsSelectable={false} edgesFocusable={false}
          panOnDrag={false} panOnScroll={false} zoomOnScroll={false} zoomOnPinch={false} zoomOnDoubleClick={false} preventScrolling={false} autoPanOnNodeFocus={false}
          deleteKeyCode={null} selectionKeyCode={null} multiSelectionKeyCode={null} panActivationKeyCode={null} zoomActivationKeyCode={null}
          proOptions={{ hideAttribution: true }} ariaLabelConfig={{ 'node.a11yDescription.default': onOpen ? 'Enter opens the rule.' : ' ', 'edge.a11yDescription.default': ' ' }}
          onNodeClick={(e, n) => { if (!(e.target as Element).closest('a, button, select, input')) openById(n.id) }}
        />
      )}
    </div>
  )
}
