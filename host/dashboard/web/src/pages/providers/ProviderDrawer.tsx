import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { clock, count, duration, percent } from '../../api/format'
import { useGet } from '../../api/query'
import { useCan } from '../../api/session'
import { Ago, Button, ButtonRow, Chip, DataTable, Drawer, Empty, Facts, Failure, HealthStrip, Loading, ModelName, Note, StatusWord, Tabs, useModels, useNow, useUrlState, type Column } from '../../ui'
import { Credentials } from './Credentials'
import { useManaged } from './managed'
import { PaidProbe } from './PaidProbe'
import { EditProvider } from './ProviderForm'
import { breaker, errorRate, nameOf, standIn, statusWord, type Row, type Subject } from './subject'
import { Switches } from './Switches'
import { Transitions } from './Transitions'
import { TestProvider } from './Trial'

/** ProviderDrawer is everything about one provider. */
export function ProviderDrawer({ row, onClose }: { row: Row; onClose: () => void }) {
  const can = useCan()
  const managed = useManaged()
  const [tab, setTab] = useUrlState('tab', 'health')
  const [testing, setTesting] = useState(false)
  const q = useGet('/api/v1/health', { query: { provider: row.id, cells: true, ...(row.account ? { account_id: row.account } : {}) } }, { live: true })
  const parts = (q.data?.data ?? []).filter((s) => (s.account_id ?? '') === row.account)
  const s = parts.find((p) => p.kind === 'provider') ?? row.health
  const mine = managed(row.account)
  return (
    <Drawer
      wide title={row.stored?.name && row.stored.name !== row.id ? `${row.stored.name} (${row.id})` : row.id} onClose={onClose}
      actions={mine && <>
        {can('POST', '/api/v1/providers/{id}/test') && <Button icon="play" onClick={() => setTesting(true)}>Test</Button>}
        {s && <Switches of={s} />}
      </>}
    >
      <Tabs
        label="Provider" at={tab} onChange={setTab}
        tabs={[
          { id: 'health', title: 'Health', panel: <>{q.error && !s ? <Failure error={q.error} what="Health" retry={() => void q.refetch()} /> : s ? <Health of={s} /> : q.isPending ? <Loading what="Health" rows={5} /> : <Empty title="Nothing is measured of it">{row.stored?.enabled === false ? 'It is disabled: enable it in its settings.' : 'It has served no request, and has no model yet.'}</Empty>}</> },
          { id: 'models', title: 'Models', panel: <Models provider={row.id} health={parts} /> },
          ...(mine && can('GET', '/api/v1/providers/{id}/credentials') ? [{ id: 'credentials', title: 'Credentials', panel: <Credentials provider={row.id} account={row.account} health={parts} /> }] : []),
          ...(mine && can('GET', '/api/v1/health/{id}/transitions') ? [{ id: 'history', title: 'History', panel: <Transitions id={row.id} account={row.account} /> }] : []),
          ...(mine && can('PATCH', '/api/v1/providers/{id}') ? [{ id: 'settings', title: 'Settings', panel: <><EditProvider id={row.id} account={row.account} onDeleted={onClose} />{s && can('PUT', '/api/v1/health/{id}/paid-probe') && <PaidProbe key={JSON.stringify([s.paid_probe?.enabled, s.paid_probe?.every_seconds, s.paid_probe?.daily_cap_nano_usd])} of={s} />}</> }] : []),
        ]}
      />
      {testing && <TestProvider id={row.id} account={row.account} onClose={() => setTesting(false)} />}
    </Drawer>
  )
}

const ms = (n: number) => (n > 0 ? duration(n) : '–')

function Health({ of: s }: { of: Subject }) {
  const now = useNow()
  const b = breaker(s, now)
  return (
    <div className="stack">
      <div className="row"><StatusWord status={statusWord(s)} />{s.switch && <Chip kind="hatched">{s.switch}</Chip>}{s.since && <span className="soft">since {clock(s.since)}, <Ago at={s.since} /></span>}</div>
      {s.why && s.why !== s.switch && <p>{s.why}</p>}
      {s.note && <Note>{s.note}</Note>}
      <HealthStrip of={nameOf(s)} data={s.cells ?? []} now={now} />
      <Facts items={[
        ['Breaker', <>{b.word}{b.next && ` · ${b.next}`}</>],
        ['Attempts, last minute', count(s.attempts)],
        ['Failed', percent(errorRate(s))],
        ['Stands in for others', percent(standIn(s))],
        ['Answers, p50 / p95', `${ms(s.latency.p50_ms)} / ${ms(s.latency.p95_ms)}`],
        ['First token, p50 / p95', `${ms(s.latency.first_byte_p50_ms)} / ${ms(s.latency.first_byte_p95_ms)}`],
        ['Last attempt', <Ago at={s.last_attempt_at} />],
        ['Last error', s.last_error ? <>{s.last_error} <span className="soft"><Ago at={s.last_error_at} /></span></> : '–'],
        ['Last probe', s.check ? <>{s.check.ok ? 'answered' : (s.check.error ?? 'failed')}{s.check.paid ? ', paid' : ''} <span className="soft"><Ago at={s.check.at} /></span>{s.check.warning && <p>{s.check.warning}</p>}</> : '–'],
        ...(s.ejections > 0 ? [['Taken out', `${s.ejections} times lately: each time for longer`] as const] : []),
      ]} />
    </div>
  )
}

function Models({ provider, health }: { provider: string; health: readonly Subject[] }) {
  const models = useModels()
  const now = useNow()
  type M = { id: string; s: Subject | undefined; note: string }
  const measured = health.filter((h) => h.kind === 'model')
  const listed: M[] = models.rows.filter((m) => m.provider === provider).map((m) => ({ id: m.id, s: measured.find((h) => (h.models ?? []).includes(m.id)), note: m.enabled === false ? 'disabled' : m.status && m.status !== 'active' ? m.status : '' }))
  const rows = [...listed, ...measured.filter((h) => !listed.some((m) => m.s === h)).map((h) => ({ id: nameOf(h), s: h, note: '' }))]
  const columns: Column<M>[] = [
    { key: 'model', title: 'Model', narrow: 'title', by: (m) => m.id, cell: (m) => <Link to="/models" search={{ id: m.id }}><ModelName id={m.id} /></Link> },
    { key: 'status', title: 'Status', cell: (m) => <span className="row"><StatusWord status={statusWord(m.s)} />{m.s?.switch && <Chip kind="hatched">{m.s.switch}</Chip>}{m.note && <Chip kind="outline">{m.note}</Chip>}</span> },
    { key: 'errors', title: 'Errors', end: true, by: (m) => errorRate(m.s), cell: (m) => percent(errorRate(m.s)) },
    { key: 'p95', title: 'p95', end: true, by: (m) => m.s?.latency.p95_ms ?? null, cell: (m) => ms(m.s?.latency.p95_ms ?? 0) },
    { key: 'breaker', title: 'Breaker', cell: (m) => (m.s ? `${breaker(m.s, now).word}${breaker(m.s, now).next ? ` · ${breaker(m.s, now).next}` : ''}` : '–') },
    { key: 'do', title: 'Actions', cell: (m) => (m.s ? <ButtonRow><Switches of={m.s} small /></ButtonRow> : '–') },
  ]
  return <DataTable label={`Models of ${provider}`} rows={rows} columns={columns} id={(m) => m.id} loading={models.isPending} error={models.error} empty={<Empty title="It serves no model">Add one on the Models page.</Empty>} />
}
