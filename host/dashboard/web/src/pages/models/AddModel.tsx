import { useState } from 'react'
import { useGet, useSend } from '../../api/query'
import { useCan } from '../../api/session'
import { AccountPicker, Button, Combobox, Drawer, Failure, Field, Input, toast } from '../../ui'
import { keyOf, modelRoutes, wrongPrice } from './model'

/** AddModel puts a model of a provider into the catalogue, with its price: without one it is never called. */
export function AddModel({ onClose, onAdded }: { onClose: () => void; onAdded: (key: string) => void }) {
  const can = useCan()
  const [account, setAccount] = useState('')
  const [d, setDraft] = useState({ id: '', provider: '', upstream: '', family: '', context: '', input: '', output: '' })
  const providers = useGet('/api/v1/providers', {}, { enabled: can('GET', '/api/v1/providers'), staleTime: 60_000 })
  const add = useSend('post', '/api/v1/models', modelRoutes)
  const set = (k: keyof typeof d) => (e: React.ChangeEvent<HTMLInputElement>) => setDraft({ ...d, [k]: e.target.value })
  const wrongId = d.id !== '' && !/^[a-z0-9._:-]{1,128}$/.test(d.id) ? 'Use a–z, 0–9, “.”, “_”, “-” and “:”.' : ''
  const wrongContext = d.context !== '' && !/^\d{1,9}$/.test(d.context) ? 'A whole number of tokens.' : ''
  const ready = d.id !== '' && !wrongId && d.provider !== '' && !wrongContext && !wrongPrice(d.input, true) && !wrongPrice(d.output, true)
  const save = () => add.mutate(
    { body: { id: d.id, provider: d.provider, upstream_id: d.upstream || d.id, price: { input: d.input.trim(), output: d.output.trim() }, ...(d.family ? { family: d.family } : {}), ...(d.context ? { context_window: Number(d.context) } : {}), ...(account ? { account_id: account } : {}) } },
    { onSuccess: (m) => { toast(`Added ${d.id}. It is in force.`); onAdded(m ? keyOf(m) : d.id) } },
  )
  const ids = [...new Set((providers.data?.data ?? []).map((p) => p.id ?? ''))]
  return (
    <Drawer title="Add model" onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={add.isPending} disabled={!ready} onClick={save}>Add model</Button></>}>
      <AccountPicker value={account} onChange={setAccount} all="All accounts" />
      <Field label="Id" hint="What callers ask for." error={wrongId || undefined}>{(f) => <Input {...f} value={d.id} spellCheck={false} autoComplete="off" onChange={set('id')} />}</Field>
      <Field label="Provider">{(f) => <Combobox {...f} free value={d.provider} onChange={(provider) => setDraft({ ...d, provider })} placeholder="Choose a provider" options={ids.map((id) => ({ value: id, label: id }))} />}</Field>
      <Field label="The provider’s name for it" hint="Left empty: the id.">{(f) => <Input {...f} value={d.upstream} spellCheck={false} autoComplete="off" onChange={set('upstream')} />}</Field>
      <Field label="Family" hint="GPT, Codex, Claude, Gemini, Raptor or another.">{(f) => <Input {...f} value={d.family} onChange={set('family')} />}</Field>
      <Field label="Context window, tokens" hint="Left empty: unknown." error={wrongContext || undefined}>{(f) => <Input {...f} inputMode="numeric" value={d.context} onChange={set('context')} />}</Field>
      <Field label="Input price, US dollars" hint="Per million tokens. “0” for a server of your own." error={d.input ? wrongPrice(d.input, true) || undefined : undefined}>{(f) => <Input {...f} inputMode="decimal" value={d.input} onChange={set('input')} />}</Field>
      <Field label="Output price, US dollars" hint="Per million tokens." error={d.output ? wrongPrice(d.output, true) || undefined : undefined}>{(f) => <Input {...f} inputMode="decimal" value={d.output} onChange={set('output')} />}</Field>
      {add.error && <Failure error={add.error} what="Not added" />}
    </Drawer>
  )
}
