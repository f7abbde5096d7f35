import type { ReactNode } from 'react'
import { bandOf, bands, familyStyle, statuses, statusOf, type Band } from '../theme/families'
import { Icon, type IconName } from './Icon'

/** Chip is a short word about something. */
export function Chip({ children, kind = 'plain', title }: { children: ReactNode; kind?: 'plain' | 'outline' | 'hatched'; title?: string }) {
  return <span className={`chip chip-${kind}`} title={title}>{children}</span>
}

/** PriorityChip is a rule's priority as a number, in its band's colour, with the band's name. */
export function PriorityChip({ priority, band, bare = false }: { priority: number; band?: Band; /** Without the band's name, where there is no room. */ bare?: boolean }) {
  const b = bands[band ?? bandOf(priority)]
  return (
    <span className="priority" style={{ color: b.colour, borderColor: b.colour }}>
      <span className="priority-number">{priority}</span>
      <span className={bare ? 'sr' : undefined}>{b.name}</span>
    </span>
  )
}

/** FamilyMark is a model family's bar and monogram, before a name in neutral text. */
export function FamilyMark({ family, children }: { family: string | undefined; children?: ReactNode }) {
  const f = familyStyle(family)
  return (
    <span className="family">
      <span className="family-bar" style={{ background: f.colour }} aria-hidden="true" />
      <span className="family-mono" style={{ borderColor: f.colour }} aria-hidden="true">{f.monogram}</span>
      {children === undefined ? <span>{f.name}</span> : <><span className="sr">{f.name}: </span><span className="family-name">{children}</span></>}
    </span>
  )
}

const signs: Record<string, IconName> = { up: 'tick', degraded: 'triangle', down: 'cross', unknown: 'dash' }

/** StatusWord is a health status as an icon and a word. status is a word of the API. */
export function StatusWord({ status, word }: { status: string | undefined | null; /** In place of the status's own name. */ word?: string }) {
  const s = statusOf(status)
  return (
    <span className="status" style={{ color: statuses[s].colour }}>
      <Icon name={signs[s]!} size={16} />
      {word ?? statuses[s].name}
    </span>
  )
}
