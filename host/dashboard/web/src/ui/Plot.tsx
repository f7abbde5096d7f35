import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { onTheme } from '../theme/theme'
import type { TimeSeriesProps } from './charts'

const palette = ['--family-gemini', '--family-claude', '--family-gpt', '--family-codex', '--family-raptor', '--family-other']

/** lonely is the places of values without a neighbour. */
const lonely = (values: readonly (number | null)[]): number[] => values.flatMap((v, i) => (v !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null ? [i] : []))

/** Plot draws a TimeSeries with uPlot. It redraws when the theme or the size changes. */
export default function Plot({ label, times, series, stacked, format, height = 220 }: TimeSeriesProps) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const el = box.current
    if (!el) return
    let plot: uPlot | undefined
    const draw = () => {
      plot?.destroy()
      const css = getComputedStyle(document.documentElement)
      const resolve = (c: string) => (c.startsWith('var(') ? css.getPropertyValue(c.slice(4, -1)).trim() : c)
      const colours = series.map((s, i) => resolve(s.colour ?? `var(${palette[i % palette.length]})`))
      // Stacked: each line is the sum of itself and those below it.
      const sums = series.map((s, i) => s.values.map((v, j) => (stacked ? series.slice(0, i + 1).reduce((n, t) => n + (t.values[j] ?? 0), 0) : v)))
      const axis = { stroke: resolve('var(--soft)'), grid: { stroke: resolve('var(--line)'), width: 1 }, ticks: { show: false }, font: '11px system-ui' }
      plot = new uPlot(
        {
          width: Math.max(200, el.clientWidth),
          height,
          legend: { live: true },
          cursor: { y: false, points: { size: 6 } },
          scales: { x: { time: true }, y: { range: (_u, min, max) => [Math.min(0, min ?? 0), (max ?? 1) <= 0 ? 1 : (max ?? 1) * 1.08] } },
          axes: [axis, { ...axis, size: 64, values: (_u, ticks) => ticks.map((v) => format?.(v) ?? String(v)) }],
          series: [
            { label: 'Time' },
            ...series.map((s, i) => ({
              label: s.label, stroke: colours[i]!, width: 2,
              // A value between two that are not known makes no line: it is a dot.
              points: { show: true, size: 5, filter: () => lonely(s.values) },
              ...(s.dashed ? { dash: [6, 4] } : {}),
              ...(stacked ? { fill: `${colours[i]}55` } : {}),
              value: (_u: uPlot, _v: number, _s: number, at: number | null) => (at === null ? '–' : (format?.(s.values[at] ?? null) ?? '')),
            })),
          ],
          ...(stacked ? { bands: series.slice(1).map((_, i) => ({ series: [i + 2, i + 1] as [number, number] })) } : {}),
        },
        [times.map((t) => t / 1000), ...sums] as uPlot.AlignedData,
        el,
      )
    }
    draw()
    const size = new ResizeObserver(() => plot?.setSize({ width: Math.max(200, el.clientWidth), height }))
    size.observe(el)
    const off = onTheme(draw)
    return () => {
      off()
      size.disconnect()
      plot?.destroy()
    }
  }, [times, series, stacked, format, height])
  return <div ref={box} className="plot" role="img" aria-label={`${label}: a chart. “Show as table” has its figures.`} />
}
