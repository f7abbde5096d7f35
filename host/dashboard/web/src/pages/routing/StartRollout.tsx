import { useState } from 'react'
import { useSend } from '../../api/query'
import { Button, Dialog, Failure, Field, Input, toast } from '../../ui'
import { withDraft } from './draft'
import type { Rule } from './order'

/** StartRollout tries a draft on live traffic. */
export function StartRollout({ rules, draft, onClose, onStarted }: { rules: readonly Rule[]; draft: Rule; onClose: () => void; onStarted: () => void }) {
  const [kind, setKind] = useState<'shadow' | 'canary'>('shadow')
  const [shares, setShares] = useState({ shadow: '100', canary: '10' })
  const share = shares[kind]
  const [note, setNote] = useState('')
  const start = useSend('post', '/api/v1/rollouts', ['/api/v1/rollouts', '/api/v1/rules/graph'])
  const percent = Number(share)
  const wrong = !(percent >= 0.01 && percent <= 100) ? 'A share is 0.01 to 100 %.' : ''
  const begin = () => start.mutate(
    { body: { kind, share: percent, note: note || `draft of ${draft.name}`, rules: withDraft(rules, draft), ...(draft.account_id ? { account_id: draft.account_id } : {}) } as never },
    { onSuccess: () => { toast(kind === 'shadow' ? 'The shadow runs. Nothing changes for callers.' : `The canary runs on ${percent} % of sessions.`); onStarted() } },
  )
  return (
    <Dialog title="Try on live traffic" onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={start.isPending} disabled={wrong !== ''} onClick={begin}>{kind === 'shadow' ? 'Start shadow' : 'Start canary'}</Button></>}>
      <fieldset className="stack">
        <legend className="field-label">How</legend>
        <label className="checkbox"><input type="radio" name="rollout-kind" checked={kind === 'shadow'} onChange={() => setKind('shadow')} /><span>Shadow <span className="field-hint">decides beside the rules in force; nothing comes of it but figures</span></span></label>
        <label className="checkbox"><input type="radio" name="rollout-kind" checked={kind === 'canary'} onChange={() => setKind('canary')} /><span>Canary <span className="field-hint">decides a share of the sessions, and ends by itself when it does worse</span></span></label>
      </fieldset>
      <Field label={kind === 'shadow' ? 'Share of requests that are compared, in %' : 'Share of sessions, in %'} error={wrong || undefined}>{(f) => <Input {...f} type="number" min={0.01} max={100} step="any" value={share} onChange={(e) => setShares({ ...shares, [kind]: e.target.value })} />}</Field>
      <Field label="Note" hint="Why, for the others.">{(f) => <Input {...f} maxLength={512} value={note} onChange={(e) => setNote(e.target.value)} placeholder={`draft of ${draft.name}`} />}</Field>
      {start.error && <Failure error={start.error} what="Not started" />}
    </Dialog>
  )
}
