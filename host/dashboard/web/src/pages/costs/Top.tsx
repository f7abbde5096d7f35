import { Link } from '@tanstack/react-router'
import { count, percent, usd } from '../../api/format'
import { useGet } from '../../api/query'
import { dayLength, iso, useStep } from '../../api/window'
import { Bars, Card, Empty, Failure, FamilyMark, Loading, Money, useModels } from '../../ui'

/** Top is the models that cost most in 30 days. */
export function Top({ account }: { account: string }) {
  const today = useStep(dayLength)
  const q = useGet('/api/v1/costs/top', { query: { from: iso(today - 29 * dayLength), limit: 10, ...(account ? { account_id: account } : {}) } }, { live: true, keep: true })
  const { byId } = useModels()
  const rows = q.data?.data ?? []
  return (
    <Card title="Top models by cost, 30 days" aside={<Link to="/models">All models</Link>}>
      {q.error && !q.data ? <Failure error={q.error} retry={() => void q.refetch()} what="Top models" /> : !q.data ? <Loading what="Top models" rows={6} />
        : rows.length === 0 ? <Empty title="Nothing was spent in 30 days" /> : (
          <Bars
            label="Models by cost, dearest first"
            bars={rows.map((m) => ({
              id: m.model, value: Math.max(0, m.cost_nano_usd), family: byId.get(m.model)?.family ?? '',
              label: <FamilyMark family={byId.get(m.model)?.family}>{m.model ? <Link to="/models" search={{ id: m.model }}>{m.model}</Link> : 'no model'}</FamilyMark>,
              shown: <Money nano={m.cost_nano_usd} />,
              detail: [m.share !== null && percent(m.share), `${count(m.requests)} requests`, m.cost_nano_usd_per_1000_requests !== null && `${usd(m.cost_nano_usd_per_1000_requests)} per 1,000`, m.unpriced > 0 && `${count(m.unpriced)} without a price`].filter(Boolean).join(' · '),
            }))}
          />
        )}
    </Card>
  )
}
