import { useMemo } from 'react'
import { useGet } from '../api/query'
import { Combobox, type Option } from './Field'
import { FamilyMark } from './marks'

type Props = {
  id?: string
  'aria-describedby'?: string
  'aria-label'?: string
  value: string
  onChange: (id: string) => void
  /** Offers "auto", which leaves the choice to the rules. */
  auto?: boolean
  clearable?: boolean
  disabled?: boolean
  placeholder?: string
}

/** useModels is the catalogue: its rows, and each by its id. */
export function useModels() {
  const q = useGet('/api/v1/models', {}, { staleTime: 60_000 })
  const rows = useMemo(() => (q.data?.data ?? []).flatMap((m) => (m.id ? [{ ...m, id: m.id, family: m.family ?? '' }] : [])), [q.data])
  const byId = useMemo(() => new Map(rows.map((m) => [m.id, m])), [rows])
  return { ...q, rows, byId }
}

/** ModelPicker chooses a model of the catalogue, by family. */
export function ModelPicker({ auto = false, ...rest }: Props) {
  const { rows } = useModels()
  const options = useMemo<Option[]>(() => [
    ...(auto ? [{ value: 'auto', label: 'auto', detail: <span>auto <span className="soft">the rules choose</span></span> }] : []),
    ...[...rows].sort((a, b) => a.family.localeCompare(b.family) || a.id.localeCompare(b.id, undefined, { numeric: true })).map((m) => ({
      value: m.id, label: m.id, group: `${m.family} ${m.display_name ?? ''}`,
      detail: <FamilyMark family={m.family}>{m.id} <span className="soft">{m.tier}{m.enabled ? '' : ' · disabled'}{m.status && m.status !== 'active' ? ` · ${m.status}` : ''}</span></FamilyMark>,
    })),
  ], [rows, auto])
  return <Combobox {...rest} options={options} free placeholder={rest.placeholder ?? 'Choose a model'} />
}

/** ModelName is a model's id behind its family's mark. */
export function ModelName({ id }: { id: string }) {
  const { byId } = useModels()
  const m = byId.get(id)
  return <FamilyMark family={m?.family}>{id}</FamilyMark>
}
