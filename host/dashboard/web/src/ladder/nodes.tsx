import { Handle, Position, type Node, type NodeProps } from '@xyflow/react'
import { Icon } from '../ui'
import { isHatched } from './marks'
import { Condition, Head, holdOf, Marks, Model, Outcome, Share, type Drawing } from './parts'
import { bandOfNode, isDefault, linesOf, type GraphNode, type Rung } from './rungs'
import { percent } from '../api/format'
import { pastRules } from './share'
import { heldIn } from './trace'
import { bands } from '../theme/families'

export type BoxData = { node: GraphNode; rung: Rung | null; drawing: Drawing }
export type BoxNode = Node<BoxData>

// xyflow ties edges to handles; nobody sees or uses them.
const Ends = () => (
  <>
    <Handle type="target" position={Position.Top} isConnectable={false} />
    <Handle type="source" position={Position.Bottom} isConnectable={false} />
  </>
)

export function RequestBox({ data }: NodeProps<BoxNode>) {
  const past = pastRules(data.drawing.shares)
  return (
    <div className={`box box-request${data.drawing.lit ? ' box-lit' : ''}`}>
      <strong>Request</strong>
      {past !== null && past > 0 && <span className="request-note">{percent(past)} of requests name a model or are assigned one, and pass the rules by.</span>}
      <Ends />
    </div>
  )
}

export function RuleBox({ data }: NodeProps<BoxNode>) {
  const { rung, drawing: d } = data
  if (!rung) return null
  const marks = d.marks.get(rung.key)
  const last = isDefault(rung)
  const classes = [
    'box', last ? 'box-default' : 'box-rule', isHatched(marks) && 'rung-hatched', !d.bright.has(rung.key) && 'rung-dim',
    d.lit?.nodes.has(rung.node.id) && 'box-lit', d.lit?.decided === rung.key && 'box-decided', d.open === rung.key && 'rung-open',
  ].filter(Boolean).join(' ')
  return (
    <div className={classes} style={last ? undefined : { borderLeftColor: bands[bandOfNode(rung.node)].colour }}>
      <Head rung={rung} />
      {last || rung.node.plugin ? <Condition rung={rung} /> : <Lines rung={rung} drawing={d} />}
      <Outcome rung={rung} lit={d.lit} />
      <Marks marks={marks} full />
      <div className="rung-foot">
        <Share rung={rung} shares={d.shares} />
        {d.actions && <span className="rung-actions nopan">{d.actions(rung)}</span>}
      </div>
      <Ends />
    </div>
  )
}

/** Lines is the condition as the server broke it, so that it fits the box. */
function Lines({ rung, drawing }: { rung: Rung; drawing: Drawing }) {
  const hold = holdOf(rung, drawing.lit)
  const clauses = linesOf(rung.node)
  let clause = -1
  return (
    <ul className="rung-lines">
      {(rung.node.lines ?? []).map((l, i) => {
        if (i === 0 || l.join) clause++
        const is = hold !== undefined && heldIn(clauses[clause]?.text ?? '', hold.clause)
        return (
          <li key={i} className={is ? (hold?.holds ? 'clause-held' : 'clause-failed') : undefined}>
            {rung.node.join && <span className="rung-join">{l.join}</span>}<code>{l.text}</code>
          </li>
        )
      })}
    </ul>
  )
}

export function ModelBox({ data }: NodeProps<BoxNode>) {
  const { node, rung, drawing: d } = data
  const decided = rung && d.lit?.decided === rung.key
  const skip = decided ? d.lit?.skips.get(node.id) : undefined
  const classes = ['box', 'box-model', node.kind === 'fallback' && 'box-fallback', node.unknown && 'box-missing', rung && !d.bright.has(rung.key) && 'rung-dim', d.lit?.nodes.has(node.id) && 'box-lit', rung && !rung.tried && 'box-off'].filter(Boolean).join(' ')
  return (
    <div className={classes}>
      <Model node={node} rung={rung} />
      {skip && <span className="box-skip"><Icon name="dash" size={12} /> {skip}</span>}
      <Ends />
    </div>
  )
}
