import { useState } from 'react'
import { usd } from '../../api/format'
import { useSend } from '../../api/query'
import { useCan } from '../../api/session'
import { Button, Checkbox, Confirm, Failure, Field, Input, Note, Progress, toast } from '../../ui'
import { useManaged } from './managed'
import { addressOf, healthRoutes, nameOf, type Subject } from './subject'

type Verb = 'drain' | 'disable' | 'enable'
const verbs: Record<Verb, { title: string; done: string; what: string }> = {
  drain: { title: 'Drain', done: 'is drained', what: 'No new request is sent to it. It is still probed and judged, and requests under way end as they would.' },
  disable: { title: 'Disable', done: 'is disabled', what: 'It is neither asked nor probed, until somebody enables it. Rules that name it go on to their fallbacks.' },
  enable: { title: 'Enable', done: 'is enabled', what: 'Drain and disable end: requests are sent to it again as its health allows.' },
}

/** Switches are what an administrator may do with a provider, a model of it or a credential. */
export function Switches({ of: s, small = false }: { of: Subject; small?: boolean }) {
  const can = useCan()
  const managed = useManaged()
  const [asking, setAsking] = useState<Verb | 'probe' | null>(null)
  if (!managed(s.account_id)) return null
  const name = nameOf(s)
  const offered: Verb[] = s.switch === 'disabled' ? ['enable'] : s.switch === 'drained' ? ['enable', 'disable'] : ['drain', 'disable']
  return (
    <>
      {can('POST', '/api/v1/health/{id}/probe') && s.switch !== 'disabled' && <Button small={small} icon="bolt" onClick={() => setAsking('probe')}>Probe now<span className="sr"> {name}</span></Button>}
      {offered.filter((v) => can('POST', `/api/v1/health/{id}/${v}`)).map((v) => <Button key={v} small={small} kind={v === 'disable' ? 'danger' : 'plain'} onClick={() => setAsking(v)}>{verbs[v].title}<span className="sr"> {name}</span></Button>)}
      {asking === 'probe' && <Probe of={s} onClose={() => setAsking(null)} />}
      {asking && asking !== 'probe' && <Switch of={s} verb={asking} onClose={() => setAsking(null)} />}
    </>
  )
}

function Switch({ of: s, verb, onClose }: { of: Subject; verb: Verb; onClose: () => void }) {
  const [note, setNote] = useState('')
  const drain = useSend('post', '/api/v1/health/{id}/drain', healthRoutes)
  const disable = useSend('post', '/api/v1/health/{id}/disable', healthRoutes)
  const enable = useSend('post', '/api/v1/health/{id}/enable', healthRoutes)
  const send = { drain, disable, enable }[verb]
  const name = nameOf(s)
  const go = () => send.mutate({ ...addressOf(s), body: note ? { note } : {} }, { onSuccess: () => { toast(`${name} ${verbs[verb].done}. In force on every replica within two seconds.`); onClose() } })
  return (
    <Confirm title={`${verbs[verb].title} ${s.kind} ${name}?`} verb={verbs[verb].title} danger={verb === 'disable'} busy={send.isPending} onConfirm={go} onClose={onClose}>
      <p>{verbs[verb].what}</p>
      <Field label="Note" hint="Why, for other administrators.">{(f) => <Input {...f} value={note} maxLength={256} onChange={(e) => setNote(e.target.value)} />}</Field>
      {send.error && <Failure error={send.error} what="Not done" />}
    </Confirm>
  )
}

function Probe({ of: s, onClose }: { of: Subject; onClose: () => void }) {
  const [paid, setPaid] = useState(false)
  const probe = useSend('post', '/api/v1/health/{id}/probe', healthRoutes)
  const name = nameOf(s)
  const { path, query } = addressOf(s)
  const go = () => probe.mutate({ path, query: { ...query, ...(paid ? { paid } : {}) } })
  const found = probe.data?.data ?? []
  return (
    <Confirm title={`Probe ${s.kind} ${name} now?`} verb={probe.data ? 'Probe again' : 'Probe now'} busy={probe.isPending} onConfirm={go} onClose={onClose}>
      <p>The provider is asked for its list of models, with each credential. That costs nothing; what is found counts as a probe.</p>
      {s.paid_probe?.enabled && <Checkbox label="Also make the paid calls that are configured" hint="They cost money, and stay under their daily cap." checked={paid} onChange={(e) => setPaid(e.target.checked)} />}
      {probe.isPending && <Progress label="Probing. It takes half a minute at most." />}
      {probe.error && <Failure error={probe.error} what="Not probed" />}
      <div role="status" className="stack">
        {probe.data && found.length === 0 && <Note>There is no free request to this provider: only a test, or a paid probe, can tell.</Note>}
        {found.map((f, i) => (
          <Note key={i} kind={f.check.ok && !f.check.warning ? 'good' : 'warn'}>
            <p><strong>{f.credential ?? f.upstream_id ?? f.provider}</strong> {f.check.ok ? 'answered.' : (f.check.error ?? 'failed.')}{f.cost_nano_usd ? ` It cost ${usd(f.cost_nano_usd)}.` : ''}</p>
            {f.check.warning && <p>{f.check.warning}</p>}
          </Note>
        ))}
      </div>
    </Confirm>
  )
}
