import { useState } from 'react'
import { useGet, useSend, type Data } from '../../api/query'
import { useCan } from '../../api/session'
import { Ago, Button, Card, Checkbox, Chip, Confirm, Empty, Failure, Field, Input, Loading, Select, toast, useUrlState } from '../../ui'
import { Diff } from './Diff'
import { ruleRoutes } from './rules'

type Version = NonNullable<NonNullable<Data<'get', '/api/v1/rules/versions'>>['data']>[number]

/** History is the versions of the rules: who made each and why, what differs, and the way back. */
export function History({ account }: { account: string }) {
  const [before, setBefore] = useState<number[]>([])
  const [chosen, setChosen] = useUrlState('version')
  const from = before.at(-1)
  const q = useGet('/api/v1/rules/versions', { query: { limit: 25, ...(from ? { before: from } : {}), ...(account ? { account_id: account } : {}) } }, { live: !from, keep: true })
  if (q.error) return <Failure error={q.error} what="The history" retry={() => void q.refetch()} />
  if (!q.data) return <Loading what="The history" rows={6} />
  const rows = q.data.data ?? []
  if (rows.length === 0) return <Empty title="These rules have no history yet.">Every change makes a version.</Empty>
  const newest = !from ? rows[0]?.version : undefined
  return (
    <Card title="Versions of the rules" aside="Kept are the newest 1,000 and those of the last 90 days.">
      <ol className="versions" aria-label="Versions, newest first">
        {rows.map((v) => <Entry key={v.version} v={v} account={account} inForce={v.version === newest} all={rows} open={chosen === String(v.version)} onOpen={(yes) => setChosen(yes ? String(v.version) : '')} />)}
      </ol>
      <div className="row">
        {from !== undefined && <Button small icon="left" onClick={() => setBefore(before.slice(0, -1))}>Newer</Button>}
        {q.data.next ? <Button small onClick={() => setBefore([...before, q.data!.next!])}>Older <span aria-hidden="true">›</span></Button> : null}
      </div>
    </Card>
  )
}

function Entry({ v, account, inForce, all, open, onOpen }: { v: Version; account: string; inForce: boolean; all: readonly Version[]; open: boolean; onOpen: (yes: boolean) => void }) {
  const can = useCan()
  const [against, setAgainst] = useState('0')
  const [asking, setAsking] = useState(false)
  return (
    <li className="card">
      <div className="card-body stack">
        <div className="row spread">
          <span className="row">
            <strong>Version {v.version}</strong>{inForce && <Chip>in force</Chip>}
            <span>{v.note || (v.restores ? `version ${v.restores} brought back` : 'no note')}</span>
          </span>
          <span className="soft">{v.by ? `by ${v.by.split('/').at(-1)} · ` : 'by Pointsman itself · '}<Ago at={v.created_at} /> · {v.count} {v.count === 1 ? 'rule' : 'rules'}</span>
        </div>
        <div className="row">
          <Button small icon="chevron" aria-expanded={open} onClick={() => onOpen(!open)}>{open ? 'Hide' : 'What changed'}<span className="sr"> in version {v.version}</span></Button>
          {!inForce && can('POST', '/api/v1/rules/versions/{version}/restore') && <Button small icon="refresh" onClick={() => setAsking(true)}>Restore<span className="sr"> version {v.version}</span></Button>}
        </div>
        {open && (
          <>
            <Field label="Compared with">
              {(f) => <Select {...f} value={against} onChange={(e) => setAgainst(e.target.value)} options={[{ value: '0', label: 'the version before' }, ...all.filter((o) => o.version !== v.version).map((o) => ({ value: String(o.version), label: `version ${o.version}` }))]} />}
            </Field>
            <Diff version={v.version} to={Number(against)} account={account} />
          </>
        )}
        {asking && <Restore v={v} account={account} onClose={() => setAsking(false)} />}
      </div>
    </li>
  )
}

function Restore({ v, account, onClose }: { v: Version; account: string; onClose: () => void }) {
  const [note, setNote] = useState('')
  const [override, setOverride] = useState(false)
  const restore = useSend('post', '/api/v1/rules/versions/{version}/restore', ruleRoutes)
  const go = () => restore.mutate(
    { path: { version: v.version }, query: account ? { account_id: account } : {}, body: { ...(note ? { note } : {}), ...(override ? { override } : {}) } } as never,
    { onSuccess: () => { toast(`Version ${v.version} is in force again.`); onClose() } },
  )
  const failing = (restore.error?.more.body as { cases?: { id: string; message?: string }[] } | undefined)?.cases ?? []
  return (
    <Confirm title={`Restore version ${v.version}?`} verb="Restore" busy={restore.isPending} onConfirm={go} onClose={onClose}>
      <p>Its {v.count === 1 ? 'one rule replaces' : `${v.count} rules replace`} those in force, as a new version. System rules that it does not have stay as they are.</p>
      <Field label="Note" hint="Why, for the history.">{(f) => <Input {...f} maxLength={512} value={note} onChange={(e) => setNote(e.target.value)} />}</Field>
      {restore.error && <Failure error={restore.error} what="Not restored" />}
      {failing.length > 0 && <ul>{failing.map((c) => <li key={c.id}><code>{c.id}</code> {c.message}</li>)}</ul>}
      {restore.error && restore.error.status !== 409 && <Checkbox label="Restore all the same" hint="Although cases fail or rules are no longer valid. It is audited." checked={override} onChange={(e) => setOverride(e.target.checked)} />}
    </Confirm>
  )
}
