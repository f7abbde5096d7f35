import { Link } from '@tanstack/react-router'
import { count } from '../../api/format'
import { useGet } from '../../api/query'
import { Ago, Empty, Failure, Icon, Loading, ModelName } from '../../ui'
import { reasonWords, routeOf, type Handoff, type Place } from './session'

/** Handoffs are when a session went to another model or agent, and why. */
export function Handoffs({ of }: { of: Place }) {
  const at = routeOf(of)
  const q = useGet('/api/v1/sessions/{id}/handoffs', { ...at, query: { ...at.query, limit: 200 } }, { live: true })
  if (q.error) return <Failure error={q.error} what="Handoffs" retry={() => void q.refetch()} />
  if (!q.data) return <Loading what="Handoffs" />
  const rows = q.data.data ?? []
  if (rows.length === 0) return <Empty title="It has stayed with one model and agent.">Handoffs are kept for 7 days.</Empty>
  return <ol className="notes" aria-label="Handoffs">{rows.map((h) => <One key={h.id} h={h} />)}</ol>
}

function One({ h }: { h: Handoff }) {
  const agents = h.from_agent !== h.to_agent
  return (
    <li className="session-note">
      <div className="row spread">
        <span className="row"><ModelName id={h.from_model} /><Icon name="right" size={14} /><span className="sr">to</span><ModelName id={h.to_model} /></span>
        <span className="soft"><Ago at={h.created_at} /></span>
      </div>
      {agents && <p>Agent <strong>{h.from_agent || '–'}</strong> to <strong>{h.to_agent || '–'}</strong></p>}
      <p className="soft">Why: {reasonWords(h)}. {h.notes === 1 ? 'One note was' : `${count(h.notes)} notes were`} handed on. {h.request_id && <Link to="/requests" search={{ id: h.request_id } as never}>The request</Link>}</p>
      {h.summary && <p className="session-text">{h.summary}</p>}
    </li>
  )
}
