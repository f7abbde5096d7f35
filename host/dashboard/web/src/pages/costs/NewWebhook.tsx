import { useState } from 'react'
import { useSend } from '../../api/query'
import { useSession } from '../../api/session'
import { AccountPicker, Button, CopyButton, Dialog, Failure, Field, Input, Note } from '../../ui'
import type { Webhook } from './Webhooks'

/** eventsOf reads kinds of events, separated by commas or spaces. */
export const eventsOf = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean)

/** NewWebhook makes a webhook and shows its secret, once. */
export function NewWebhook({ account, onClose }: { account: string; onClose: () => void }) {
  const own = useSession().account?.id ?? ''
  const [whose, setWhose] = useState(account || own)
  const [name, setName] = useState('')
  const [url, setUrl] = useState('')
  const [events, setEvents] = useState('budget.')
  const [made, setMade] = useState<Webhook | null>(null)
  const create = useSend('post', '/api/v1/webhooks', ['/api/v1/webhooks'])
  const save = () => create.mutate({ body: { name: name.trim(), url: url.trim(), events: eventsOf(events), ...(whose ? { account_id: whose } : {}) } }, { onSuccess: setMade })
  if (made) return <SecretDialog title="The webhook is made" secret={made.secret ?? ''} onClose={onClose} />
  return (
    <Dialog title="New webhook" onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={create.isPending} disabled={url.trim() === ''} onClick={save}>Create webhook</Button></>}>
      <form className="stack" onSubmit={(e) => { e.preventDefault(); if (url.trim()) save() }}>
        <Field label="Name">{(f) => <Input {...f} value={name} onChange={(e) => setName(e.target.value)} />}</Field>
        <AccountPicker label="Of" hint="An account’s own events come to its own webhooks; the operator’s get what concerns no account." value={whose} onChange={setWhose} all="The operator" />
        <Field label="Address" hint="https, to a host on the public internet.">{(f) => <Input {...f} type="url" placeholder="https://example.com/hook" value={url} onChange={(e) => setUrl(e.target.value)} />}</Field>
        <Field label="Events" hint="Kinds, or beginnings of them that end in a dot, separated by commas. Empty: all.">{(f) => <Input {...f} value={events} onChange={(e) => setEvents(e.target.value)} />}</Field>
        <button type="submit" hidden />
      </form>
      {create.error && <Failure error={create.error} what="Not created" />}
    </Dialog>
  )
}

/** SecretDialog shows a secret that is never shown again. */
export function SecretDialog({ title, secret, onClose }: { title: string; secret: string; onClose: () => void }) {
  return (
    <Dialog title={title} onClose={onClose} actions={<Button kind="primary" onClick={onClose}>I have kept it</Button>}>
      <Note kind="warn">This secret is shown this once. Whoever has it can check that a call is from here.</Note>
      <pre>{secret}</pre>
      <p><CopyButton text={secret} label="Copy the secret" /></p>
    </Dialog>
  )
}
