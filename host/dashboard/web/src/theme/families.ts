/** The sets whose members are told apart by colour and shape: see tokens.css and RATIONALE.md. */

export type Family = 'gpt' | 'codex' | 'claude' | 'gemini' | 'raptor' | 'other'
export type Band = 'critical' | 'high' | 'medium' | 'low'
export type Status = 'up' | 'degraded' | 'down' | 'unknown'

type FamilyStyle = { name: string; monogram: string; colour: string }

export const families: Readonly<Record<Family, FamilyStyle>> = {
  gpt: { name: 'GPT', monogram: 'Gp', colour: 'var(--family-gpt)' },
  codex: { name: 'Codex', monogram: 'Cx', colour: 'var(--family-codex)' },
  claude: { name: 'Claude', monogram: 'Cl', colour: 'var(--family-claude)' },
  gemini: { name: 'Gemini', monogram: 'Ge', colour: 'var(--family-gemini)' },
  raptor: { name: 'Raptor', monogram: 'Ra', colour: 'var(--family-raptor)' },
  other: { name: 'Other', monogram: '–', colour: 'var(--family-other)' },
}

/** familyOf reads a family as the catalogue writes it ("GPT", "Raptor (internal)"); one it does not know is 'other'. */
export function familyOf(name: string | undefined | null): Family {
  const word = (name ?? '').trim().toLowerCase().split(/[\s(]/)[0] ?? ''
  return word !== 'other' && Object.hasOwn(families, word) ? (word as Family) : 'other'
}

/** familyStyle is how a family is shown; an unknown one is neutral, with its own initials. */
export function familyStyle(name: string | undefined | null): FamilyStyle {
  const family = familyOf(name)
  if (family !== 'other' || !name) return families[family]
  const trimmed = name.trim()
  return { name: trimmed, monogram: trimmed.slice(0, 1).toUpperCase() + trimmed.slice(1, 2).toLowerCase(), colour: families.other.colour }
}

/** familyOfModel guesses a family from a model's id, for where the catalogue is not at hand. */
export function familyOfModel(id: string): Family {
  const name = id.toLowerCase().split('/').at(-1) ?? ''
  if (/^gpt-.*codex/.test(name) || name.startsWith('codex')) return 'codex'
  if (name.startsWith('gpt-')) return 'gpt'
  for (const f of ['claude', 'gemini', 'raptor'] as const) if (name.startsWith(f)) return f
  return 'other'
}

export const bands: Readonly<Record<Band, { name: string; from: string; colour: string }>> = {
  critical: { name: 'Critical', from: '95 and above', colour: 'var(--band-critical)' },
  high: { name: 'High', from: '90 to 94', colour: 'var(--band-high)' },
  medium: { name: 'Medium', from: '85 to 89', colour: 'var(--band-medium)' },
  low: { name: 'Low', from: 'below 85', colour: 'var(--band-low)' },
}

/** bandOf is the band of a rule's priority. */
export function bandOf(priority: number): Band {
  if (priority >= 95) return 'critical'
  if (priority >= 90) return 'high'
  return priority >= 85 ? 'medium' : 'low'
}

export const statuses: Readonly<Record<Status, { name: string; colour: string }>> = {
  up: { name: 'Up', colour: 'var(--status-up)' },
  degraded: { name: 'Degraded', colour: 'var(--status-degraded)' },
  down: { name: 'Down', colour: 'var(--status-down)' },
  unknown: { name: 'Unknown', colour: 'var(--status-unknown)' },
}

/** statusOf reads the API's health words; what it does not know is unknown, never up. */
export function statusOf(word: string | undefined | null): Status {
  if (word === 'healthy' || word === 'up') return 'up'
  return word === 'degraded' || word === 'down' ? word : 'unknown'
}
