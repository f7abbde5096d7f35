import './models.css'
import { Link } from '@tanstack/react-router'
import { useGet } from '../../api/query'
import { useCan } from '../../api/session'
import { Button, Card, Chip, DataTable, Drawer, Empty, FamilyMark, Field, Input, Loading, Page as Frame, Select, useUrlState, type Column } from '../../ui'
import { AddModel } from './AddModel'
import { dollars, keyOf, lifecycle, matches, tokens, type Model } from './model'
import { ModelDrawer } from './ModelDrawer'

/** Page is the catalogue: what can be asked for, from whom, at which price and for how long. */
export function Page() {
  const can = useCan()
  const [id, setId] = useUrlState('id')
  const [, setTab] = useUrlState('tab', 'facts')
  const [words, setWords] = useUrlState('q')
  const [provider, setProvider] = useUrlState('provider')
  const [only, setOnly] = useUrlState('only')
  const q = useGet('/api/v1/models', {}, { live: true })
  const all = q.data?.data ?? []
  const rows = all.filter((m) => matches(m, words, provider, only))
  const open = all.find((m) => keyOf(m) === id) ?? all.find((m) => m.id === id)
  const providers = [...new Set(all.map((m) => m.provider))].sort()
  const close = () => { setTab('facts'); setId('') }
  return (
    <Frame
      title="Models" lead={q.data ? `${all.length} models of ${providers.length} ${providers.length === 1 ? 'provider' : 'providers'}; prices are in US dollars per million tokens.` : 'What can be asked for, and what it costs.'}
      actions={can('POST', '/api/v1/models') && <Button kind="primary" icon="plus" onClick={() => setId('new')}>Add model</Button>}
    >
      <div className="models-page stack">
        <div className="filters">
          <Field label="Search">{(f) => <Input {...f} type="search" value={words} placeholder="name, family, capability" onChange={(e) => setWords(e.target.value)} />}</Field>
          <Field label="Provider">{(f) => <Select {...f} value={provider} onChange={(e) => setProvider(e.target.value)} options={[{ value: '', label: 'All' }, ...providers.map((p) => ({ value: p, label: p }))]} />}</Field>
          <Field label="Which">{(f) => <Select {...f} value={only} onChange={(e) => setOnly(e.target.value)} options={[{ value: '', label: 'All' }, { value: 'enabled', label: 'Enabled' }, { value: 'disabled', label: 'Disabled' }, { value: 'ending', label: 'Retiring or retired' }]} />}</Field>
        </div>
        <Card flush>
          <DataTable
            label="Models" rows={rows} columns={all.some((m) => m.account_id) ? [columns[0]!, account, ...columns.slice(1)] : columns} id={keyOf} onOpen={(m) => setId(keyOf(m))} open={open ? keyOf(open) : ''} sort={{ key: 'model' }}
            loading={q.isPending} error={q.error} retry={() => void q.refetch()} empty={all.length === 0 ? <Empty title="The catalogue is empty">Add a provider first, then its models.</Empty> : <Empty title="No model is like that">Search for less.</Empty>}
          />
        </Card>
        {id === 'new' && can('POST', '/api/v1/models') && <AddModel onClose={close} onAdded={setId} />}
        {open && <ModelDrawer key={keyOf(open)} of={open} onClose={close} />}
        {id !== '' && id !== 'new' && !open && <Drawer title={id} onClose={close}>{q.isPending ? <Loading what="The model" rows={5} /> : <Empty title="There is no such model here.">It may have been deleted, or belong to another account.</Empty>}</Drawer>}
      </div>
    </Frame>
  )
}

const account: Column<Model> = { key: 'account', title: 'Account', by: (m) => m.account_id ?? '', cell: (m) => m.account_id ?? 'all' }

const columns: Column<Model>[] = [
  { key: 'model', title: 'Model', narrow: 'title', by: (m) => `${m.family ?? ''} ${m.id ?? ''}`, cell: (m) => <div className="model-name"><FamilyMark family={m.family}><strong>{m.id}</strong></FamilyMark>{m.tier && <div className="soft small">{m.tier}</div>}</div> },
  { key: 'provider', title: 'Provider', by: (m) => m.provider, cell: (m) => <Link to="/providers" search={{ id: m.account_id ? `${m.account_id}/${m.provider}` : m.provider }}>{m.provider}</Link> },
  { key: 'capabilities', title: 'Capabilities', cell: (m) => <span className="capabilities">{(m.capabilities ?? []).join(', ').replaceAll('_', ' ') || '–'}</span> },
  { key: 'context', title: 'Context', end: true, by: (m) => m.context_window || null, cell: (m) => tokens(m.context_window) },
  { key: 'price', title: 'Input / output', end: true, by: (m) => (m.price ? Number(m.price.output) : null), cell: (m) => (m.price ? <span className="figure">{dollars(m.price.input)} / {dollars(m.price.output)}</span> : '–') },
  { key: 'premium', title: 'Premium', end: true, by: (m) => m.premium_requests ?? null, cell: (m) => (m.premium_requests === undefined ? '–' : `× ${m.premium_requests}`) },
  { key: 'life', title: 'Lifecycle', by: (m) => m.retires_at ?? null, cell: (m) => <Life of={m} /> },
  { key: 'enabled', title: 'State', by: (m) => (m.enabled === false ? 1 : 0), cell: (m) => (m.enabled === false ? <Chip kind="hatched">disabled</Chip> : 'enabled') },
]

function Life({ of: m }: { of: Model }) {
  const l = lifecycle(m, Date.now())
  return <div className="life">{l.soon ? <Chip kind="outline">{l.word === 'active' ? 'retires soon' : l.word}</Chip> : l.word}{l.next && <div className="soft small">{l.next}</div>}</div>
}
