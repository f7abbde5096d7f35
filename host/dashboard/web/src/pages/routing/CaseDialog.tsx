import { useState } from 'react'
import { useSend } from '../../api/query'
import { Button, CodeEditor, Combobox, Dialog, Failure, Field, Input, ModelPicker, toast } from '../../ui'
import type { Case } from './Cases'
import { slug } from './draft'
import { readRequest } from './request'
import { useRules } from './rules'

const other = ['default', 'pinned', 'assignment', 'override']

/** CaseDialog makes or changes a case. */
export function CaseDialog({ of, account, onClose }: { of: Case | null; account: string; onClose: () => void }) {
  const { rules } = useRules(account)
  const [name, setName] = useState(of?.name ?? of?.id ?? '')
  const [request, setRequest] = useState(of ? JSON.stringify(of.request, null, 2) : '')
  const [given, setGiven] = useState(of?.given ? JSON.stringify(of.given, null, 2) : '')
  const [want, setWant] = useState({ rule: of?.want.rule ?? '', model: of?.want.model ?? '', code: of?.want.code ?? '' })
  const [wrong, setWrong] = useState('')
  const put = useSend('put', '/api/v1/rules/cases/{id}', ['/api/v1/rules/cases'])
  const save = () => {
    const id = of?.id ?? slug(name)
    const read = readRequest(request)
    if (!id) return setWrong('Give the case a name with letters or digits.')
    if ('problem' in read) return setWrong(read.problem)
    if (read.wire !== 'chat') return setWrong('A case is the body of a chat completion.')
    if (!want.rule && !want.model && !want.code) return setWrong('Say what it expects: a rule, a model, or the code of an error.')
    let what: unknown
    try {
      what = given.trim() === '' ? undefined : JSON.parse(given)
    } catch (e) {
      return setWrong(`What is given is no JSON: ${e instanceof Error ? e.message : String(e)}`)
    }
    setWrong('')
    const wanted = Object.fromEntries(Object.entries(want).filter(([, v]) => v !== ''))
    put.mutate(
      { path: { id }, query: account ? { account_id: account } : {}, body: { name, request: read.body, want: wanted, ...(what === undefined ? {} : { given: what }) } } as never,
      { onSuccess: () => { toast('The case is kept.'); onClose() } },
    )
  }
  return (
    <Dialog wide title={of ? `Edit the case “${of.name || of.id}”` : 'New case'} onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" busy={put.isPending} onClick={save}>Save case</Button></>}>
      <Field label="Name" hint={of ? <>Its id is <code>{of.id}</code>.</> : slug(name) && <>Its id will be <code>{slug(name)}</code>.</>}>{(f) => <Input {...f} value={name} maxLength={128} onChange={(e) => setName(e.target.value)} />}</Field>
      <div className="field">
        <span className="field-label" aria-hidden="true">Request</span>
        <CodeEditor label="Request: text, or the JSON of a chat completion" value={request} onChange={setRequest} minLines={5} />
        <p className="field-hint">What a user writes, or the JSON of a chat completion.</p>
      </div>
      <div className="grid-2">
        <Field label="Decided by" hint="Empty: any.">{(f) => <Combobox {...f} clearable free value={want.rule} onChange={(rule) => setWant({ ...want, rule })} placeholder="Any rule" options={[...rules.map((r) => ({ value: r.id ?? '', label: r.name })), ...other.map((o) => ({ value: o, label: o }))]} />}</Field>
        <Field label="Goes to" hint="The first target. Empty: any.">{(f) => <ModelPicker {...f} clearable value={want.model} onChange={(model) => setWant({ ...want, model })} placeholder="Any model" />}</Field>
        <Field label="Or is refused with" hint="The code of the error, as rule_rejected.">{(f) => <Input {...f} value={want.code} maxLength={64} onChange={(e) => setWant({ ...want, code: e.target.value })} />}</Field>
      </div>
      <details open={given !== ''}>
        <summary>What holds beside the request</summary>
        <div className="field">
          <CodeEditor label="Given, JSON" value={given} onChange={setGiven} minLines={2} />
          <p className="field-hint">JSON with user, team, role, key, session, session_model, task, agent, at, down, budget_left, budget_fraction.</p>
        </div>
      </details>
      {wrong && <p className="field-error" role="alert">{wrong}</p>}
      {put.error && <Failure error={put.error} what="Not kept" />}
    </Dialog>
  )
}
