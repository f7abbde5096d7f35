import { useState } from 'react'
import { etagOf, get, useGet, useSend } from '../../api/query'
import { useCan } from '../../api/session'
import { Ago, Button, ButtonRow, Checkbox, Chip, Confirm, DataTable, Dialog, Empty, Failure, Field, Input, Note, StatusWord, toast, toastFailure, type Column } from '../../ui'
import { providerRoutes, statusWord, type Credential, type Subject } from './subject'
import { Switches } from './Switches'
import { TestProvider } from './Trial'

const sources = (c: Credential): string => (c.source === 'stored' ? 'stored here, encrypted' : c.source === 'simulator' ? 'the simulator' : c.source.startsWith('env:') ? `environment variable ${c.source.slice(4)}` : c.source)

/** called is a credential's name; one without is known by the end of its key. */
const called = (c: Credential): string => c.name || (c.source !== 'stored' ? c.id : c.hint ? `…${c.hint}` : c.id)

/** Credentials are the keys that a provider is called with; their texts are never shown. */
export function Credentials({ provider, account, health }: { provider: string; account: string; health: readonly Subject[] }) {
  const can = useCan()
  const query = account ? { account_id: account } : {}
  const q = useGet('/api/v1/providers/{id}/credentials', { path: { id: provider }, query })
  const [doing, setDoing] = useState<{ what: 'add' | 'edit' | 'remove' | 'test'; of?: Credential } | null>(null)
  const rows = q.data?.data ?? []
  const total = rows.filter((c) => c.enabled).reduce((n, c) => n + c.weight, 0)
  const measured = (c: Credential) => health.find((h) => h.kind === 'credential' && h.credential === c.id)
  const close = () => setDoing(null)
  const columns: Column<Credential>[] = [
    {
      key: 'name', title: 'Credential', narrow: 'title', cell: (c) => (
        <div><strong>{called(c)}</strong>{c.name && c.hint && <span className="mono soft"> …{c.hint}</span>}<div className="soft">{sources(c)}</div></div>
      ),
    },
    { key: 'status', title: 'Status', cell: (c) => <span className="row">{c.enabled ? <StatusWord status={statusWord(measured(c))} /> : <Chip kind="hatched">disabled</Chip>}{c.usable === false && <Chip kind="hatched">cannot be decrypted</Chip>}{measured(c)?.switch && <Chip kind="hatched">{measured(c)?.switch}</Chip>}</span> },
    { key: 'weight', title: 'Weight', end: true, cell: (c) => <span className="figure">{c.weight}{c.enabled && total > 0 && <span className="soft"> · {Math.round((c.weight / total) * 100)} %</span>}</span> },
    { key: 'added', title: 'Added', cell: (c) => <Ago at={c.created_at} /> },
    {
      key: 'do', title: 'Actions', cell: (c) => {
        const h = measured(c)
        return (
          <ButtonRow>
            {can('POST', '/api/v1/providers/{id}/test') && <Button small onClick={() => setDoing({ what: 'test', of: c })}>Test<span className="sr"> credential {called(c)}</span></Button>}
            {c.source === 'stored' && can('PATCH', '/api/v1/providers/{id}/credentials/{cid}') && <Button small icon="edit" onClick={() => setDoing({ what: 'edit', of: c })}>Edit<span className="sr"> credential {called(c)}</span></Button>}
            {c.source === 'stored' && can('DELETE', '/api/v1/providers/{id}/credentials/{cid}') && <Button small kind="danger" icon="trash" onClick={() => setDoing({ what: 'remove', of: c })}>Remove<span className="sr"> credential {called(c)}</span></Button>}
            {h && <Switches of={h} small />}
          </ButtonRow>
        )
      },
    },
  ]
  return (
    <>
      {rows.some((c) => c.usable === false) && <Note kind="warn">A credential cannot be decrypted with the encryption keys in force. Edit it and paste its key again.</Note>}
      <DataTable label="Credentials" rows={rows} columns={columns} id={(c) => c.id} loading={q.isPending} error={q.error} retry={() => void q.refetch()} empty={<Empty title="No credentials">Without one the provider is called only if it is keyless.</Empty>} />
      {can('POST', '/api/v1/providers/{id}/credentials') && <ButtonRow><Button icon="plus" onClick={() => setDoing({ what: 'add' })}>Add credential</Button></ButtonRow>}
      {(doing?.what === 'add' || doing?.what === 'edit') && <CredentialForm provider={provider} query={query} of={doing.of} onClose={close} onTest={(of) => setDoing({ what: 'test', of })} />}
      {doing?.what === 'remove' && doing.of && <Remove provider={provider} query={query} of={doing.of} last={rows.length === 1} onClose={close} />}
      {doing?.what === 'test' && doing.of && <TestProvider id={provider} account={account} credential={doing.of.id} called={called(doing.of)} onClose={close} />}
    </>
  )
}

type Where = { provider: string; query: { account_id?: string }; onClose: () => void }

function CredentialForm({ provider, query, of: c, onClose, onTest }: Where & { of: Credential | undefined; onTest: (c: Credential) => void }) {
  const can = useCan()
  const [name, setName] = useState(c?.name ?? '')
  const [secret, setSecret] = useState('')
  const [weight, setWeight] = useState(String(c?.weight ?? 1))
  const [enabled, setEnabled] = useState(c?.enabled ?? true)
  const add = useSend('post', '/api/v1/providers/{id}/credentials', providerRoutes)
  const change = useSend('patch', '/api/v1/providers/{id}/credentials/{cid}', providerRoutes)
  const n = Number(weight)
  const wrong = !(Number.isInteger(n) && n >= 1 && n <= 1_000_000) ? 'A whole number, at least 1.' : ''
  const failure = add.error ?? change.error
  const save = () => {
    if (!c) {
      add.mutate({ path: { id: provider }, query, body: { secret: secret.trim(), weight: n, enabled, ...(name ? { name } : {}) } }, {
        onSuccess: (made) => {
          toast('The credential is in force. Its key is not shown again.')
          if (made && can('POST', '/api/v1/providers/{id}/test')) onTest(made)
          else onClose()
        },
      })
      return
    }
    // The list has no ETag of a row: what the change is made from is read for it.
    void get('/api/v1/providers/{id}/credentials/{cid}', { path: { id: provider, cid: c.id }, query }).then((now) => change.mutate(
      { path: { id: provider, cid: c.id }, query, ifMatch: now && now.updated_at === c.updated_at ? etagOf(now) : '"changed"', body: { name, weight: n, enabled, ...(secret.trim() ? { secret: secret.trim() } : {}) } },
      { onSuccess: () => { toast('Saved'); onClose() } },
    ), toastFailure)
  }
  return (
    <Dialog title={c ? `Edit credential ${called(c)}` : `Add a credential to ${provider}`} onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={add.isPending || change.isPending} disabled={wrong !== '' || (!c && secret.trim() === '')} onClick={save}>{c ? 'Save' : 'Add credential'}</Button></>}>
      <Field label={c ? 'New key' : 'Key'} hint={c ? 'Left empty, the key stays as it is.' : 'It is stored encrypted and never shown again. You are asked to test it next.'}>{(f) => <Input {...f} type="password" autoComplete="off" spellCheck={false} value={secret} onChange={(e) => setSecret(e.target.value)} />}</Field>
      <Field label="Name" hint="For people; may be left out.">{(f) => <Input {...f} value={name} maxLength={128} onChange={(e) => setName(e.target.value)} />}</Field>
      <Field label="Weight" hint="Its share of the traffic, against the other credentials." error={wrong || undefined}>{(f) => <Input {...f} type="number" min={1} value={weight} onChange={(e) => setWeight(e.target.value)} />}</Field>
      <Checkbox label="Enabled" checked={enabled} onChange={(e) => setEnabled(e.target.checked)} />
      {failure && <Failure error={failure} what="Not saved" />}
    </Dialog>
  )
}

function Remove({ provider, query, of: c, last, onClose }: Where & { of: Credential; last: boolean }) {
  const remove = useSend('delete', '/api/v1/providers/{id}/credentials/{cid}', providerRoutes)
  return (
    <Confirm
      title={`Remove credential ${called(c)}?`} verb="Remove credential" danger busy={remove.isPending} onClose={onClose}
      onConfirm={() => remove.mutate({ path: { id: provider, cid: c.id }, query }, { onSuccess: () => { toast('Removed'); onClose() } })}
    >
      <p>Its key is deleted for good.{last && ' It is the only one: the provider cannot be called without it, unless it is keyless.'}</p>
      {remove.error && <Failure error={remove.error} what="Not removed" />}
    </Confirm>
  )
}
