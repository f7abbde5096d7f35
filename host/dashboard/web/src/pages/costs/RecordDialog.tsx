import { useState } from 'react'
import { useSend } from '../../api/query'
import { Button, Dialog, Failure, Field, Input, ModelPicker, OwnerPicker, toast } from '../../ui'

/** local is a time of now as an input of date and time takes it, in the reader's zone. */
function local(now: number): string {
  const d = new Date(now)
  return new Date(now - d.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

/** RecordDialog puts into the ledger what was spent elsewhere. */
export function RecordDialog({ account, onClose }: { account: string; onClose: () => void }) {
  const [v, setV] = useState({ id: '', provider: '', amount: '', at: local(Date.now()), model: '', user: '' })
  const [tried, setTried] = useState(false)
  const record = useSend('post', '/api/v1/costs/record', ['/api/v1/costs/summary', '/api/v1/costs/daily', '/api/v1/costs/monthly', '/api/v1/costs/top', '/api/v1/costs/projection', '/api/v1/budgets', '/api/v1/usage'])
  const set = (change: Partial<typeof v>) => setV({ ...v, ...change })
  const wrong = {
    id: v.id.trim() === '' ? 'It keeps the same bill from being recorded twice.' : '',
    provider: v.provider.trim() === '' ? 'Who was paid?' : '',
    amount: /^\d+(\.\d{1,9})?$/.test(v.amount.trim()) ? '' : 'Dollars, as 12.50.',
    at: v.at === '' || Number.isNaN(Date.parse(v.at)) ? 'When was it spent?' : '',
  }
  const save = () => {
    setTried(true)
    if (Object.values(wrong).some(Boolean)) return
    record.mutate({ body: {
      id: v.id.trim(), provider: v.provider.trim(), cost_usd: v.amount.trim(), at: new Date(v.at).toISOString(),
      ...(v.model ? { model: v.model } : {}), ...(v.user ? { user_id: v.user } : {}), ...(account ? { account_id: account } : {}),
    } }, { onSuccess: () => { toast('Recorded'); onClose() } })
  }
  const shown = (k: keyof typeof wrong) => (tried && wrong[k] ? { error: wrong[k] } : {})
  return (
    <Dialog title="Record spending from elsewhere" onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={record.isPending} onClick={save}>Record it</Button></>}>
      <form className="stack" onSubmit={(e) => { e.preventDefault(); save() }}>
        <p className="soft">What did not go through the gateway, as an invoice. It counts in sums and budgets, and cannot be taken back.</p>
        <Field label="Your name for it" hint="An invoice’s number: unique in the account." {...shown('id')}>{(f) => <Input {...f} value={v.id} onChange={(e) => set({ id: e.target.value })} />}</Field>
        <div className="budget-two">
          <Field label="Amount in US dollars" {...shown('amount')}>{(f) => <Input {...f} inputMode="decimal" placeholder="12.50" value={v.amount} onChange={(e) => set({ amount: e.target.value })} />}</Field>
          <Field label="When" hint="Within the last 400 days." {...shown('at')}>{(f) => <Input {...f} type="datetime-local" value={v.at} onChange={(e) => set({ at: e.target.value })} />}</Field>
          <Field label="Paid to" hint="The catalogue need not know it." {...shown('provider')}>{(f) => <Input {...f} value={v.provider} onChange={(e) => set({ provider: e.target.value })} />}</Field>
          <Field label="Model" hint="If it was for one.">{(f) => <ModelPicker {...f} value={v.model} clearable placeholder="None" onChange={(model) => set({ model })} />}</Field>
          <Field label="User" hint="If it was for one.">{(f) => <OwnerPicker {...f} kind="user" account={account} placeholder="None" value={v.user} onChange={(user) => set({ user })} />}</Field>
        </div>
        <button type="submit" hidden />
      </form>
      {record.error && <Failure error={record.error} what="Not recorded" />}
    </Dialog>
  )
}
