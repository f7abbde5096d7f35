import { useMutation } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import type { Problem } from '../../api/problem'
import { send, useGet, type Body, type Data } from '../../api/query'
import { useCan, useSession } from '../../api/session'
import { ago } from '../../api/format'
import { Button, ButtonRow, Card, Combobox, Failure, Field, IconButton, Input, ModelPicker, Select, TextArea, useUrlState } from '../../ui'
import { nothingAssumed, readRequest, whatIfOf, type Assumed, type Wire } from './request'
import { Result } from './Result'

export type Explanation = Data<'post', '/api/v1/route/explain'>
type Explain = Body<'post', '/api/v1/route/explain'>

const wires: { value: Wire | ''; label: string }[] = [
  { value: '', label: 'as it looks' }, { value: 'chat', label: '/v1/chat/completions' }, { value: 'messages', label: '/v1/messages' },
  { value: 'responses', label: '/v1/responses' }, { value: 'embeddings', label: '/v1/embeddings' },
]

type Props = { account: string; told: Explanation | null; onTold: (e: Explanation | null) => void }

/** TryBox asks where a request would go. Nothing is sent to a provider and nothing is counted. */
export function TryBox({ account, told, onTold }: Props) {
  const can = useCan()
  const [recorded, setRecorded] = useUrlState('request')
  const [by, setBy] = useState<'text' | 'recorded'>(recorded ? 'recorded' : 'text')
  const [text, setText] = useState('')
  const [wire, setWire] = useState<Wire | ''>('')
  const [assumed, setAssumed] = useState<Assumed>(nothingAssumed)
  const [version, setVersion] = useState('')
  const [wrong, setWrong] = useState('')
  const explain = useMutation<Explanation, Problem, Explain>({
    mutationFn: (body) => send('post', '/api/v1/route/explain', { body }),
    onSuccess: onTold,
    onError: () => onTold(null),
  })

  const ask = (id = recorded) => {
    setWrong('')
    const base = whatIfOf(assumed)
    const what = version ? { ...base, version: Number(version) } : base
    const rest = { ...(account ? { account_id: account } : {}), ...(what ? { what_if: what } : {}) }
    if (by === 'recorded') {
      if (!id) return setWrong('Choose a request, or paste its id.')
      return explain.mutate({ request_id: id, ...rest })
    }
    const read = readRequest(text, wire)
    if ('problem' in read) return setWrong(read.problem)
    explain.mutate({ request: read.body, wire: read.wire, ...rest })
  }
  // A link that names a request shows its path at once.
  const first = useRef(true)
  useEffect(() => {
    if (first.current && recorded) ask(recorded)
    first.current = false
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [])
  const clear = () => {
    onTold(null)
    explain.reset()
    setWrong('')
    if (recorded) setRecorded('')
  }

  return (
    <Card title="Try a request" aside="Nothing is sent to a provider, and nothing is counted.">
      <form className="stack" onSubmit={(e) => { e.preventDefault(); ask() }}>
        <div className="row" role="radiogroup" aria-label="What to try">
          <label className="checkbox"><input type="radio" name="try-by" checked={by === 'text'} onChange={() => setBy('text')} /><span>Text or JSON</span></label>
          {can('GET', '/api/v1/decisions') && <label className="checkbox"><input type="radio" name="try-by" checked={by === 'recorded'} onChange={() => setBy('recorded')} /><span>A recorded request</span></label>}
        </div>
        {by === 'text'
          ? (
            <Field label="Request" hint="What a user writes, or the JSON of a request, or a curl command." error={wrong || undefined}>
              {(f) => <TextArea {...f} rows={3} mono={/^\s*(\{|curl\s)/.test(text)} value={text} onChange={(e) => setText(e.target.value)} onKeyDown={(e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) ask() }} placeholder="Explain why the sky is blue." spellCheck={false} />}
            </Field>
          )
          : <Recorded account={account} value={recorded} onChange={setRecorded} wrong={wrong} />}
        <WhatIf assumed={assumed} onChange={setAssumed} version={version} onVersion={setVersion} wire={by === 'text' ? wire : undefined} onWire={setWire} account={account} />
        <ButtonRow>
          <Button kind="primary" type="submit" busy={explain.isPending}>Show the route</Button>
          {(told || explain.error) && <Button onClick={clear}>Clear</Button>}
        </ButtonRow>
      </form>
      <p className="sr" role="status">{told ? `${told.error_message ? 'It is refused' : `It goes to ${told.candidates?.find((c) => !c.skip)?.model ?? 'no model'}`}, decided by ${told.rule}.` : ''}</p>
      {explain.error && <Failure error={explain.error} what="The request cannot be decided" />}
      {told && <Result told={told} assumed={explain.variables?.what_if !== undefined} />}
    </Card>
  )
}

function Recorded({ account, value, onChange, wrong }: { account: string; value: string; onChange: (id: string) => void; wrong: string }) {
  const q = useGet('/api/v1/decisions', { query: { limit: 50, ...(account ? { account_id: account } : {}) } }, { live: true })
  const options = (q.data?.data ?? []).map((d) => ({
    value: d.request_id, label: d.request_id, group: `${d.asked} ${d.rule} ${d.model ?? ''}`,
    detail: <span>{ago(d.at)} · asked {d.asked} · {d.rule} → {d.model ?? d.code ?? 'nothing'} <span className="soft mono">{d.request_id}</span></span>,
  }))
  return (
    <Field label="Recorded request" hint="One of the last 50, or paste an id: x-request-id of an answer." error={wrong || (q.error ? q.error.message : undefined)}>
      {(f) => <Combobox {...f} options={options} value={value} onChange={onChange} free clearable placeholder="Choose a request" />}
    </Field>
  )
}

type WhatIfProps = {
  assumed: Assumed; onChange: (a: Assumed) => void; version: string; onVersion: (v: string) => void
  wire: Wire | '' | undefined; onWire: (w: Wire | '') => void; account: string
}

function WhatIf({ assumed, onChange, version, onVersion, wire, onWire, account }: WhatIfProps) {
  const can = useCan()
  // Requests are decided for an account: versions of the global rules alone cannot be assumed.
  const session = useSession()
  const versioned = can('GET', '/api/v1/rules/versions') && (account !== '' || session.role !== 'super_admin')
  const versions = useGet('/api/v1/rules/versions', { query: { limit: 50, ...(account ? { account_id: account } : {}) } }, { enabled: versioned, live: true })
  const said = [
    assumed.down.length > 0 && `${assumed.down.join(', ')} down`, assumed.used !== '' && `budget at ${assumed.used} %`,
    assumed.sessionModel && `last turn by ${assumed.sessionModel}`, version && `rules of version ${version}`,
  ].filter(Boolean)
  return (
    <details className="what-if">
      <summary>What if … {said.length > 0 && <span className="soft">{said.join(' · ')}</span>}</summary>
      <div className="what-if-fields">
        <div className="field">
          <Field label="These models were down" hint="As many as you like.">
            {(f) => <ModelPicker {...f} value="" placeholder="Add a model" onChange={(id) => { if (id && !assumed.down.includes(id)) onChange({ ...assumed, down: [...assumed.down, id] }) }} />}
          </Field>
          {assumed.down.length > 0 && (
            <ul className="row">
              {assumed.down.map((id) => <li key={id} className="row"><span>{id}</span><IconButton icon="close" label={`${id} is not down`} onClick={() => onChange({ ...assumed, down: assumed.down.filter((d) => d !== id) })} /></li>)}
            </ul>
          )}
        </div>
        <Field label="Used of the budget, in %" hint="Empty: what it is.">
          {(f) => <Input {...f} type="number" min={0} max={100} step="any" inputMode="decimal" value={assumed.used} onChange={(e) => onChange({ ...assumed, used: e.target.value })} />}
        </Field>
        <Field label="The last turn was served by" hint="Empty: as it is.">
          {(f) => <ModelPicker {...f} clearable value={assumed.sessionModel} placeholder="As it is" onChange={(id) => onChange({ ...assumed, sessionModel: id })} />}
        </Field>
        {(versions.data?.data?.length ?? 0) > 0 && (
          <Field label="The rules were those of">
            {(f) => <Select {...f} value={version} onChange={(e) => onVersion(e.target.value)} options={[{ value: '', label: 'now' }, ...(versions.data?.data ?? []).map((v) => ({ value: String(v.version), label: `version ${v.version}${v.note ? `: ${v.note}` : ''}` }))]} />}
          </Field>
        )}
        {wire !== undefined && (
          <Field label="The JSON is written for">
            {(f) => <Select {...f} value={wire} onChange={(e) => onWire(e.target.value as Wire | '')} options={wires} />}
          </Field>
        )}
      </div>
    </details>
  )
}

