import { useState } from 'react'
import { timeOf } from '../../api/format'
import { useGet, useSend } from '../../api/query'
import { useCan, useSession } from '../../api/session'
import { AccountPicker, Ago, Button, Card, Chip, Confirm, DataTable, Empty, ModelName, toast, toastFailure, type Column } from '../../ui'
import { assignmentKey, mayChange, type Assignment } from './assignment'
import { AssignmentDialog } from './AssignmentDialog'
import { tenantWords } from './members'

/** Assignments say which models a type of task goes to. */
export function Assignments({ account, onAccount }: { account: string; onAccount: (account: string) => void }) {
  const can = useCan()
  const session = useSession()
  const who = { role: session.role, account: session.account?.id ?? '', team: session.team?.id ?? '', user: session.user?.id ?? '' }
  const [asking, setAsking] = useState<{ what: 'edit' | 'delete'; of: Assignment | null } | null>(null)
  const q = useGet('/api/v1/assignments', { query: account ? { account_id: account } : {} }, { live: true, keep: true })
  const remove = useSend('delete', '/api/v1/assignments/{id}', ['/api/v1/assignments', '/api/v1/preferences/effective'])
  const columns: Column<Assignment>[] = [
    { key: 'task', title: 'Task type', cell: (a) => <span>{a.task_type} {a.enabled === false && <Chip kind="hatched">off</Chip>} {a.locked && <Chip kind="outline">locked</Chip>} {timeOf(a.expires_at) <= Date.now() && <Chip kind="hatched">expired</Chip>}</span>, by: (a) => a.task_type, narrow: 'title' },
    { key: 'model', title: 'Goes to', cell: (a) => <span className="row"><ModelName id={a.model} />{(a.fallbacks?.length ?? 0) > 0 && <span className="soft">then {a.fallbacks?.join(', ')}</span>}</span>, by: (a) => a.model },
    { key: 'for', title: 'Holds for', cell: tenantWords, by: tenantWords },
    { key: 'when', title: 'When', cell: (a) => (a.when ? <code>{a.when}</code> : 'always') },
    { key: 'priority', title: 'Priority', cell: (a) => a.priority ?? '–', by: (a) => a.priority ?? null, end: true },
    { key: 'expires', title: 'Expires', cell: (a) => (a.expires_at ? <Ago at={a.expires_at} /> : 'never'), by: (a) => a.expires_at ?? null },
    {
      key: 'do', title: 'Actions', cell: (a) => mayChange(a, who) && (
        <span className="row actions">
          {can('PUT', '/api/v1/assignments/{id}') && <Button small onClick={() => setAsking({ what: 'edit', of: a })}>Edit<span className="sr"> {a.task_type}</span></Button>}
          {can('DELETE', '/api/v1/assignments/{id}') && <Button small kind="danger" onClick={() => setAsking({ what: 'delete', of: a })}>Delete<span className="sr"> {a.task_type}</span></Button>}
        </span>
      ),
    },
  ]
  const doomed = asking?.what === 'delete' ? asking.of : null
  return (
    <Card
      title="Task assignments" flush aside={<>
        <AccountPicker value={account} onChange={onAccount} />
        {can('POST', '/api/v1/assignments') && <Button kind="primary" icon="plus" onClick={() => setAsking({ what: 'edit', of: null })}>New assignment</Button>}
      </>}
    >
      <DataTable label="Assignments" rows={q.data?.data ?? []} columns={columns} id={assignmentKey} loading={q.isPending} error={q.error} retry={() => void q.refetch()} empty={<Empty title="There are no assignments.">An assignment sends a type of task, as requests name it, to a model, before any rule is tried.</Empty>} />
      {asking?.what === 'edit' && <AssignmentDialog of={asking.of} account={account} onClose={() => setAsking(null)} />}
      {doomed && (
        <Confirm
          title={`Delete the assignment of “${doomed.task_type}”?`} verb="Delete assignment" danger busy={remove.isPending} onClose={() => setAsking(null)}
          onConfirm={() => remove.mutate({ path: { id: doomed.id ?? '' }, query: doomed.account_id ? { account_id: doomed.account_id } : {} } as never, { onSuccess: () => { toast('Deleted the assignment.'); setAsking(null) }, onError: toastFailure })}
        ><p>Such tasks go where the next assignment, or the rules, send them.</p></Confirm>
      )}
    </Card>
  )
}
