import { useState } from 'react'
import { useGet, useSend } from '../../api/query'
import { useCan } from '../../api/session'
import { Ago, Button, Chip, Confirm, Empty, Failure, Field, Loading, Select, TextArea, toast, toastFailure } from '../../ui'
import { routeOf, type Note, type Place } from './session'

const kinds = ['context', 'summary', 'preference', 'handoff', 'error'] as const
const routes = ['/api/v1/sessions/{id}/notes'] as const

/** Notes are what the next model or agent of a session is told. Their text is data: it is never markup. */
export function Notes({ of }: { of: Place }) {
  const can = useCan()
  const at = routeOf(of)
  const q = useGet('/api/v1/sessions/{id}/notes', { ...at, query: { ...at.query, limit: 200 } }, { live: true })
  const remove = useSend('delete', '/api/v1/sessions/{id}/notes/{note_id}', routes)
  const [deleting, setDeleting] = useState<Note | null>(null)
  const rows = q.data?.data ?? []
  return (
    <div className="stack">
      {can('POST', '/api/v1/sessions/{id}/notes') && <AddNote of={of} />}
      {q.error && <Failure error={q.error} what="Notes" retry={() => void q.refetch()} />}
      {q.isPending && <Loading what="Notes" />}
      {q.data && rows.length === 0 && <Empty title="There are no notes.">What is noted here is given to the next model or agent as background.</Empty>}
      <ol className="notes" aria-label="Notes">
        {rows.map((n) => (
          <li key={n.id} className="session-note">
            <div className="row spread">
              <span className="row"><Chip kind="outline">{n.type}</Chip><span className="soft">{n.agent || 'the gateway'}{n.model && `, about ${n.model}`}</span></span>
              <span className="row soft"><Ago at={n.created_at} /> {can('DELETE', '/api/v1/sessions/{id}/notes/{note_id}') && <Button small kind="danger" onClick={() => setDeleting(n)}>Delete<span className="sr"> this note</span></Button>}</span>
            </div>
            <p className="session-text">{n.text}</p>
            <p className="soft">Forgotten <Ago at={n.expires_at} />.</p>
          </li>
        ))}
      </ol>
      {deleting && (
        <Confirm
          title="Delete this note?" verb="Delete note" danger busy={remove.isPending} onClose={() => setDeleting(null)}
          onConfirm={() => remove.mutate({ path: { id: of.id, note_id: deleting.id }, query: at.query } as never, { onSuccess: () => { toast('Deleted the note.'); setDeleting(null) }, onError: toastFailure })}
        ><p>The next model is no longer told of it.</p></Confirm>
      )}
    </div>
  )
}

function AddNote({ of }: { of: Place }) {
  const [text, setText] = useState('')
  const [type, setType] = useState<string>('context')
  const add = useSend('post', '/api/v1/sessions/{id}/notes', routes)
  const save = () => add.mutate({ ...routeOf(of), body: { text: text.trim(), type } } as never, { onSuccess: () => { setText(''); toast('The note is kept for 7 days.') } })
  return (
    <form className="stack" onSubmit={(e) => { e.preventDefault(); if (text.trim()) save() }}>
      <Field label="New note" hint="What the next model or agent is to know.">{(f) => <TextArea {...f} rows={3} value={text} maxLength={16384} onChange={(e) => setText(e.target.value)} />}</Field>
      <div className="row">
        <Field label="Kind of note" bare>{(f) => <Select {...f} value={type} onChange={(e) => setType(e.target.value)} options={kinds.map((k) => ({ value: k, label: k }))} />}</Field>
        <Button type="submit" icon="plus" busy={add.isPending} disabled={text.trim() === ''}>Add note</Button>
      </div>
      {add.error && <Failure error={add.error} what="Not kept" />}
    </form>
  )
}
