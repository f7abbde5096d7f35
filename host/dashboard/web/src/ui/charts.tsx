import { lazy, Suspense, useId, useState, type ReactNode } from 'react'
import { clock, count, duration, percent, timeOf } from '../api/format'
import { familyStyle, statuses, statusOf, type Status } from '../theme/families'
import { Button } from './Button'
import { Loading } from './Card'
import { StatusWord } from './marks'

/** WithTable shows a picture with a button for the same as a table. */
export function WithTable({ label, picture, table }: { label: string; picture: ReactNode; table: ReactNode }) {
  const [as, setAs] = useState<'picture' | 'table'>('picture')
  return (
    <div className="with-table">
      {as === 'picture' ? picture : <div className="table-frame" role="region" aria-label={`${label}, as a table`} tabIndex={0}>{table}</div>}
      <Button kind="quiet" small icon={as === 'picture' ? 'table' : 'chart'} onClick={() => setAs(as === 'picture' ? 'table' : 'picture')}>
        {as === 'picture' ? 'Show as table' : 'Show as chart'}<span className="sr">: {label}</span>
      </Button>
    </div>
  )
}

export type HealthCell = { at: string; status?: string | undefined; attempts?: number | undefined; error_rate?: number; p95_ms?: number | undefined }

const step = 5 * 60_000
const cells = 288

/** HealthStrip is 24 hours in cells of five minutes, the newest at the right. Cells in which nothing
 *  happened are left blank: nothing known is not up. now is the end, in ms since 1970. */
export function HealthStrip({ of, data, now, twin = true }: { of: string; data: readonly HealthCell[]; now: number; /** With a button for the table. */ twin?: boolean }) {
  const end = Math.floor(now / step) * step
  const byIndex = new Map<number, HealthCell>()
  for (const c of data) {
    const i = cells - 1 - Math.round((end - timeOf(c.at)) / step)
    if (i >= 0 && i < cells) byIndex.set(i, c)
  }
  const tally: Record<Status, number> = { up: 0, degraded: 0, down: 0, unknown: 0 }
  for (const c of byIndex.values()) tally[statusOf(c.status)]++
  const said = (['up', 'degraded', 'down'] as const).filter((s) => tally[s] > 0).map((s) => `${statuses[s].name.toLowerCase()} in ${tally[s]}`)
  const sentence = `${of}, last 24 hours in 288 cells of five minutes: ${said.length ? said.join(', ') : 'nothing known'}${byIndex.size < cells ? `, ${cells - byIndex.size} without traffic or probe` : ''}.`
  // One path per status, of its own height: shape tells them apart too.
  const shape = (s: Status, top: number) => [...byIndex].filter(([, c]) => statusOf(c.status) === s).map(([i]) => `M${i} ${top}h1V20h-1z`).join('')
  const strip = (
    <svg className="strip" viewBox="0 0 288 20" preserveAspectRatio="none" role="img" aria-label={sentence}>
      <path d="M0 19h288v1H0z" fill="var(--line)" />
      <path d={shape('up', 8)} fill="var(--status-up)" />
      <path d={shape('degraded', 4)} fill="var(--status-degraded)" />
      <path d={shape('down', 0)} fill="var(--status-down)" />
    </svg>
  )
  if (!twin) return strip
  const worth = [...byIndex.values()].filter((c) => statusOf(c.status) !== 'up').reverse()
  return (
    <WithTable
      label={`24 hours of ${of}`} picture={strip}
      table={
        <table className="table table-small">
          <caption className="sr">{sentence}</caption>
          <thead><tr><th scope="col">From</th><th scope="col">Status</th><th scope="col" className="end">Attempts</th><th scope="col" className="end">Errors</th><th scope="col" className="end">p95</th></tr></thead>
          <tbody>
            {worth.length === 0 && <tr><td colSpan={5}>{tally.up > 0 ? `Up in all ${tally.up} cells in which something happened.` : 'Nothing is known of the last 24 hours.'}</td></tr>}
            {worth.map((c) => (
              <tr key={c.at}><td>{clock(c.at)}</td><td><StatusWord status={c.status} /></td><td className="end">{count(c.attempts)}</td><td className="end">{percent(c.error_rate)}</td><td className="end">{c.p95_ms ? duration(c.p95_ms) : '–'}</td></tr>
            ))}
          </tbody>
        </table>
      }
    />
  )
}

/** Sparkline is a small line without axes. What it shows is also in the text beside it. */
export function Sparkline({ values, label, width = 96, height = 28 }: { values: readonly (number | null)[]; label: string; width?: number; height?: number }) {
  const known = values.filter((v): v is number => v !== null)
  if (known.length < 2) return null
  const max = Math.max(...known, 0)
  const min = Math.min(...known, 0)
  const x = (i: number) => ((i / (values.length - 1)) * (width - 2) + 1).toFixed(1)
  const y = (v: number) => (height - 2 - ((v - min) / (max - min || 1)) * (height - 4)).toFixed(1)
  let d = ''
  values.forEach((v, i) => {
    if (v !== null) d += `${d === '' || values[i - 1] === null || values[i - 1] === undefined ? 'M' : 'L'}${x(i)} ${y(v)}`
  })
  return (
    <svg className="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <path d={d} fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" />
    </svg>
  )
}

export type Bar = { id: string; label: ReactNode; value: number; shown: ReactNode; detail?: ReactNode; family?: string | undefined }

/** Bars is a list of horizontal bars, longest of `values` full. Everything is in text as well. */
export function Bars({ label, bars, max }: { label: string; bars: readonly Bar[]; max?: number }) {
  const top = max ?? Math.max(...bars.map((b) => b.value), 0)
  return (
    <ol className="bars" aria-label={label}>
      {bars.map((b) => (
        <li key={b.id} className="bar">
          <span className="bar-label">{b.label}</span>
          <span className="bar-shown">{b.shown}</span>
          <span className="bar-track" aria-hidden="true">
            <span className="bar-fill" style={{ width: `${top > 0 ? Math.max(0, Math.min(100, (b.value / top) * 100)) : 0}%`, background: b.family === undefined ? 'var(--edge)' : familyStyle(b.family).colour }} />
          </span>
          {b.detail && <span className="bar-detail">{b.detail}</span>}
        </li>
      ))}
    </ol>
  )
}

type MeterProps = {
  label: string
  /** The same unit for all of them. */
  value: number | null
  max: number
  /** Marks on the way, as shares of max: 0.5, 0.8, 1. */
  marks?: readonly number[]
  text: ReactNode
}

/** Meter is a gauge with marks; over the last mark it is hatched as well as coloured. */
export function Meter({ label, value, max, marks = [], text }: MeterProps) {
  const id = useId()
  const share = value === null || max <= 0 ? null : value / max
  const passed = marks.filter((m) => share !== null && share >= m).length
  const state = share === null ? 'unknown' : share >= 1 ? 'over' : passed > 0 && passed >= marks.length - 1 ? 'near' : 'well'
  const word = { unknown: 'not known', over: 'used up', near: 'close to the limit', well: 'within the limit' }[state]
  return (
    <div className="meter">
      <div className="meter-text"><span id={id}>{label}</span><span>{text}{state === 'over' || state === 'near' ? <strong className="meter-word"> · {word}</strong> : null}</span></div>
      <div
        className="meter-track" role="meter" aria-labelledby={id} aria-valuemin={0} aria-valuemax={100}
        aria-valuenow={share === null ? 0 : Math.min(100, Math.round(share * 100))} aria-valuetext={share === null ? 'not known' : `${percent(share)}, ${word}`}
      >
        <span className={`meter-fill meter-${state}`} style={{ width: `${Math.min(100, (share ?? 0) * 100)}%` }} />
        {marks.filter((m) => m < 1).map((m) => <span key={m} className="meter-mark" style={{ left: `${m * 100}%` }} />)}
      </div>
    </div>
  )
}

/** Progress shows that something goes on; value is 0 to 1, or left out when nobody knows. */
export function Progress({ label, value }: { label: string; value?: number }) {
  return (
    <div className="progress" role="status">
      <span>{label}</span>
      <progress aria-label={label} max={1} {...(value === undefined ? {} : { value })} />
    </div>
  )
}

export type Series = {
  label: string
  /** As many as there are times; null: not known. */
  values: readonly (number | null)[]
  /** A CSS colour: 'var(--family-gpt)'. */
  colour?: string
  dashed?: boolean
}

export type TimeSeriesProps = {
  label: string
  /** Milliseconds since 1970, rising. */
  times: readonly number[]
  series: readonly Series[]
  /** How values are written. */
  format?: (v: number | null) => string
  /** Areas on top of each other. */
  stacked?: boolean
  height?: number
}

const Plot = lazy(() => import('./Plot'))

/** TimeSeries is a chart over time, loaded when it is first shown, with its twin as a table. */
export function TimeSeries(p: TimeSeriesProps) {
  const format = p.format ?? ((v) => count(v))
  return (
    <WithTable
      label={p.label}
      picture={<Suspense fallback={<div style={{ height: p.height ?? 220 }}><Loading what="Chart" /></div>}><Plot {...p} format={format} /></Suspense>}
      table={
        <table className="table table-small">
          <caption className="sr">{p.label}</caption>
          <thead><tr><th scope="col">Time</th>{p.series.map((s) => <th key={s.label} scope="col" className="end">{s.label}</th>)}</tr></thead>
          <tbody>
            {p.times.map((t, i) => (
              <tr key={t}><td>{new Date(t).toLocaleString()}</td>{p.series.map((s) => <td key={s.label} className="end">{format(s.values[i] ?? null)}</td>)}</tr>
            ))}
          </tbody>
        </table>
      }
    />
  )
}
