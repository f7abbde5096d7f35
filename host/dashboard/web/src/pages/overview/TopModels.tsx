import { Link } from '@tanstack/react-router'
import { count, percent, usd } from '../../api/format'
import { useGet } from '../../api/query'
import { dayLength, iso, useStep } from '../../api/window'
import { Bars, Card, Empty, FamilyMark, Failure, Loading, Money, useModels, useUrlState } from '../../ui'

const spans = [{ id: '', title: 'Today', days: 0 }, { id: '30d', title: '30 days', days: 29 }] as const

/** TopModels is which models cost most. */
export function TopModels() {
  const today = useStep(dayLength)
  const [span, setSpan] = useUrlState('top')
  const chosen = spans.find((s) => s.id === span) ?? spans[0]
  const q = useGet('/api/v1/costs/top', { query: { from: iso(today - chosen.days * dayLength), limit: 6 } }, { live: true, keep: true })
  const { byId } = useModels()
  const rows = q.data?.data ?? []
  return (
    <Card
      title="Top models by cost"
      aside={<>
        <span className="segments" role="group" aria-label="Time">
          {spans.map((s) => <button key={s.id} type="button" aria-pressed={s === chosen} onClick={() => setSpan(s.id)}>{s.title}</button>)}
        </span>
        <Link to="/models">All models</Link>
      </>}
    >
      {q.error && !q.data ? <Failure error={q.error} retry={() => void q.refetch()} what="Top models" />
        : !q.data ? <Loading what="Top models" rows={6} />
          : rows.length === 0 ? <Empty title={chosen.days === 0 ? 'Nothing was spent today' : 'Nothing was spent in 30 days'}>Send a request to <code>/v1/chat/completions</code> with the model <code>auto</code>.</Empty>
            : (
              <Bars
                label="Models by cost, dearest first"
                bars={rows.map((m) => ({
                  id: m.model, value: m.cost_nano_usd, family: byId.get(m.model)?.family ?? '',
                  label: <FamilyMark family={byId.get(m.model)?.family}><Link to="/models" search={{ id: m.model }}>{m.model}</Link></FamilyMark>,
                  shown: <Money nano={m.cost_nano_usd} />,
                  detail: [m.share !== null && percent(m.share), `${count(m.requests)} requests`, m.cost_nano_usd_per_1000_requests !== null && `${usd(m.cost_nano_usd_per_1000_requests)} per 1,000`, m.unpriced > 0 && `${count(m.unpriced)} without a price`].filter(Boolean).join(' · '),
                }))}
              />
            )}
    </Card>
  )
}
