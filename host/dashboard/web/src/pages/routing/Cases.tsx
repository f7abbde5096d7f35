import { useState } from 'react'
import { useGet, useSend, type Body, type Data } from '../../api/query'
import { useCan } from '../../api/session'
import { Ago, Button, Card, Confirm, DataTable, Empty, Note, StatusWord, toast, toastFailure, type Column } from '../../ui'
import { CaseDialog } from './CaseDialog'

export type Case = NonNullable<NonNullable<Data<'get', '/api/v1/rules/cases'>>['data']>[number]
type Outcome = NonNullable<NonNullable<Data<'post', '/api/v1/rules/cases/run'>>['results']>[number]

/** wantWords is what a case expects. */
export function wantWords(w: { rule?: string; model?: string; code?: string }): string {
  return [w.rule && `rule ${w.rule}`, w.model && `model ${w.model}`, w.code && `refused with ${w.code}`].filter(Boolean).join(', ') || 'nothing'
}

/** Cases are stored examples of what the rules are to decide: rules must pass them to be published. */
export function Cases({ account }: { account: string }) {
  const can = useCan()
  const of = account ? { account_id: account } : {}
  const q = useGet('/api/v1/rules/cases', { query: of }, { live: true })
  const run = useSend('post', '/api/v1/rules/cases/run')
  const remove = useSend('delete', '/api/v1/rules/cases/{id}', ['/api/v1/rules/cases'])
  const [editing, setEditing] = useState<Case | 'new' | null>(null)
  const [deleting, setDeleting] = useState<Case | null>(null)
  const results = new Map<string, Outcome>((run.data?.results ?? []).map((r) => [r.id, r]))
  const may = can('PUT', '/api/v1/rules/cases/{id}')
  const columns: Column<Case>[] = [
    { key: 'id', title: 'Case', cell: (c) => <span>{c.name || c.id}{c.name && <> <code className="soft">{c.id}</code></>}</span>, by: (c) => c.name || (c.id ?? ''), narrow: 'title' },
    { key: 'want', title: 'Expects', cell: (c) => wantWords(c.want) },
    { key: 'result', title: 'Outcome', cell: (c) => <Outcome of={results.get(c.id ?? '')} /> },
    { key: 'at', title: 'Changed', cell: (c) => <Ago at={c.updated_at} />, by: (c) => c.updated_at ?? '' },
    { key: 'do', title: 'Actions', cell: (c) => may && <span className="row"><Button small onClick={() => setEditing(c)}>Edit<span className="sr"> {c.id}</span></Button><Button small kind="danger" onClick={() => setDeleting(c)}>Delete<span className="sr"> {c.id}</span></Button></span> },
  ]
  return (
    <Card
      title="Cases" aside={<>
        {can('POST', '/api/v1/rules/cases/run') && (q.data?.data?.length ?? 0) > 0 && <Button small icon="play" busy={run.isPending} onClick={() => run.mutate({ body: of as Body<'post', '/api/v1/rules/cases/run'> }, { onError: toastFailure })}>Run all</Button>}
        {may && <Button small icon="plus" onClick={() => setEditing('new')}>New case</Button>}
      </>}
    >
      <div className="stack">
        <p className="soft">Examples of what the rules are to decide. Rules that fail one are not published, and the editor warns.</p>
        <div role="status">{run.data && <Note kind={run.data.failed > 0 ? 'warn' : 'good'}>{run.data.passed} passed, {run.data.failed} failed.</Note>}</div>
        <DataTable label="Cases" rows={q.data?.data ?? []} columns={columns} id={(c) => c.id ?? ''} loading={q.isPending} error={q.error} retry={() => void q.refetch()} empty={<Empty title="There are no cases yet.">Keep a request and where it is to go: whoever changes the rules later is told when that breaks.</Empty>} />
      </div>
      {editing && <CaseDialog of={editing === 'new' ? null : editing} account={account} onClose={() => setEditing(null)} />}
      {deleting && (
        <Confirm
          title={`Delete the case “${deleting.name || deleting.id}”?`} verb="Delete case" danger busy={remove.isPending} onClose={() => setDeleting(null)}
          onConfirm={() => remove.mutate({ path: { id: deleting.id ?? '' }, query: of } as never, { onSuccess: () => { toast('Deleted the case.'); setDeleting(null) }, onError: toastFailure })}
        ><p>Rules are no longer held to it.</p></Confirm>
      )}
    </Card>
  )
}

function Outcome({ of }: { of: Outcome | undefined }) {
  if (!of) return <span className="soft">not run</span>
  return of.passed ? <StatusWord status="up" word="Passed" /> : <span><StatusWord status="down" word="Failed" /> <span className="soft">{of.message || `got ${wantWords(of.got)}`}</span></span>
}
