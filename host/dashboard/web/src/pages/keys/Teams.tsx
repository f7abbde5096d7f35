import { useState } from 'react'
import { useList, useSend, type Data } from '../../api/query'
import { useCan, useSession } from '../../api/session'
import { AccountPicker, Ago, Button, Card, Confirm, DataTable, Dialog, Empty, Failure, Field, Input, toast, toastFailure, type Column } from '../../ui'

type Team = NonNullable<NonNullable<Data<'get', '/api/v1/teams'>>['data']>[number]

/** Teams are parts of an account. */
export function Teams({ account, onAccount }: { account: string; onAccount: (account: string) => void }) {
  const can = useCan()
  const session = useSession()
  const [asking, setAsking] = useState<{ what: 'edit' | 'delete'; team: Team | null } | null>(null)
  const q = useList('/api/v1/teams', { query: account ? { account_id: account } : {} }, { keep: true, live: true })
  const remove = useSend('delete', '/api/v1/teams/{id}', ['/api/v1/teams'])
  const columns: Column<Team>[] = [
    { key: 'name', title: 'Name', cell: (t) => <span>{t.name} {t.name !== t.id && <code className="soft">{t.id}</code>}</span>, by: (t) => t.name, narrow: 'title' },
    ...(session.role === 'super_admin' && account === '' ? [{ key: 'account', title: 'Account', cell: (t: Team) => t.account_id, by: (t: Team) => t.account_id }] : []),
    { key: 'made', title: 'Created', cell: (t) => <Ago at={t.created_at} />, by: (t) => t.created_at },
    {
      key: 'do', title: 'Actions', cell: (t) => (
        <span className="row actions">
          {can('PATCH', '/api/v1/teams/{id}') && <Button small onClick={() => setAsking({ what: 'edit', team: t })}>Rename<span className="sr"> {t.name}</span></Button>}
          {can('DELETE', '/api/v1/teams/{id}') && <Button small kind="danger" onClick={() => setAsking({ what: 'delete', team: t })}>Delete<span className="sr"> {t.name}</span></Button>}
        </span>
      ),
    },
  ]
  const doomed = asking?.what === 'delete' ? asking.team : null
  return (
    <Card
      title="Teams" flush aside={<>
        <AccountPicker value={account} onChange={onAccount} all="Every account" />
        {can('POST', '/api/v1/teams') && <Button kind="primary" icon="plus" onClick={() => setAsking({ what: 'edit', team: null })}>New team</Button>}
      </>}
    >
      <DataTable label="Teams" rows={q.rows} columns={columns} id={(t) => `${t.account_id}/${t.id}`} loading={q.loading} error={q.error} retry={q.refresh} more={q.more} loadingMore={q.loadingMore} empty={<Empty title="There are no teams here.">A team has members, a lead, and limits and budgets of its own.</Empty>} />
      {asking?.what === 'edit' && <TeamDialog of={asking.team} account={account} onClose={() => setAsking(null)} />}
      {doomed && (
        <Confirm
          title={`Delete the team ${doomed.name}?`} verb="Delete team" danger busy={remove.isPending} onClose={() => setAsking(null)}
          onConfirm={() => remove.mutate({ path: { id: doomed.id }, query: { account_id: doomed.account_id } } as never, { onSuccess: () => { toast(`Deleted ${doomed.name}.`); setAsking(null) }, onError: toastFailure })}
        ><p>Keys of its users open nothing until the users are moved to another team. This cannot be undone.</p></Confirm>
      )}
    </Card>
  )
}

function TeamDialog({ of, account, onClose }: { of: Team | null; account: string; onClose: () => void }) {
  const [name, setName] = useState(of?.name ?? '')
  const create = useSend('post', '/api/v1/teams', ['/api/v1/teams'])
  const patch = useSend('patch', '/api/v1/teams/{id}', ['/api/v1/teams'])
  const failure = create.error ?? patch.error
  const done = { onSuccess: () => { toast(of ? `Renamed to ${name.trim()}.` : `The team ${name.trim()} is there.`); onClose() } }
  const save = () => {
    if (of) patch.mutate({ path: { id: of.id }, query: { account_id: of.account_id }, body: { name: name.trim() } } as never, done)
    else create.mutate({ body: { name: name.trim(), ...(account ? { account_id: account } : {}) } }, done)
  }
  return (
    <Dialog title={of ? `Rename ${of.name}` : 'New team'} onClose={onClose} actions={<><Button onClick={onClose}>Cancel</Button><Button kind="primary" disabled={name.trim() === ''} busy={create.isPending || patch.isPending} onClick={save}>{of ? 'Save' : 'Create team'}</Button></>}>
      <Field label="Name">{(f) => <Input {...f} value={name} maxLength={128} autoFocus onChange={(e) => setName(e.target.value)} />}</Field>
      {failure && <Failure error={failure} what={of ? 'Not renamed' : 'Not created'} />}
    </Dialog>
  )
}
