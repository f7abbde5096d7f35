import { useGet } from '../api/query'
import { useCan, useSession } from '../api/session'
import { Combobox, Field, Select, type Option } from './Field'

/** AccountPicker chooses whose data a page shows. Only a super admin has the choice; others see nothing. */
export function AccountPicker({ value, onChange, all = 'Own account', label, hint }: { value: string; onChange: (account: string) => void; /** What an empty value is. */ all?: string; /** Of a form; without it, it stands at a page's head. */ label?: string; hint?: string }) {
  const session = useSession()
  const may = session.role === 'super_admin'
  const q = useGet('/api/v1/accounts', {}, { enabled: may, staleTime: 60_000 })
  if (!may) return null
  const accounts = (q.data?.data ?? []).map((a) => ({ value: a.id, label: a.name || a.id }))
  const known = value === '' || accounts.some((a) => a.value === value)
  return <Field label={label ?? 'Account'} bare={!label} {...(hint ? { hint } : {})}>{(f) => <Select {...f} value={value} onChange={(e) => onChange(e.target.value)} options={[{ value: '', label: all }, ...accounts, ...(known ? [] : [{ value, label: value }])]} />}</Field>
}

type Kind = 'team' | 'user' | 'key'

/** useOwners is the teams, users or keys that whoever is logged in may list; names by id. */
export function useOwners(kind: Kind, account = ''): { options: readonly Option[]; name: (id: string) => string } {
  const can = useCan()
  const query = { limit: 200, ...(account ? { account_id: account } : {}) }
  const o = (k: Kind) => ({ enabled: kind === k && can('GET', `/api/v1/${k}s`), staleTime: 60_000 })
  const teams = useGet('/api/v1/teams', { query }, o('team'))
  const users = useGet('/api/v1/users', { query }, o('user'))
  const keys = useGet('/api/v1/keys', { query }, o('key'))
  const options: Option[] = kind === 'team' ? (teams.data?.data ?? []).map((t) => ({ value: t.id, label: t.name || t.id, group: t.id }))
    : kind === 'user' ? (users.data?.data ?? []).map((u) => ({ value: u.id, label: u.name || u.id, group: u.id }))
      : (keys.data?.data ?? []).map((k) => ({ value: k.id, label: k.name || k.id, group: `${k.id} ${k.prefix}`, detail: <span>{k.name || k.id} <span className="soft mono">{k.prefix}…{k.revoked_at ? ' revoked' : ''}</span></span> }))
  return { options, name: (id) => options.find((x) => x.value === id)?.label ?? id }
}

/** OwnerPicker chooses a team, a user or a key; an id that it does not know is taken as it is. */
export function OwnerPicker({ kind, account = '', ...rest }: { kind: Kind; account?: string; id?: string; 'aria-describedby'?: string; value: string; onChange: (id: string) => void; placeholder?: string; disabled?: boolean }) {
  const { options } = useOwners(kind, account)
  return <Combobox {...rest} options={options} free clearable placeholder={rest.placeholder ?? 'All'} />
}
