import type { CSSProperties } from 'react'
import { Button } from '../ui'
import { bands, familyStyle, type Band } from '../theme/families'
import { familyKey, type Filter, type Graph } from './rungs'

/** Legend says what the colours mean, and filters: what is pressed stays bright. */
export function Legend({ legend, filter, onChange, shown, of }: { legend: Graph['legend']; filter: Filter; onChange: (f: Filter) => void; /** How many rungs stay bright, of how many. */ shown: number; of: number }) {
  const active = filter.band !== '' || filter.family !== ''
  return (
    <div className="legend" role="group" aria-label="Legend: choose what to show">
      <span className="legend-title">Priority</span>
      {(legend.bands ?? []).map((b) => {
        const band = bands[b as Band]
        return (
          <button key={b} type="button" className="legend-item" aria-pressed={filter.band === b} onClick={() => onChange({ ...filter, band: filter.band === b ? '' : b })}>
            <span className="legend-band" style={{ borderColor: band?.colour } as CSSProperties} aria-hidden="true" />{band?.name ?? b}<span className="sr"> priority, {band?.from}</span>
          </button>
        )
      })}
      <span className="legend-title">Family</span>
      {(legend.families ?? []).map((f) => {
        const style = familyStyle(f)
        const key = familyKey(f)
        return (
          <button key={f} type="button" className="legend-item" aria-pressed={filter.family === key} onClick={() => onChange({ ...filter, family: filter.family === key ? '' : key })}>
            <span className="family-bar" style={{ background: style.colour }} aria-hidden="true" /><span className="legend-mono" style={{ borderColor: style.colour }} aria-hidden="true">{style.monogram}</span>{style.name}<span className="sr"> models</span>
          </button>
        )
      })}
      {active && <Button small kind="quiet" icon="close" onClick={() => onChange({ band: '', family: '' })}>Show all</Button>}
      <span className={active ? 'soft' : 'sr'} role="status">{active ? `${shown} of ${of} stand out` : ''}</span>
    </div>
  )
}
