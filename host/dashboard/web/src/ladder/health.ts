import { useMemo } from 'react'
import type { components } from '../api/schema'
import { useGet } from '../api/query'
import { useModels } from '../ui'
import type { GraphNode } from './rungs'

type Subject = Pick<components['schemas']['SubjectHealth'], 'kind' | 'provider' | 'models' | 'status' | 'out' | 'switch'>

/** What keeps a model from being asked (out), or makes it slow or unreliable. */
export type Illness = { status: 'down' | 'degraded'; word: string; out: boolean }
export type Ill = ReadonlyMap<string, Illness>

/** illOf is which models of the catalogue are not well. One is as ill as its provider, or more. */
export function illOf(subjects: readonly Subject[], models: readonly { id: string; provider?: string | undefined }[]): Ill {
  const ill = new Map<string, Illness>()
  const add = (id: string, is: Illness) => {
    const was = ill.get(id)
    if (!was || (is.out && !was.out) || (is.status === 'down' && was.status === 'degraded')) ill.set(id, is)
  }
  for (const s of subjects) {
    const is = illnessOf(s)
    if (!is) continue
    if (s.kind === 'model') for (const id of s.models ?? []) add(id, is)
    if (s.kind === 'provider') for (const m of models) if (m.provider === s.provider) add(m.id, is)
  }
  return ill
}

function illnessOf(s: Subject): Illness | null {
  if (s.switch) return { status: 'down', word: s.switch === 'drained' ? 'Drained' : 'Disabled', out: true }
  if (s.status === 'down' || s.out) return { status: 'down', word: 'Down', out: true }
  return s.status === 'degraded' ? { status: 'degraded', word: 'Degraded', out: false } : null
}

/** standInOf is the fallback that answers while the target is out; undefined when the target does, or nobody can. */
export function standInOf(models: readonly Pick<GraphNode, 'id' | 'model'>[], ill: Ill): string | undefined {
  const first = models.findIndex((m) => !ill.get(m.model ?? '')?.out)
  return first > 0 ? models[first]?.id : undefined
}

/** useIll is illOf now. */
export function useIll(): Ill {
  const q = useGet('/api/v1/health', { query: { cells: false } }, { live: true, refetchInterval: 60_000 })
  const { rows } = useModels()
  return useMemo(() => illOf(q.data?.data ?? [], rows), [q.data, rows])
}
