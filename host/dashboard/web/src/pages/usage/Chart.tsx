import { useMemo } from 'react'
import { useGet } from '../../api/query'
import { minute, useStep } from '../../api/window'
import { Card, Empty, Failure, Field, Loading, Note, Select, TimeSeries, useUrlState } from '../../ui'
import type { Filter } from './index'
import { metrics, seriesOf } from './metrics'
import { stepsOf, type Range } from './range'

/** Chart is one metric over the time that is chosen. */
export function Chart({ filter, range }: { filter: Filter; range: Range }) {
  const [id, setId] = useUrlState('show', 'requests')
  const m = metrics.find((x) => x.id === id) ?? metrics[0]!
  const now = useStep(minute)
  const { from, to, grain } = range
  const steps = useMemo(() => stepsOf({ from, to, grain }, now), [from, to, grain, now])
  const q = useGet('/api/v1/usage', { query: { ...filter, grain, limit: 1000 } }, { live: true, keep: true })
  const series = useMemo(() => seriesOf(m, q.data?.groups ?? [], steps), [m, q.data, steps])
  const none = series.every((s) => s.values.every((v) => v === null || v === 0))
  return (
    <Card title={`${m.title} by ${grain}`} aside={<Field label="Show" bare>{(f) => <Select {...f} value={m.id} onChange={(e) => setId(e.target.value)} options={metrics.map((x) => ({ value: x.id, label: x.title }))} />}</Field>}>
      {q.error && !q.data ? <Failure error={q.error} retry={() => void q.refetch()} what="Usage" /> : !q.data ? <Loading what="Usage" rows={6} />
        : none ? <Empty title="Nothing in this time">Choose a longer time, or fewer filters.</Empty>
          : <TimeSeries key={m.id} label={`${m.title} by ${grain}`} times={steps} series={series} format={m.format} stacked={m.stacked ?? false} height={240} />}
      {q.data?.more && <Note kind="warn">There are more steps than can be drawn: choose a shorter time.</Note>}
    </Card>
  )
}
