import { describe, expect, it } from 'vitest'
import { metrics, seriesOf, type Group } from './metrics'

const group = (at: number, o: Partial<Group>) => ({ at: new Date(at).toISOString(), requests: 0, attempts: 0, errors: 0, error_rate: 0, latency_ms: { count: 0, p50: 0, p95: 0, p99: 0 }, first_byte_ms: { count: 0, p50: 0, p95: 0, p99: 0 }, ...o }) as Group
const metric = (id: string) => metrics.find((m) => m.id === id)!

describe('seriesOf', () => {
  const steps = [1e12, 2e12, 3e12]
  it('is 0 where nothing was sent', () => {
    expect(seriesOf(metric('requests'), [group(2e12, { requests: 7 })], steps)[0]!.values).toEqual([0, 7, 0])
  })
  it('is not known, and not 0, where nothing was answered', () => {
    const rows = [group(1e12, { latency_ms: { count: 2, p50: 10, p95: 20, p99: 30 } }), group(2e12, {})]
    expect(seriesOf(metric('latency'), rows, steps).map((s) => s.values)).toEqual([[10, null, null], [20, null, null], [30, null, null]])
    expect(seriesOf(metric('errors'), rows, steps)[0]!.values).toEqual([null, null, null])
  })
})
