import { useState } from 'react'
import { count, moment } from '../../api/format'
import { useGet, useSend } from '../../api/query'
import { useCan } from '../../api/session'
import { Button, ButtonRow, Chip, Confirm, DataTable, Empty, Failure, toast, type Column } from '../../ui'
import { dollars, modelRoutes, whose, type Model, type Price } from './model'
import { PriceForm } from './PriceForm'
import { Rerate } from './Rerate'

const words = { in_force: 'in force', future: 'to come', past: 'past' } as const
type Doing = { what: 'add' } | { what: 'correct' | 'take back'; of: Price } | { what: 'rerate'; from: number }

const rest = (p: Price): string => [
  p.cached_input && `cached ${dollars(p.cached_input)}`, p.cache_write && `cache write ${dollars(p.cache_write)}`, p.cache_write_1h && `for an hour ${dollars(p.cache_write_1h)}`, p.reasoning && `reasoning ${dollars(p.reasoning)}`,
  p.per_image && `${dollars(p.per_image)} an image`, p.per_request && `${dollars(p.per_request)} a request`,
  ...(p.tiers ?? []).map((t) => `above ${count(t.above_prompt)} prompt tokens ${dollars(t.input)} / ${dollars(t.output)}`),
].filter(Boolean).join(' · ')

/** Prices is what a model cost, costs and will cost, and how that is changed. */
export function Prices({ of: m }: { of: Model }) {
  const can = useCan()
  const [doing, setDoing] = useState<Doing | null>(null)
  const q = useGet('/api/v1/models/{id}/prices', { path: { id: m.id ?? '' }, query: whose(m) })
  const rows = q.data?.data ?? []
  const mayAdd = can('POST', '/api/v1/models/{id}/prices')
  const mayRerate = can('POST', '/api/v1/models/{id}/prices/rerate')
  const ids = new Set(rows.map((p) => p.upstream_id))
  const close = () => setDoing(null)
  const saved = (from: number) => setDoing(mayRerate && from < Date.now() - 60_000 ? { what: 'rerate', from } : null)
  const columns: Column<Price>[] = [
    { key: 'from', title: 'From', narrow: 'title', by: (p) => p.from, cell: (p) => <div>{moment(p.from)}<div className="row"><Chip kind={p.status === 'in_force' ? 'plain' : 'outline'}>{words[p.status]}</Chip>{p.scope === 'account' && <Chip kind="outline">own price</Chip>}</div></div> },
    ...(ids.size > 1 ? [{ key: 'upstream', title: 'Of', cell: (p: Price) => <span className="mono">{p.upstream_id}</span> }] : []),
    { key: 'input', title: 'Input', end: true, cell: (p) => dollars(p.input) },
    { key: 'output', title: 'Output', end: true, cell: (p) => dollars(p.output) },
    { key: 'rest', title: 'More', cell: (p) => <span className="price-more">{rest(p) || '–'}</span> },
    { key: 'source', title: 'Source', cell: (p) => <span className="price-more">{/^https?:\/\//.test(p.source) ? <a href={p.source} target="_blank" rel="noreferrer noopener">{p.source}</a> : p.source || '–'}</span> },
    ...(mayAdd ? [{
      key: 'do', title: 'Actions', cell: (p: Price) => (
        <ButtonRow>
          <Button small icon="edit" onClick={() => setDoing({ what: 'correct', of: p })}>Correct<span className="sr"> the price of {moment(p.from)}</span></Button>
          {p.status === 'future' && can('DELETE', '/api/v1/models/{id}/prices/{version}') && <Button small kind="danger" onClick={() => setDoing({ what: 'take back', of: p })}>Take back<span className="sr"> the price of {moment(p.from)}</span></Button>}
        </ButtonRow>
      ),
    }] : []),
  ]
  return (
    <>
      <p className="soft">US dollars per million tokens. Each request keeps the price that it was billed at.</p>
      <DataTable label="Prices" rows={rows} columns={columns} id={(p) => `${p.scope} ${p.upstream_id} ${p.version}`} loading={q.isPending} error={q.error} retry={() => void q.refetch()} empty={<Empty title="No price is known">A model without a price is never called.</Empty>} />
      <ButtonRow>
        {mayAdd && <Button kind="primary" icon="plus" onClick={() => setDoing({ what: 'add' })}>Add price</Button>}
        {mayRerate && rows.length > 0 && <Button icon="refresh" onClick={() => setDoing({ what: 'rerate', from: Date.now() - 30 * 86_400_000 })}>Re-rate past requests …</Button>}
      </ButtonRow>
      {doing?.what === 'add' && <PriceForm model={m} onClose={close} onSaved={saved} />}
      {doing?.what === 'correct' && <PriceForm model={m} correct={doing.of} onClose={close} onSaved={saved} />}
      {doing?.what === 'take back' && <TakeBack model={m} of={doing.of} onClose={close} />}
      {doing?.what === 'rerate' && <Rerate model={m} from={doing.from} onClose={close} />}
    </>
  )
}

function TakeBack({ model: m, of: p, onClose }: { model: Model; of: Price; onClose: () => void }) {
  const remove = useSend('delete', '/api/v1/models/{id}/prices/{version}', modelRoutes)
  return (
    <Confirm
      title={`Take back the price of ${moment(p.from)}?`} verb="Take back" danger busy={remove.isPending} onClose={onClose}
      onConfirm={() => remove.mutate({ path: { id: m.id ?? '', version: p.version }, query: { ...whose(m), upstream_id: p.upstream_id } }, { onSuccess: () => { toast('Taken back'); onClose() } })}
    >
      <p>It does not hold yet. The price before it goes on.</p>
      {remove.error && <Failure error={remove.error} what="Not taken back" />}
    </Confirm>
  )
}
