import { Link } from '@tanstack/react-router'
import { Icon } from '../ui'
import { isHatched } from './marks'
import { Condition, Head, holdOf, Marks, Model, Outcome, Share, type Drawing } from './parts'
import { defaultKey, isDefault, type Rung } from './rungs'
import { pastRules } from './share'
import { percent } from '../api/format'

/** List is the ladder as a list: the same order, words and figures, for readers and narrow screens. */
export function List(d: Drawing & { label: string; compact?: boolean; /** Rules that are shown; the default handler is always. */ most?: number }) {
  const rules = d.rungs.filter((r) => !isDefault(r))
  const last = d.rungs.find(isDefault)
  const shown = rules.slice(0, d.most ?? rules.length)
  const past = pastRules(d.shares)
  return (
    <ol className={`ladder-list${d.compact ? ' ladder-compact' : ''}`} aria-label={d.label}>
      <li className={`rung-request${d.lit ? ' rung-lit' : ''}`}>
        <span className="request-pill">Request</span>
        <span className="soft">{past ? `${percent(past)} of requests name a model or are assigned one, and pass the rules by.` : 'Requests for the model “auto” go down the rules.'}</span>
      </li>
      {shown.map((r) => <Item key={r.key} {...d} rung={r} />)}
      {shown.length < rules.length && <li className="rung-more"><span className="soft">… {rules.length - shown.length} more {rules.length - shown.length === 1 ? 'rule' : 'rules'}</span></li>}
      {last && <Item key={defaultKey} {...d} rung={last} />}
    </ol>
  )
}

function Item({ rung, compact = false, ...d }: Drawing & { rung: Rung; compact?: boolean }) {
  const marks = d.marks.get(rung.key)
  const lit = d.lit && (d.lit.nodes.has(rung.node.id))
  const decided = d.lit?.decided === rung.key
  const classes = [
    'rung', isDefault(rung) && 'rung-default', isHatched(marks) && 'rung-hatched', !d.bright.has(rung.key) && 'rung-dim',
    lit && 'rung-lit', decided && 'rung-decided', d.open === rung.key && 'rung-open',
  ].filter(Boolean).join(' ')
  const [target, ...fallbacks] = rung.models
  const { node } = rung
  return (
    <li className={classes} data-rule={rung.key}>
      <div className="rung-rule">
        <Head rung={rung}>
          {d.onOpen && (!isDefault(rung))
            ? <button type="button" className="rung-name rung-button" aria-label={`${node.name ?? ''}: open rule ${node.order ? `${node.order}` : 'that is not tried'}`} onClick={() => d.onOpen?.(rung)}>{node.name}</button>
            : compact && !isDefault(rung)
              ? <Link to="/routing" search={{ rule: rung.key }} className="rung-name">{node.name}</Link>
              : <span className="rung-name">{node.name}</span>}
        </Head>
        <Condition rung={rung} {...(compact ? { most: 2 } : {})} hold={holdOf(rung, d.lit)} />
        <Outcome rung={rung} lit={d.lit} />
        <div className="rung-foot">
          <Share rung={rung} shares={d.shares} />
          <Marks marks={marks} full={!compact} />
          {!compact && d.actions && <span className="rung-actions">{d.actions(rung)}</span>}
        </div>
      </div>
      <div className="rung-models">
        {target && <p className={`model-target${d.lit?.nodes.has(target.id) ? ' model-lit' : ''}`}><Icon name="right" size={14} /><span className="sr">Target: </span><Model node={target} rung={rung} note={decided ? d.lit?.skips.get(target.id) : undefined} /></p>}
        {!target && <p className="soft">The plugin names the model.</p>}
        {fallbacks.map((m) => (
          <p key={m.id} className={`model-fallback${d.lit?.nodes.has(m.id) ? ' model-lit' : ''}`}><span className="fallback-line" aria-hidden="true" /><span className="sr">On failure: </span><Model node={m} rung={rung} note={decided ? d.lit?.skips.get(m.id) : undefined} /></p>
        ))}
        {node.only && <p className="soft">Only these: the default handler’s models do not follow.</p>}
      </div>
    </li>
  )
}
