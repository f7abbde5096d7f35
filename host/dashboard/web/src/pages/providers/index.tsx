import './providers.css'
import { count, duration, percent } from '../../api/format'
import { useGet } from '../../api/query'
import { useCan } from '../../api/session'
import { useStep } from '../../api/window'
import { Ago, Button, Card, Chip, DataTable, Drawer, Empty, HealthStrip, Loading, Note, Page as Frame, StatusWord, useNow, useUrlState, type Column } from '../../ui'
import { AddProvider } from './ProviderForm'
import { ProviderDrawer } from './ProviderDrawer'
import { breaker, errorRate, rowsOf, standIn, statusWord, type Row, type Subject } from './subject'

/** Page is how each provider is and was, and what may be done with it. */
export function Page() {
  const can = useCan()
  const [id, setId] = useUrlState('id')
  const [, setTab] = useUrlState('tab', 'health')
  const health = useGet('/api/v1/health', { query: { kind: 'provider', cells: true } }, { live: true, refetchInterval: 60_000 })
  const stored = useGet('/api/v1/providers', {}, { enabled: can('GET', '/api/v1/providers') })
  const rows = rowsOf(health.data?.data ?? [], stored.data?.data ?? [])
  const open = rows.find((r) => r.key === id) ?? rows.find((r) => r.id === id)
  const loading = health.isPending || stored.isLoading
  const close = () => { setTab('health'); setId('') }
  const known = rows.map((r) => statusWord(r.health))
  const said = (['down', 'degraded', 'healthy', 'unknown'] as const).map((s) => [s, known.filter((k) => k === s).length] as const).filter(([, n]) => n > 0).map(([s, n]) => `${n} ${s === 'healthy' ? 'up' : s}`).join(', ')
  const anyAccount = rows.some((r) => r.account !== '')
  return (
    <Frame
      title="Providers" lead={rows.length > 0 ? `${said}. Figures are of the last minutes, at the replica that answers.` : 'Who answers the requests, and how they do.'}
      actions={can('POST', '/api/v1/providers') && <Button kind="primary" icon="plus" onClick={() => setId('new')}>Add provider</Button>}
    >
      <div className="providers-page stack">
        {health.data?.stale && <Note kind="warn">What other replicas know could not be read.</Note>}
        <Card flush>
          <DataTable
            label="Providers" rows={rows} columns={anyAccount ? [columns[0]!, account, ...columns.slice(1)] : columns} id={(r) => r.key} onOpen={(r) => setId(r.key)} open={open?.key ?? ''}
            loading={loading} error={health.error} retry={() => void health.refetch()} empty={<Empty title="No providers">Add one with “Add provider”, or start the server with a provider’s key in its environment.</Empty>}
          />
        </Card>
        {id === 'new' && can('POST', '/api/v1/providers') && <AddProvider onClose={close} onAdded={setId} />}
        {open && <ProviderDrawer key={open.key} row={open} onClose={close} />}
        {id !== '' && id !== 'new' && !open && <Drawer title={id} onClose={close}>{loading ? <Loading what="The provider" rows={5} /> : <Empty title="There is no such provider here.">It may have been deleted, or belong to another account.</Empty>}</Drawer>}
      </div>
    </Frame>
  )
}

const account: Column<Row> = { key: 'account', title: 'Account', by: (r) => r.account, cell: (r) => r.account || 'all' }
const severity: Record<string, number> = { down: 0, degraded: 1, unknown: 2, healthy: 3 }

const columns: Column<Row>[] = [
  { key: 'name', title: 'Provider', narrow: 'title', by: (r) => r.id, cell: (r) => <div><strong>{r.stored?.name || r.id}</strong>{r.stored && <div className="soft small">{[r.id, r.stored.adapter !== r.id && `adapter ${r.stored.adapter}`, r.stored.keyless && 'keyless'].filter(Boolean).join(' · ')}</div>}</div> },
  { key: 'status', title: 'Status', by: (r) => severity[statusWord(r.health)] ?? 2, cell: (r) => <Status of={r} /> },
  { key: 'strip', title: 'Last 24 hours', cell: (r) => (r.health ? <Strip of={r.health} /> : '–') },
  { key: 'latency', title: 'p50 / p95', end: true, by: (r) => r.health?.latency.p95_ms || null, cell: (r) => (r.health && r.health.latency.p95_ms > 0 ? <span className="figure">{duration(r.health.latency.p50_ms)} / {duration(r.health.latency.p95_ms)}</span> : '–') },
  { key: 'errors', title: 'Errors', end: true, by: (r) => errorRate(r.health), cell: (r) => <div>{percent(errorRate(r.health))}{(r.health?.attempts ?? 0) > 0 && <div className="soft small">of {count(r.health?.attempts)}</div>}</div> },
  { key: 'standin', title: 'Stands in', end: true, by: (r) => standIn(r.health), cell: (r) => percent(standIn(r.health)) },
  { key: 'breaker', title: 'Breaker', cell: (r) => (r.health ? <Breaker of={r.health} /> : '–') },
  { key: 'error', title: 'Last error', cell: (r) => (r.health?.last_error ? <div className="last-error">{r.health.last_error} <span className="soft"><Ago at={r.health.last_error_at} /></span></div> : '–') },
]

function Status({ of: r }: { of: Row }) {
  const s = r.health
  const why = s && s.status !== 'healthy' ? (s.why ?? s.last_error) : undefined
  return (
    <div className="status-cell">
      <span className="row"><StatusWord status={statusWord(s)} />{s?.switch && <Chip kind="hatched">{s.switch}</Chip>}{r.stored?.enabled === false && <Chip kind="hatched">switched off</Chip>}</span>
      {why && <div className="small">{why}</div>}
      {s?.since && <div className="soft small">since <Ago at={s.since} /></div>}
    </div>
  )
}

function Strip({ of: s }: { of: Subject }) {
  const now = useStep(60_000)
  return <div className="strip-cell"><HealthStrip of={s.provider} data={s.cells ?? []} now={now} twin={false} /></div>
}

function Breaker({ of: s }: { of: Subject }) {
  const b = breaker(s, useNow())
  return <div className="breaker-cell">{b.word}{b.next && <div className="soft small">{b.next}</div>}</div>
}
