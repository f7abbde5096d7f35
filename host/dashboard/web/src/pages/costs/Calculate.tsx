import { useState } from 'react'
import { decimal, usd } from '../../api/format'
import { useSend, type Data } from '../../api/query'
import { skipWords } from '../../ladder'
import { Button, ButtonRow, Card, DataTable, Failure, Field, Input, ModelName, Money, Note, StatusWord, TextArea, type Column } from '../../ui'
import { readRequest } from '../routing/request'

type Row = NonNullable<Data<'post', '/api/v1/costs/calculate'>['data']>[number]

const whole = (text: string): number | null => (/^\d+$/.test(text.trim()) ? Number(text) : null)

/** Calculate is what a request would cost on each model. */
export function Calculate() {
  const [by, setBy] = useState<'tokens' | 'request'>('tokens')
  const [prompt, setPrompt] = useState('1000')
  const [completion, setCompletion] = useState('500')
  const [cached, setCached] = useState('')
  const [text, setText] = useState('')
  const [wrong, setWrong] = useState('')
  const calculate = useSend('post', '/api/v1/costs/calculate')
  const ask = () => {
    setWrong('')
    if (by === 'tokens') {
      const [p, c, k] = [whole(prompt), completion.trim() === '' ? undefined : whole(completion), cached.trim() === '' ? 0 : whole(cached)]
      if (p === null || c === null || k === null) return setWrong('Tokens are whole numbers.')
      if (k > p) return setWrong('Not more of the input can come from the cache than there is.')
      return calculate.mutate({ body: { tokens: { prompt: p, ...(c === undefined ? {} : { completion: c }), ...(k > 0 ? { cached: k } : {}) } } })
    }
    const read = readRequest(text)
    if ('problem' in read) return setWrong(read.problem)
    calculate.mutate({ body: { request: read.body, wire: read.wire } })
  }
  const rows = calculate.data?.data ?? []
  const cheapest = rows.find((r) => r.cost_nano_usd !== null && r.usable)
  const columns: Column<Row>[] = [
    { key: 'model', title: 'Model', cell: (r) => <><ModelName id={r.model} />{r.substituted && <span className="soft"> by its replacement</span>}</>, by: (r) => r.model, narrow: 'title' },
    { key: 'cost', title: by === 'tokens' && completion.trim() !== '' ? 'Cost' : 'With a usual answer', end: true, cell: (r) => (r.cost_nano_usd === null ? 'no price' : <Money nano={r.cost_nano_usd} />), by: (r) => r.cost_nano_usd },
    { key: 'most', title: 'At most', end: true, cell: (r) => (r.most_nano_usd === null ? '–' : <Money nano={r.most_nano_usd} />), by: (r) => r.most_nano_usd },
    { key: 'price', title: 'Per million in, out', end: true, cell: (r) => (r.price ? `$${r.price.input}, $${r.price.output}` : '–') },
    { key: 'premium', title: 'Premium', end: true, cell: (r) => decimal(r.premium_requests), by: (r) => r.premium_requests },
    { key: 'usable', title: 'Can be asked', cell: (r) => (r.usable ? <StatusWord status="up" word={r === cheapest ? 'Yes, cheapest' : 'Yes'} /> : <span><StatusWord status="unknown" word="No" /> <span className="soft">{r.reason ? `it ${skipWords({ reason: r.reason, ...(r.detail ? { detail: r.detail } : {}) })}` : r.detail}</span></span>) },
  ]
  return (
    <div className="stack">
      <Card title="What would a request cost?" aside="Nothing is sent to a provider.">
        <form className="stack" onSubmit={(e) => { e.preventDefault(); ask() }}>
          <div className="row" role="radiogroup" aria-label="Reckon from">
            <label className="checkbox"><input type="radio" name="reckon" checked={by === 'tokens'} onChange={() => setBy('tokens')} /><span>Tokens</span></label>
            <label className="checkbox"><input type="radio" name="reckon" checked={by === 'request'} onChange={() => setBy('request')} /><span>A request</span></label>
          </div>
          {by === 'tokens' ? (
            <div className="filters">
              <Field label="Tokens in" {...(wrong ? { error: wrong } : {})}>{(f) => <Input {...f} inputMode="numeric" value={prompt} onChange={(e) => setPrompt(e.target.value)} />}</Field>
              <Field label="of them from cache">{(f) => <Input {...f} inputMode="numeric" placeholder="0" value={cached} onChange={(e) => setCached(e.target.value)} />}</Field>
              <Field label="Tokens out">{(f) => <Input {...f} inputMode="numeric" placeholder="a usual answer" value={completion} onChange={(e) => setCompletion(e.target.value)} />}</Field>
            </div>
          ) : <Field label="Request" hint="What a user writes, or the JSON of a request, or a curl command." {...(wrong ? { error: wrong } : {})}>{(f) => <TextArea {...f} rows={4} value={text} spellCheck={false} onChange={(e) => setText(e.target.value)} />}</Field>}
          <ButtonRow><Button kind="primary" type="submit" busy={calculate.isPending}>Calculate</Button></ButtonRow>
        </form>
      </Card>
      <div role="status" className="stack">
        {calculate.error && <Failure error={calculate.error} what="It cannot be reckoned" />}
        {cheapest && <Note kind="good">{cheapest.model} is the cheapest that can be asked: {usd(cheapest.cost_nano_usd)}, {usd((cheapest.cost_nano_usd ?? 0) * 1000)} for 1,000 such requests.</Note>}
      </div>
      {calculate.data && <Card flush title="On each model"><DataTable label="Cost on each model, cheapest first" rows={rows} columns={columns} id={(r) => `${r.model}/${r.provider}`} /></Card>}
    </div>
  )
}
