import { useState } from 'react'
import { count, percent } from '../../api/format'
import { useGet, useSend, type Data } from '../../api/query'
import { useCan } from '../../api/session'
import { Ago, Button, ButtonRow, Card, Chip, Confirm, Empty, Facts, Failure, Loading, ModelName, Money, Note, toast, toastFailure } from '../../ui'
import { ruleRoutes } from './rules'

type Rollout = NonNullable<NonNullable<Data<'get', '/api/v1/rollouts'>>['data']>[number]

const statusWords: Record<string, string> = { running: 'runs', promoted: 'promoted', stopped: 'stopped', rolled_back: 'rolled back by its guards' }

/** Rollouts are the drafts that are, or were, tried on live traffic. */
export function Rollouts({ account }: { account: string }) {
  const q = useGet('/api/v1/rollouts', { query: { limit: 20, ...(account ? { account_id: account } : {}) } }, { live: true })
  if (q.error) return <Failure error={q.error} what="Shadows and canaries" retry={() => void q.refetch()} />
  if (!q.data) return <Loading what="Shadows and canaries" rows={4} />
  const rows = q.data.data ?? []
  const running = rows.filter((r) => r.status === 'running')
  const ended = rows.filter((r) => r.status !== 'running')
  return (
    <>
      {running.length === 0 && <Card><Empty title="Nothing is tried on live traffic now.">Change a rule in the ladder and choose “Try on live traffic” in its editor: a shadow compares, a canary decides a share.</Empty></Card>}
      {running.map((r) => <Running key={r.id} r={r} account={account} />)}
      {ended.length > 0 && (
        <Card title="Ended">
          <ul className="changes">
            {ended.map((r) => <li key={r.id} className="row spread"><span><strong>{kindWord(r)}</strong> {r.note} <span className="soft">{statusWords[r.status] ?? r.status}{r.reason ? `: ${r.reason}` : ''}</span></span><span className="soft"><Ago at={r.ended_at ?? r.updated_at} /></span></li>)}
          </ul>
        </Card>
      )}
    </>
  )
}

const kindWord = (r: Rollout): string => (r.kind === 'shadow' ? 'Shadow' : 'Canary')

function Running({ r: listed, account }: { r: Rollout; account: string }) {
  const can = useCan()
  const path = { path: { id: listed.id }, query: account ? { account_id: account } : {} }
  const q = useGet('/api/v1/rollouts/{id}', path as never, { live: true })
  const routes = ['/api/v1/rollouts', '/api/v1/rollouts/{id}', ...ruleRoutes] as const
  const stop = useSend('post', '/api/v1/rollouts/{id}/stop', routes)
  const promote = useSend('post', '/api/v1/rollouts/{id}/promote', routes)
  const [asking, setAsking] = useState(false)
  const r = q.data ?? listed
  const s = r.stats
  return (
    <Card title={`${kindWord(r)}: ${r.note || (r.plugin ? `plugin ${r.plugin} ${r.plugin_version ?? ''}` : 'draft rules')}`} aside={<>{r.by && <span>by {r.by.split('/').at(-1)}</span>}<Ago at={r.created_at} /><Chip kind="hatched">{r.kind === 'canary' ? `${r.share} % of sessions` : `${r.share} % compared`}</Chip></>}>
      <div className="stack">
        {q.error && <Failure error={q.error} what="Its figures" />}
        {!s && !q.error && <Loading what="Its figures" />}
        {s && r.kind === 'shadow' && <Shadow s={s} />}
        {s && r.kind === 'canary' && <Canary s={s} />}
        <ButtonRow>
          {can('POST', '/api/v1/rollouts/{id}/promote') && <Button kind="primary" onClick={() => setAsking(true)}>Promote</Button>}
          {can('POST', '/api/v1/rollouts/{id}/stop') && <Button busy={stop.isPending} onClick={() => stop.mutate({ ...path, body: {} } as never, { onSuccess: () => toast(`The ${r.kind} has ended; the rules in force decide everything.`), onError: toastFailure })}>Stop</Button>}
        </ButtonRow>
      </div>
      {asking && (
        <Confirm
          title={`Put the draft of this ${r.kind} in force?`} verb="Promote" busy={promote.isPending} onClose={() => setAsking(false)}
          onConfirm={() => promote.mutate(path as never, { onSuccess: () => { toast('The draft is in force.'); setAsking(false) }, onError: (e) => { toastFailure(e); setAsking(false) } })}
        ><p>It replaces the rules in force, as a new version of them. It is refused when they have changed since the draft was made.</p></Confirm>
      )}
    </Card>
  )
}

type Stats = NonNullable<Rollout['stats']>

function Shadow({ s }: { s: Stats }) {
  if (s.compared === 0) return <Note>Nothing was compared yet: it waits for requests.{s.undecided > 0 && ` ${count(s.undecided)} could not be decided again.`}</Note>
  return (
    <>
      <Facts items={[
        ['Agrees with the rules in force', <span key="a"><strong>{percent(s.agreed / s.compared)}</strong> <span className="soft">{count(s.agreed)} of {count(s.compared)} requests</span></span>],
        ['Cost of those requests', <span key="c"><Money nano={s.cost_was_nano_usd} /> <span className="soft">would be</span> <Money nano={s.cost_now_nano_usd} /></span>],
        ['Rules that failed', count(s.faults)], ['Not decidable', count(s.undecided)], ['Not compared', count(s.dropped)],
      ]} />
      {(s.moves?.length ?? 0) > 0 && (
        <table className="table table-small">
          <caption className="sr">Requests that would go elsewhere</caption>
          <thead><tr><th scope="col">From</th><th scope="col">To</th><th scope="col" className="end">Requests</th><th scope="col" className="end">Cost</th></tr></thead>
          <tbody>{(s.moves ?? []).map((m, i) => <tr key={i}><td>{m.from ? <ModelName id={m.from} /> : 'none'}</td><td>{m.to ? <ModelName id={m.to} /> : 'none'}</td><td className="end">{count(m.requests)}</td><td className="end"><Money nano={m.cost_delta_nano_usd} /></td></tr>)}</tbody>
        </table>
      )}
    </>
  )
}

function Canary({ s }: { s: Stats }) {
  const side = (name: string, of: Stats['live']) => (
    <tr><th scope="row">{name}</th>{of && of.requests > 0
      ? <><td className="end">{count(of.requests)}</td><td className="end">{percent(of.errors / of.requests)}</td><td className="end">{percent(of.faults / of.requests)}</td><td className="end"><Money nano={Math.round(of.cost_nano_usd / of.requests)} /></td><td className="end">{of.latency_p95_ms > 0 ? `${Math.round(of.latency_p95_ms)} ms` : '–'}</td></>
      : <td colSpan={5} className="soft">no requests yet</td>}</tr>
  )
  return (
    <div className="table-frame">
      <table className="table table-small">
        <caption className="sr">The draft beside the rules in force, within the window of its guards</caption>
        <thead><tr><th scope="col">Side</th><th scope="col" className="end">Requests</th><th scope="col" className="end">Errors</th><th scope="col" className="end">Rule faults</th><th scope="col" className="end">Cost each</th><th scope="col" className="end">p95</th></tr></thead>
        <tbody>{side('In force', s.live)}{side('Draft', s.draft)}</tbody>
      </table>
    </div>
  )
}
