import { useState } from 'react'
import { moment } from '../../api/format'
import { useSend } from '../../api/query'
import { Button, Dialog, Failure, Field, Input, Note, toast } from '../../ui'
import { modelRoutes, whose, wrongPrice, type Model, type Price } from './model'

const members = [
  ['input', 'Input', 'per million tokens'], ['output', 'Output', 'per million tokens'], ['cached_input', 'Cached input', 'left empty: as input'],
  ['cache_write', 'Cache write', 'left empty: as input'], ['cache_write_1h', 'Cache write, one hour', 'left empty: as cache write'], ['reasoning', 'Reasoning', 'left empty: as output'],
  ['per_image', 'For each image', 'left empty: nothing'], ['per_request', 'For each request', 'left empty: nothing'],
] as const
type Member = (typeof members)[number][0]

/** PriceForm sets what a model costs from a date on, or corrects the price of a date. */
export function PriceForm({ model: m, correct: v, onClose, onSaved }: { model: Model; correct?: Price | undefined; onClose: () => void; onSaved: (from: number) => void }) {
  const [values, setValues] = useState<Record<Member, string>>(() => Object.fromEntries(members.map(([k]) => [k, v?.[k] ?? ''])) as Record<Member, string>)
  const [from, setFrom] = useState('')
  const [source, setSource] = useState(v?.source ?? '')
  const add = useSend('post', '/api/v1/models/{id}/prices', modelRoutes)
  const wrong = (k: Member) => wrongPrice(values[k], k === 'input' || k === 'output')
  const bad = members.some(([k]) => wrong(k) !== '')
  const field = ([k, label, hint]: (typeof members)[number]) => (
    <Field key={k} label={`${label}, US dollars`} hint={hint} error={values[k] !== '' && wrong(k) ? wrong(k) : undefined}>{(f) => <Input {...f} inputMode="decimal" value={values[k]} onChange={(e) => setValues({ ...values, [k]: e.target.value })} />}</Field>
  )
  const save = () => {
    const at = v ? v.from : from ? new Date(from).toISOString() : undefined
    const given = Object.fromEntries(members.flatMap(([k]) => (values[k].trim() ? [[k, values[k].trim()]] : []))) as Partial<Record<Member, string>>
    add.mutate(
      { path: { id: m.id ?? '' }, query: whose(m), body: { ...given, input: values.input.trim(), output: values.output.trim(), ...(at ? { from: at } : {}), ...(source ? { source } : {}), ...(v ? { upstream_id: v.upstream_id, ...(v.tiers ? { tiers: v.tiers } : {}) } : {}) } },
      { onSuccess: (p) => { toast(v ? 'Corrected. It is in force.' : 'Added'); onSaved(Date.parse(p?.from ?? at ?? '')) } },
    )
  }
  return (
    <Dialog title={v ? `Correct the price of ${moment(v.from)}` : `Add a price of ${m.id ?? ''}`} wide onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={add.isPending} disabled={bad} onClick={save}>{v ? 'Correct price' : 'Add price'}</Button></>}>
      {v && <Note>The price of this date is replaced. What was billed already stays as it is, until it is re-rated: you are asked next.</Note>}
      {v?.tiers && v.tiers.length > 0 && <Note>Its {v.tiers.length} {v.tiers.length === 1 ? 'tier' : 'tiers'} for long prompts stay as they are.</Note>}
      <div className="pair">{members.slice(0, 2).map(field)}</div>
      <details open={members.slice(2).some(([k]) => values[k] !== '')}><summary>More: cache, reasoning, images, requests</summary><div className="pair more-prices">{members.slice(2).map(field)}</div></details>
      {!v && <Field label="From" hint="Your time. May be to come, or past. Left empty: now.">{(f) => <Input {...f} type="datetime-local" value={from} onChange={(e) => setFrom(e.target.value)} />}</Field>}
      <Field label="Source" hint="Where the price is from: a page, an invoice.">{(f) => <Input {...f} value={source} maxLength={512} onChange={(e) => setSource(e.target.value)} />}</Field>
      {add.error && <Failure error={add.error} what="Not saved" />}
    </Dialog>
  )
}
