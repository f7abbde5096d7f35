import { useState } from 'react'
import { count, usd } from '../../api/format'
import { asProblem, type Problem } from '../../api/problem'
import { queries, send } from '../../api/query'
import { Button, Dialog, Failure, Field, Input, Note, Progress, toast } from '../../ui'
import { addRatings, localOf, whose, type Model, type Rating } from './model'

/** Rerate rates past attempts at the prices known now: it looks first, and writes when that is confirmed. */
export function Rerate({ model: m, from: start, onClose }: { model: Model; from: number; onClose: () => void }) {
  const [from, setFrom] = useState(localOf(start))
  const [to, setTo] = useState(localOf(Date.now()))
  const [busy, setBusy] = useState<'look' | 'write' | null>(null)
  const [sum, setSum] = useState<Rating | null>(null)
  const [looked, setLooked] = useState(false)
  const [error, setError] = useState<Problem | null>(null)
  const wrong = from === '' || to === '' ? 'Both are needed.' : from >= to ? 'The end is after the begin.' : ''
  const run = async (dry: boolean) => {
    setBusy(dry ? 'look' : 'write')
    setError(null)
    setSum(null)
    setLooked(false)
    let all: Rating | null = null
    try {
      for (let after = ''; ;) {
        const r: Rating | undefined = await send('post', '/api/v1/models/{id}/prices/rerate', {
          path: { id: m.id ?? '' }, query: whose(m), body: { from: new Date(from).toISOString(), to: new Date(to).toISOString(), dry_run: dry, ...(after ? { after } : {}) },
        })
        if (!r) break
        all = addRatings(all, r)
        setSum(all)
        if (!r.next) break
        after = r.next
      }
      if (dry) setLooked(true)
      else {
        toast(`${count(all?.changed)} rows were corrected.`)
        for (const p of ['/api/v1/costs/summary', '/api/v1/usage']) void queries.invalidateQueries({ queryKey: [p] })
        onClose()
      }
    } catch (e) {
      setError(asProblem(e))
    } finally {
      setBusy(null)
    }
  }
  const change = (set: (v: string) => void) => (e: React.ChangeEvent<HTMLInputElement>) => { set(e.target.value); setLooked(false); setSum(null) }
  return (
    <Dialog
      title={`Re-rate past requests of ${m.id ?? ''}`} onClose={onClose}
      actions={<>
        <Button onClick={onClose}>Leave as billed</Button>
        {looked && (sum?.changed ?? 0) > 0
          ? <Button kind="danger" busy={busy === 'write'} onClick={() => void run(false)}>Correct {count(sum?.changed)} rows</Button>
          : <Button kind="primary" busy={busy !== null} disabled={wrong !== ''} onClick={() => void run(true)}>Look what would change</Button>}
      </>}
    >
      <p>Attempts of this time are rated again at the prices known now. What was billed otherwise is corrected by rows of the kind “correction”; doing it again changes nothing.</p>
      <div className="pair">
        <Field label="From" error={wrong || undefined}>{(f) => <Input {...f} type="datetime-local" value={from} onChange={change(setFrom)} />}</Field>
        <Field label="To">{(f) => <Input {...f} type="datetime-local" value={to} onChange={change(setTo)} />}</Field>
      </div>
      {busy && <Progress label={`${busy === 'look' ? 'Looking' : 'Correcting'}: ${count(sum?.rows ?? 0)} attempts so far`} />}
      {error && <Failure error={error} what={sum && sum.changed > 0 && busy !== 'look' && !looked ? 'Ended early; what was corrected stays. Doing it again goes on' : 'Not done'} />}
      <div role="status">
        {looked && sum && (
          <Note kind={sum.changed > 0 ? 'warn' : 'good'}>
            <p>{sum.changed === 0 ? `None of ${count(sum.rows)} attempts would change.` : <><strong>{count(sum.changed)} of {count(sum.rows)} attempts would change, {usd(Math.abs(sum.difference_nano_usd))} {sum.difference_nano_usd < 0 ? 'less' : 'more'} in all.</strong> Budgets and reports follow. Nothing is written yet.</>}</p>
            {sum.skipped > 0 && <p>{count(sum.skipped)} are billed by image, which the ledger does not count: they stay.</p>}
            {sum.unpriced > 0 && <p>{count(sum.unpriced)} are of a time of which no price is known: they stay.</p>}
          </Note>
        )}
      </div>
    </Dialog>
  )
}
