import { useState } from 'react'
import { etagOf, useGet, useSend } from '../../api/query'
import { Button, ButtonRow, Checkbox, Failure, Field, IconButton, Loading, ModelName, ModelPicker, toast } from '../../ui'
import { modelRoutes, whose, type Model } from './model'

/** Settings is what may be changed of a model of the catalogue: whether it is called, and what stands in for it. */
export function Settings({ of: m }: { of: Model }) {
  const q = useGet('/api/v1/models/{id}', { path: { id: m.id ?? '' }, query: whose(m) })
  if (q.error && !q.data) return <Failure error={q.error} what="Settings" retry={() => void q.refetch()} />
  if (!q.data) return <Loading what="Settings" rows={4} />
  return <Edit key={q.data.updated_at} stored={q.data} />
}

function Edit({ stored: m }: { stored: Model }) {
  const [noSubstitute, setNoSubstitute] = useState(m.no_substitute ?? false)
  const [fallbacks, setFallbacks] = useState<readonly string[]>(m.fallbacks ?? [])
  const [next, setNext] = useState('')
  const save = useSend('patch', '/api/v1/models/{id}', modelRoutes)
  const changed = noSubstitute !== (m.no_substitute ?? false) || fallbacks.join() !== (m.fallbacks ?? []).join()
  const wrong = next !== '' && (next === m.id ? 'A model does not stand in for itself.' : fallbacks.includes(next) ? 'It is in the list already.' : '')
  const move = (i: number, by: number) => {
    const list = [...fallbacks]
    const [id] = list.splice(i, 1)
    list.splice(i + by, 0, id!)
    setFallbacks(list)
  }
  return (
    <div className="stack">
      <div className="stack">
        <h3>Fallbacks</h3>
        <p className="soft">Tried in order when this model is asked for by name, and fails.</p>
        {fallbacks.length === 0 ? <p>None: a request for it fails with it.</p> : (
          <ol className="fallbacks" aria-label="Fallbacks, in order">
            {fallbacks.map((id, i) => (
              <li key={id} className="row">
                <span className="fallback-name">{i + 1}. <ModelName id={id} /></span>
                <IconButton icon="up" label={`Move ${id} up`} disabled={i === 0} onClick={() => move(i, -1)} />
                <IconButton icon="down" label={`Move ${id} down`} disabled={i === fallbacks.length - 1} onClick={() => move(i, 1)} />
                <IconButton icon="trash" label={`Remove ${id}`} onClick={() => setFallbacks(fallbacks.filter((f) => f !== id))} />
              </li>
            ))}
          </ol>
        )}
        <div className="row fallback-add">
          <Field label="Add a fallback" error={wrong || undefined}>{(f) => <ModelPicker {...f} value={next} onChange={setNext} clearable />}</Field>
          <Button icon="plus" disabled={next === '' || wrong !== ''} onClick={() => { setFallbacks([...fallbacks, next]); setNext('') }}>Add</Button>
        </div>
      </div>
      <Checkbox label="No substitute" hint="Once its vendor has retired it, it is skipped and not served by its replacement." checked={noSubstitute} onChange={(e) => setNoSubstitute(e.target.checked)} />
      {save.error && <Failure error={save.error} what="Not saved" />}
      <ButtonRow>
        <Button kind="primary" busy={save.isPending} disabled={!changed} onClick={() => save.mutate({ path: { id: m.id ?? '' }, query: whose(m), ifMatch: etagOf(m), body: { no_substitute: noSubstitute, fallbacks: [...fallbacks] } }, { onSuccess: () => toast('Saved. It is in force.') })}>Save</Button>
      </ButtonRow>
    </div>
  )
}
