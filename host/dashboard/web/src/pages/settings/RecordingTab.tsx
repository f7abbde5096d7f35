import { useState } from 'react'
import { count } from '../../api/format'
import { useGet, useSend } from '../../api/query'
import { useCan, useSession } from '../../api/session'
import { AccountPicker, Ago, Button, ButtonRow, Card, Checkbox, Failure, Field, Input, Loading, Note, Select, toast, toastFailure } from '../../ui'
import { bodyOf, draftOf, type Recording } from './recording'

const routes = ['/api/v1/decision-settings'] as const

/** RecordingTab is of which requests the decision is kept, how much of it, and for how long. */
export function RecordingTab({ account, onAccount }: { account: string; onAccount: (account: string) => void }) {
  const q = useGet('/api/v1/decision-settings', { query: account ? { account_id: account } : {} })
  return (
    <Card title="Recorded decisions" aside={<AccountPicker value={account} onChange={onAccount} all="Accounts without settings" />}>
      {q.error ? <Failure error={q.error} what="What is recorded" retry={() => void q.refetch()} /> : !q.data ? <Loading what="What is recorded" /> : <Form key={`${account} ${q.data.updated_at ?? ''} ${String(q.data.own)}`} of={q.data} account={account} />}
    </Card>
  )
}

function Form({ of, account }: { of: Recording; account: string }) {
  const can = useCan()
  const session = useSession()
  const [draft, setDraft] = useState(() => draftOf(of))
  const [wrong, setWrong] = useState('')
  const put = useSend('put', '/api/v1/decision-settings', routes)
  const remove = useSend('delete', '/api/v1/decision-settings', routes)
  const query = account ? { account_id: account } : {}
  const may = can('PUT', '/api/v1/decision-settings')
  const common = session.role === 'super_admin' && account === ''
  const save = () => {
    const read = bodyOf(draft)
    if ('problem' in read) return setWrong(read.problem)
    setWrong('')
    put.mutate({ query, body: read.body }, { onSuccess: () => toast('It holds from the next request on.') })
  }
  return (
    <form className="stack" onSubmit={(e) => { e.preventDefault(); save() }}>
      <p className="soft">
        {of.own ? (common ? 'This holds for accounts without settings of their own.' : 'This is set for the account.') : common ? 'These are the built-in settings.' : 'Nothing is set for the account: this is inherited.'}
        {of.updated_by && <> Last changed by {of.updated_by}, <Ago at={of.updated_at} />.</>}
      </p>
      {(of.dropped ?? 0) > 0 && <Note kind="warn">This process had no room for {count(of.dropped)} records since it began. Record a smaller share.</Note>}
      <fieldset className="fields" disabled={!may}>
        <Field label="Record">{(f) => <Select {...f} value={draft.record} onChange={(e) => setDraft({ ...draft, record: e.target.value as typeof draft.record })} options={[{ value: 'all', label: 'Every request' }, { value: 'sampled', label: 'A share of requests' }, { value: 'none', label: 'None' }]} />}</Field>
        {draft.record === 'sampled' && <Field label="Share in percent" hint="Chosen by the request’s id.">{(f) => <Input {...f} inputMode="decimal" value={draft.share} onChange={(e) => setDraft({ ...draft, share: e.target.value })} />}</Field>}
        <Field label="Keep for days" hint="1 to 90.">{(f) => <Input {...f} inputMode="numeric" value={draft.days} onChange={(e) => setDraft({ ...draft, days: e.target.value })} />}</Field>
      </fieldset>
      {common && !draft.text
        ? <p className="soft">Text is kept only of accounts that turn it on themselves.</p>
        : <Checkbox label="Keep what people wrote" hint="The text that rules see, metadata, and the body up to 64 KiB. The setting “Keep text” of any level above a caller keeps its text out." disabled={!may} checked={draft.text} onChange={(e) => setDraft({ ...draft, text: e.target.checked })} />}
      {wrong && <p className="field-error" role="alert">{wrong}</p>}
      {put.error && <Failure error={put.error} what="Not saved" />}
      {may && (
        <ButtonRow>
          <Button kind="primary" type="submit" busy={put.isPending}>Save</Button>
          {of.own && can('DELETE', '/api/v1/decision-settings') && <Button busy={remove.isPending} onClick={() => remove.mutate({ query }, { onSuccess: () => toast(common ? 'The built-in settings hold again.' : 'The account inherits again.'), onError: toastFailure })}>{common ? 'Back to the built-in ones' : 'Inherit'}</Button>}
        </ButtonRow>
      )}
    </form>
  )
}
