import { useMemo, useState } from 'react'
import { count, duration, percent } from '../../api/format'
import { useGet, useSend } from '../../api/query'
import { useCan, useSession } from '../../api/session'
import { AccountPicker, Button, Card, Chip, Confirm, DataTable, Drawer, Empty, Facts, toast, toastFailure, useUrlState, type Column } from '../../ui'
import { amountWords, limitKey, perWords, scopeWords, sumsOf, type Bucket, type Limit, type Sum } from './limit'
import { LimitDialog } from './LimitDialog'
import { atLeast } from './roles'

const routes = ['/api/v1/limits', '/api/v1/limits/stats', '/api/v1/limits/effective'] as const

/** Limits are what callers may use in a time, and what became of it. */
export function Limits({ account, onAccount }: { account: string; onAccount: (account: string) => void }) {
  const can = useCan()
  const session = useSession()
  const [open, setOpen] = useUrlState('limit')
  const [asking, setAsking] = useState<{ what: 'edit' | 'delete' | 'reset'; limit: Limit | null } | null>(null)
  const of = account ? { account_id: account } : {}
  const q = useGet('/api/v1/limits', { query: of }, { live: true, keep: true })
  const told = can('GET', '/api/v1/limits/stats')
  const stats = useGet('/api/v1/limits/stats', { query: of }, { live: true, enabled: told, keep: true })
  const sums = useMemo(() => sumsOf(stats.data?.data ?? []), [stats.data])
  const remove = useSend('delete', '/api/v1/limits/{id}', routes)
  const reset = useSend('post', '/api/v1/limits/{id}/reset', routes)
  const may = (l: Limit, method: string, path: string) => can(method, path) && atLeast(session.role, l.least_role ?? 'account_admin')
  const rows = q.data?.data ?? []
  const shown = rows.find((l) => limitKey(l) === open)
  const name = (l: Limit | null | undefined) => l?.name || l?.id || ''
  const columns: Column<Limit>[] = [
    { key: 'name', title: 'Limit', cell: (l) => <span>{name(l)} {!l.account_id && <Chip kind="outline">global</Chip>} {l.enabled === false && <Chip kind="hatched">off</Chip>}</span>, by: name, narrow: 'title' },
    { key: 'amount', title: 'Amount', cell: (l) => <span>{amountWords(l)}{l.burst ? <span className="soft"> · at most {count(l.burst, 'exact')} at once</span> : ''}</span>, by: (l) => l.amount },
    { key: 'scope', title: 'Of', cell: scopeWords, by: scopeWords },
    { key: 'per', title: 'For', cell: perWords, by: perWords },
    ...(told ? [
      { key: 'used', title: 'Fullest now', cell: (l: Limit) => <Used of={sums.get(limitKey(l))} />, by: (l: Limit) => sums.get(limitKey(l))?.share ?? null, end: true },
      { key: 'refused', title: 'Refused', cell: (l: Limit) => (stats.data ? count(sums.get(limitKey(l))?.refused ?? null) : '–'), by: (l: Limit) => sums.get(limitKey(l))?.refused ?? null, end: true },
    ] : []),
    {
      key: 'do', title: 'Actions', cell: (l) => (
        <span className="row actions">
          {may(l, 'PUT', '/api/v1/limits/{id}') && <Button small onClick={() => setAsking({ what: 'edit', limit: l })}>Edit<span className="sr"> {name(l)}</span></Button>}
          {may(l, 'POST', '/api/v1/limits/{id}/reset') && <Button small onClick={() => setAsking({ what: 'reset', limit: l })}>Reset<span className="sr"> {name(l)}</span></Button>}
          {may(l, 'DELETE', '/api/v1/limits/{id}') && <Button small kind="danger" onClick={() => setAsking({ what: 'delete', limit: l })}>Delete<span className="sr"> {name(l)}</span></Button>}
        </span>
      ),
    },
  ]
  const at = asking?.limit ? { path: { id: asking.limit.id ?? '' }, query: asking.limit.account_id ? { account_id: asking.limit.account_id } : {} } : null
  const done = (text: string) => ({ onSuccess: () => { toast(text); setAsking(null) }, onError: toastFailure })
  return (
    <Card
      title="Limits" flush aside={<>
        {stats.data && <span>{stats.data.replicas > 1 ? `Figures of ${stats.data.replicas} replicas, up to ${duration(stats.data.age_ms)} old` : 'Figures of one process'}</span>}
        <AccountPicker value={account} onChange={onAccount} all="Global, and own account" />
        {can('POST', '/api/v1/limits') && <Button kind="primary" icon="plus" onClick={() => setAsking({ what: 'edit', limit: null })}>New limit</Button>}
      </>}
    >
      <DataTable
        label="Limits" rows={rows} columns={columns} id={limitKey} loading={q.isPending} error={q.error ?? stats.error} retry={() => { void q.refetch(); void stats.refetch() }}
        {...(told ? { onOpen: (l: Limit) => setOpen(limitKey(l)), open } : {})}
        empty={<Empty title="There are no limits.">Callers may send as much as providers take. A limit bounds requests, tokens, or requests at once.</Empty>}
      />
      {shown && <LimitDrawer of={shown} sum={sums.get(limitKey(shown))} onClose={() => setOpen('')} />}
      {asking?.what === 'edit' && <LimitDialog of={asking.limit} account={account} onClose={() => setAsking(null)} />}
      {asking?.what === 'delete' && at && (
        <Confirm title={`Delete the limit “${name(asking.limit)}”?`} verb="Delete limit" danger busy={remove.isPending} onClose={() => setAsking(null)} onConfirm={() => remove.mutate(at as never, done(`Deleted “${name(asking.limit)}”.`))}>
          <p>What it held back is no longer held back, from the next request on.</p>
        </Confirm>
      )}
      {asking?.what === 'reset' && at && (
        <Confirm title={`Reset the limit “${name(asking.limit)}”?`} verb="Reset limit" danger busy={reset.isPending} onClose={() => setAsking(null)} onConfirm={() => reset.mutate(at as never, done(`“${name(asking.limit)}” begins anew.`))}>
          <p>Everybody that it is about has the whole amount again, now, and the figures begin anew.</p>
        </Confirm>
      )}
    </Card>
  )
}

function Used({ of }: { of: Sum | undefined }) {
  if (!of) return <span className="soft">none of it used now</span>
  return <span>{percent(of.share)} <span className="soft">{count(of.fullest.remaining)} left</span></span>
}

function LimitDrawer({ of, sum, onClose }: { of: Limit; sum: Sum | undefined; onClose: () => void }) {
  const columns: Column<Bucket>[] = [
    { key: 'scope', title: 'Who', cell: (b) => b.scope || 'all together', by: (b) => b.scope, narrow: 'title' },
    { key: 'used', title: 'Used', cell: (b) => count(b.used), by: (b) => b.used, end: true },
    { key: 'left', title: 'Left', cell: (b) => count(b.remaining), by: (b) => b.remaining, end: true },
    { key: 'in', title: 'Admitted', cell: (b) => count(b.admitted), by: (b) => b.admitted, end: true },
    { key: 'out', title: 'Refused', cell: (b) => count(b.refused), by: (b) => b.refused, end: true },
  ]
  return (
    <Drawer wide title={of.name || of.id || 'Limit'} onClose={onClose}>
      <Facts items={[
        ['Amount', amountWords(of)], ['Most at one moment', of.burst ? count(of.burst, 'exact') : 'the amount'], ['Of', scopeWords(of)], ['For', perWords(of)],
        ['Whose', of.account_id || 'global'], ['In place of others', of.override ? 'yes' : 'no'], ['Reset', of.resets ? `${count(of.resets)} times` : 'never'],
      ]} />
      <DataTable label="What became of it" rows={sum?.buckets ?? []} columns={columns} id={(b) => b.scope} empty={<Empty title="Nobody uses it now.">Figures begin with the first request that it is about, and end once all of it has been there for ten minutes.</Empty>} />
    </Drawer>
  )
}
