import { useState } from 'react'
import { etagOf, send, useGet, useSend, type Body } from '../../api/query'
import { asProblem } from '../../api/problem'
import { useCan, useSession } from '../../api/session'
import { AccountPicker, Button, ButtonRow, Checkbox, Combobox, Confirm, Drawer, Failure, Field, Input, Loading, Note, TextArea, toast, toastFailure } from '../../ui'
import { jsonOf, keyOf, providerRoutes, type Provider } from './subject'

type Draft = { id: string; name: string; adapter: string; baseURL: string; keyless: boolean; enabled: boolean; config: string }

const draftOf = (p?: Provider): Draft => ({
  id: p?.id ?? '', name: p?.name ?? '', adapter: p?.adapter ?? '', baseURL: p?.base_url ?? '', keyless: p?.keyless ?? false, enabled: p?.enabled ?? true,
  config: p?.config === undefined || p.config === null ? '' : JSON.stringify(p.config, null, 2),
})

const hints: Record<string, string> = { openai: 'OpenAI, and every server that speaks like it', anthropic: 'Anthropic', google: 'Google Gemini' }

function Members({ draft: d, onChange, fresh }: { draft: Draft; onChange: (d: Draft) => void; fresh: boolean }) {
  const can = useCan()
  const plugins = useGet('/api/v1/plugins', {}, { enabled: can('GET', '/api/v1/plugins'), staleTime: 60_000 })
  const names = [...new Set([...Object.keys(hints), ...(plugins.data?.data ?? []).filter((p) => p.kind === 'provider').map((p) => p.name)])]
  const config = jsonOf(d.config)
  const wrongId = d.id !== '' && !/^[a-z0-9._-]{1,64}$/.test(d.id) ? 'Use a–z, 0–9, “.”, “_” and “-”.' : ''
  return (
    <>
      {fresh && <Field label="Id" hint="As it stands in provider/model." error={wrongId || undefined}>{(f) => <Input {...f} value={d.id} spellCheck={false} autoComplete="off" onChange={(e) => onChange({ ...d, id: e.target.value })} />}</Field>}
      <Field label="Name" hint="For people. Left empty: the id.">{(f) => <Input {...f} value={d.name} maxLength={128} onChange={(e) => onChange({ ...d, name: e.target.value })} />}</Field>
      <Field label="Adapter" hint="The provider plugin that speaks its wire.">
        {(f) => <Combobox {...f} free value={d.adapter} onChange={(adapter) => onChange({ ...d, adapter })} placeholder="Choose an adapter" options={names.map((n) => ({ value: n, label: n, detail: <span>{n} <span className="soft">{hints[n] ?? 'uploaded'}</span></span> }))} />}
      </Field>
      <Field label="Base URL" hint="Scheme, host and path. Left empty: the adapter’s own. An account’s provider must be https and public.">{(f) => <Input {...f} type="url" value={d.baseURL} placeholder="https://api.example.com/v1" onChange={(e) => onChange({ ...d, baseURL: e.target.value })} />}</Field>
      <Checkbox label="Keyless" hint="It is called without a credential when it has none." checked={d.keyless} onChange={(e) => onChange({ ...d, keyless: e.target.checked })} />
      {!fresh && <Checkbox label="Enabled" hint="Disabled, it serves nothing: rules go on to their fallbacks." checked={d.enabled} onChange={(e) => onChange({ ...d, enabled: e.target.checked })} />}
      <Field label="Config, JSON" hint="Quirks of the server, as the adapter’s schema has them. May be empty." error={'wrong' in config ? config.wrong : undefined}>{(f) => <TextArea {...f} mono rows={5} spellCheck={false} value={d.config} onChange={(e) => onChange({ ...d, config: e.target.value })} />}</Field>
    </>
  )
}

/** AddProvider makes a provider, with its first key when one is given. */
export function AddProvider({ onClose, onAdded }: { onClose: () => void; onAdded: (key: string) => void }) {
  const session = useSession()
  const [account, setAccount] = useState('')
  const [draft, setDraft] = useState(draftOf())
  const [secret, setSecret] = useState('')
  const add = useSend('post', '/api/v1/providers', providerRoutes)
  const config = jsonOf(draft.config)
  const ready = /^[a-z0-9._-]{1,64}$/.test(draft.id) && draft.adapter !== '' && 'value' in config
  const save = () => {
    const body = {
      id: draft.id, adapter: draft.adapter, keyless: draft.keyless, ...(draft.name ? { name: draft.name } : {}), ...(draft.baseURL ? { base_url: draft.baseURL } : {}),
      ...('value' in config && config.value !== null ? { config: config.value } : {}), ...(account ? { account_id: account } : {}),
    } as Body<'post', '/api/v1/providers'>
    add.mutate({ body }, {
      onSuccess: async () => {
        const owner = account || (session.role === 'super_admin' ? '' : (session.account?.id ?? ''))
        toast(`Added ${draft.id}. Now create its models.`)
        try {
          if (secret.trim()) await send('post', '/api/v1/providers/{id}/credentials', { path: { id: draft.id }, query: owner ? { account_id: owner } : {}, body: { secret: secret.trim() } })
        } catch (e) {
          toastFailure(e)
        }
        onAdded(keyOf(owner, draft.id))
      },
    })
  }
  return (
    <Drawer title="Add provider" onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={add.isPending} disabled={!ready} onClick={save}>Add provider</Button></>}>
      <AccountPicker value={account} onChange={setAccount} all="All accounts" />
      <Members draft={draft} onChange={setDraft} fresh />
      <Field label="Key" hint="Its first credential: stored encrypted, never shown again. May be added later.">{(f) => <Input {...f} type="password" autoComplete="off" spellCheck={false} value={secret} onChange={(e) => setSecret(e.target.value)} />}</Field>
      {add.error && <Failure error={add.error} what="Not added" />}
    </Drawer>
  )
}

/** EditProvider changes what is stored of a provider, or deletes it. */
export function EditProvider({ id, account, onDeleted }: { id: string; account: string; onDeleted: () => void }) {
  const query = account ? { account_id: account } : {}
  const q = useGet('/api/v1/providers/{id}', { path: { id }, query })
  if (q.error && !q.data) return <Failure error={q.error} what="Settings" retry={() => void q.refetch()} />
  if (!q.data) return <Loading what="Settings" rows={5} />
  return <Edit key={q.data.updated_at} stored={q.data} id={id} query={query} onDeleted={onDeleted} />
}

function Edit({ stored, id, query, onDeleted }: { stored: Provider; id: string; query: { account_id?: string }; onDeleted: () => void }) {
  const can = useCan()
  const [draft, setDraft] = useState(draftOf(stored))
  const [asking, setAsking] = useState(false)
  const save = useSend('patch', '/api/v1/providers/{id}', providerRoutes)
  const remove = useSend('delete', '/api/v1/providers/{id}', ['/api/v1/providers', '/api/v1/health'])
  const config = jsonOf(draft.config)
  const changed = JSON.stringify(draft) !== JSON.stringify(draftOf(stored))
  const go = () => save.mutate(
    { path: { id }, query, ifMatch: etagOf(stored), body: { name: draft.name, adapter: draft.adapter, base_url: draft.baseURL, keyless: draft.keyless, enabled: draft.enabled, config: 'value' in config ? config.value : null } as Body<'patch', '/api/v1/providers/{id}'> },
    { onSuccess: () => toast('Saved. It is in force.') },
  )
  return (
    <div className="stack">
      {stored.enabled === false && <Note kind="warn">This provider is disabled: nothing is sent to it.</Note>}
      <Members draft={draft} onChange={setDraft} fresh={false} />
      {save.error && <Failure error={asProblem(save.error)} what="Not saved" />}
      <ButtonRow>
        <Button kind="primary" busy={save.isPending} disabled={!changed || draft.adapter === '' || 'wrong' in config} onClick={go}>Save</Button>
        {can('DELETE', '/api/v1/providers/{id}') && <Button kind="danger" icon="trash" onClick={() => setAsking(true)}>Delete provider</Button>}
      </ButtonRow>
      {asking && (
        <Confirm title={`Delete ${id}?`} verb="Delete provider" danger typed={id} busy={remove.isPending} onClose={() => setAsking(false)} onConfirm={() => remove.mutate({ path: { id }, query, ifMatch: etagOf(stored) }, { onSuccess: () => { toast(`Deleted ${id}`); onDeleted() } })}>
          <p>Its credentials and prices go with it. It must serve no model. A provider that Pointsman ships comes back when a release changes the catalogue; disabling it lasts.</p>
          {remove.error && <Failure error={remove.error} what="Not deleted" />}
        </Confirm>
      )}
    </div>
  )
}
