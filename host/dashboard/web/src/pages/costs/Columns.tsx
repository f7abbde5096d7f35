import { usd } from '../../api/format'
import { WithTable } from '../../ui'
import type { Pile } from './groups'

export type Look = { name: string; colour: string }

type Props = { label: string; steps: readonly number[]; unit: 'day' | 'month'; piles: readonly Pile[]; look: (pile: Pile, at: number) => Look }

const top = 100

/** stepName writes a step of UTC. */
export function stepName(at: number, unit: 'day' | 'month'): string {
  return new Date(at).toLocaleDateString(undefined, unit === 'day' ? { day: 'numeric', month: 'short', timeZone: 'UTC' } : { month: 'short', year: 'numeric', timeZone: 'UTC' })
}

/** Columns is what was spent in each step, one group on top of the other, with its twin as a table. */
export function Columns({ label, steps, unit, piles, look }: Props) {
  const sums = steps.map((_, i) => piles.reduce((n, p) => n + Math.max(0, p.values[i]!), 0))
  const max = Math.max(...sums, 1)
  const width = 100 / steps.length
  const gap = Math.min(0.6, width * 0.2)
  const rects = piles.flatMap((p, j) => p.values.map((v, i) => {
    if (v <= 0) return null
    const below = piles.slice(0, j).reduce((n, q) => n + Math.max(0, q.values[i]!), 0)
    const h = (v / max) * top
    return <rect key={`${p.id}/${i}`} x={i * width + gap / 2} width={width - gap} y={top - (below / max) * top - h} height={h} fill={look(p, j).colour} stroke="var(--card)" strokeWidth="1" vectorEffect="non-scaling-stroke" />
  }))
  const dearest = sums.indexOf(Math.max(...sums))
  const sentence = `${label}: ${usd(sums.reduce((a, b) => a + b, 0))} in ${steps.length} ${unit}s, most in ${stepName(steps[dearest]!, unit)} with ${usd(sums[dearest])}. The table has all of it.`
  const ticks = [0, Math.floor((steps.length - 1) / 2), steps.length - 1]
  return (
    <WithTable
      label={label}
      picture={
        <div className="columns">
          <p className="columns-max soft">{usd(max)}</p>
          <svg viewBox={`0 0 100 ${top}`} preserveAspectRatio="none" role="img" aria-label={sentence}>
            <path d="M0 0H100M0 50H100M0 100H100" stroke="var(--line)" strokeWidth="1" vectorEffect="non-scaling-stroke" fill="none" />
            {rects}
          </svg>
          <p className="columns-ticks soft">{ticks.map((i) => <span key={i}>{stepName(steps[i]!, unit)}</span>)}</p>
          <ul className="columns-legend">
            {piles.map((p, i) => { const l = look(p, i); return <li key={p.id}><span className="columns-swatch" style={{ background: l.colour }} aria-hidden="true" />{l.name} <span className="soft">{usd(p.total)}</span></li> })}
          </ul>
        </div>
      }
      table={
        <table className="table table-small">
          <caption className="sr">{label}</caption>
          <thead><tr><th scope="col">{unit === 'day' ? 'Day, UTC' : 'Month, UTC'}</th><th scope="col" className="end">All</th>{piles.map((p, i) => <th key={p.id} scope="col" className="end">{look(p, i).name}</th>)}</tr></thead>
          <tbody>{steps.map((s, i) => <tr key={s}><td>{stepName(s, unit)}</td><td className="end">{usd(sums[i])}</td>{piles.map((p) => <td key={p.id} className="end">{usd(p.values[i])}</td>)}</tr>).reverse()}</tbody>
        </table>
      }
    />
  )
}
