import { useState } from 'react'
import { count, moment } from '../../api/format'
import { useGet } from '../../api/query'
import { useCan, useSession } from '../../api/session'
import { AccountPicker, Ago, Button, ButtonRow, Card, Checkbox, DataTable, Drawer, Empty, Facts, Failure, Field, Input, Note, Progress, useUrlState, type Column } from '../../ui'
import { useSettled } from '../../ui/settled'
import { actorWords, exportHref, useAudit, whose, type AuditFilter, type Entry } from './audit'

/** AuditTab is who changed what, and whether the log itself was touched. */
export function AuditTab({ account, onAccount }: { account: string; onAccount: (account: string) => void }) {
  const can = useCan()
  const session = useSession()
  const [global, setGlobal] = useUrlState('global')
  const [action, setAction] = useUrlState('action')
  const [object, setObject] = useUrlState('object')
  const [user, setUser] = useUrlState('by')
  const [from, setFrom] = useUrlState('from')
  const [to, setTo] = useUrlState('to')
  const [open, setOpen] = useState<Entry | null>(null)
  const all = session.role === 'super_admin'
  const filter: AuditFilter = { account, global: all && global !== '', action: useSettled(action), object: useSettled(object), user: useSettled(user), from, to }
  const q = useAudit(filter)
  const rows = q.data?.pages.flatMap((p) => p.data ?? []) ?? []
  const filtered = [action, object, user, from, to].some(Boolean)
  const columns: Column<Entry>[] = [
    { key: 'at', title: 'When', cell: (e) => <Ago at={e.at} /> },
    { key: 'who', title: 'Who', cell: actorWords },
    { key: 'what', title: 'What', cell: (e) => <code>{e.action}</code>, narrow: 'title' },
    { key: 'object', title: 'Of', cell: (e) => <code>{e.object}</code> },
    { key: 'reason', title: 'Reason', cell: (e) => e.reason || <span className="soft">–</span> },
    { key: 'seq', title: 'No.', cell: (e) => count(e.seq, 'exact'), end: true },
  ]
  return (
    <div className="stack">
      <Chain key={JSON.stringify(whose(filter))} of={filter} />
      <Card
        title="Audit trail" flush aside={<>
          {!filter.global && <AccountPicker value={account} onChange={onAccount} />}
          {all && <Checkbox label="Global rows" checked={filter.global} onChange={(e) => setGlobal(e.target.checked ? 'true' : '')} />}
          {can('GET', '/api/v1/audit/export') && <a className="button button-plain button-small" href={exportHref(filter)} download="audit.jsonl">Export all</a>}
        </>}
      >
        <div className="filters inset">
          <Field label="Action" bare>{(f) => <Input {...f} value={action} placeholder="Action, as rule." onChange={(e) => setAction(e.target.value)} />}</Field>
          <Field label="Object" bare>{(f) => <Input {...f} value={object} placeholder="Object, as rule/coding" onChange={(e) => setObject(e.target.value)} />}</Field>
          <Field label="Who did it" bare>{(f) => <Input {...f} value={user} placeholder="Id of a user" onChange={(e) => setUser(e.target.value)} />}</Field>
          <Field label="From">{(f) => <Input {...f} type="date" value={from} onChange={(e) => setFrom(e.target.value)} />}</Field>
          <Field label="To">{(f) => <Input {...f} type="date" value={to} onChange={(e) => setTo(e.target.value)} />}</Field>
        </div>
        <DataTable
          label="Audit trail" rows={rows} columns={columns} id={(e) => `${e.account_id}/${e.seq}`} onOpen={setOpen} loading={q.isPending} error={q.error} retry={() => void q.refetch()}
          more={q.hasNextPage ? () => void q.fetchNextPage() : undefined} loadingMore={q.isFetchingNextPage}
          empty={<Empty title={filtered ? 'No entry matches.' : 'Nothing was changed yet.'}>{filtered ? 'An action that ends in a dot is a beginning: “rule.” finds all about rules.' : 'Every change of the configuration is kept here.'}</Empty>}
        />
      </Card>
      {open && <EntryDrawer of={open} onClose={() => setOpen(null)} />}
    </div>
  )
}

function Chain({ of }: { of: AuditFilter }) {
  const can = useCan()
  const [asked, setAsked] = useState(false)
  const q = useGet('/api/v1/audit/verify', { query: whose(of) }, { enabled: asked, staleTime: Infinity })
  if (!can('GET', '/api/v1/audit/verify')) return null
  return (
    <Card title="Is it whole?" aside={q.data && <Ago at={q.dataUpdatedAt} />}>
      <div className="stack">
        <p className="soft">Each entry is sealed with the one before it. A check reads all of them, and tells whether one was changed, removed or put elsewhere.</p>
        <div role="status">
          {q.isFetching && <Progress label="Reading the log" />}
          {!q.isFetching && q.data?.intact && <Note kind="good">The chain holds: {q.data.holds === 1 ? 'one entry' : `${count(q.data.holds, 'exact')} entries`}.</Note>}
          {!q.isFetching && q.data && !q.data.intact && <Note kind="warn">The chain is broken at entry {count(q.data.broken_seq, 'exact')}: {q.data.reason}. It holds up to entry {count(q.data.holds, 'exact')}. Compare it with an earlier export.</Note>}
        </div>
        {q.error && <Failure error={q.error} what="Not checked" />}
        <ButtonRow><Button icon="check" busy={q.isFetching} onClick={() => { if (asked) void q.refetch(); else setAsked(true) }}>Check the chain</Button></ButtonRow>
      </div>
    </Card>
  )
}

function EntryDrawer({ of: e, onClose }: { of: Entry; onClose: () => void }) {
  return (
    <Drawer wide title={<code>{e.action}</code>} onClose={onClose}>
      <Facts items={[
        ['When', moment(e.at)], ['Who', actorWords(e)], ['Role', e.actor_role || '–'], ['With key', e.actor_key || '–'], ['Object', <code key="o">{e.object}</code>],
        ['Account', e.account_id || 'global'], ['Reason', e.reason || '–'], ['Request', e.request_id ? <code key="r">{e.request_id}</code> : '–'], ['Number', count(e.seq, 'exact')],
        ['Seal', <code key="h">{e.hash}</code>], ['Seal before', <code key="p">{e.previous}</code>],
      ]} />
      <h3>As it was after the change</h3>
      {e.detail === null || e.detail === undefined ? <p className="soft">Nothing is kept.</p> : <pre className="detail">{JSON.stringify(e.detail, null, 2)}</pre>}
    </Drawer>
  )
}
