import { useState } from 'react'
import { useGet, useSend } from '../../api/query'
import { useCan, useSession } from '../../api/session'
import { AccountPicker, Button, ButtonRow, Card, Chip, Confirm, Empty, Failure, Field, Loading, OwnerPicker, toast, toastFailure, useUrlState } from '../../ui'
import { atLeast } from '../keys/roles'
import { lockOf, members, sourceWords, tenantWords, valueWords, type Effective, type Level, type Preferences } from './members'
import { PreferenceDialog } from './PreferenceDialog'

const routes = ['/api/v1/preferences', '/api/v1/preferences/effective'] as const

/** PreferencesTab is what holds for a user, where each value comes from, and what changes it. */
export function PreferencesTab({ account, onAccount }: { account: string; onAccount: (account: string) => void }) {
  const session = useSession()
  const [user, setUser] = useUrlState('user')
  const q = useGet('/api/v1/preferences/effective', { query: { ...(account ? { account_id: account } : {}), ...(user ? { user_id: user } : {}) } }, { live: true })
  return (
    <div className="stack">
      {session.role !== 'user' && <div className="filters">
        <AccountPicker value={account} onChange={onAccount} />
        <Field label="What holds for user" bare>{(f) => <OwnerPicker {...f} kind="user" account={account} value={user} onChange={setUser} placeholder="Yourself" />}</Field>
      </div>}
      {q.error ? <Failure error={q.error} what="Settings" retry={() => void q.refetch()} /> : !q.data ? <Loading what="Settings" rows={8} /> : <Held of={q.data} />}
    </div>
  )
}

function Held({ of }: { of: Effective }) {
  const ids = of.account_id ? { account_id: of.account_id } : {}
  const global = useGet('/api/v1/preferences', { query: { level: 'global' } }, { live: true })
  const account = useGet('/api/v1/preferences', { query: { level: 'account', ...ids } }, { live: true, enabled: of.account_id !== '' })
  const team = useGet('/api/v1/preferences', { query: { level: 'team', ...ids, ...(of.team_id ? { team_id: of.team_id } : {}) } }, { live: true, enabled: Boolean(of.team_id) })
  const user = useGet('/api/v1/preferences', { query: { level: 'user', ...ids, user_id: of.user_id } }, { live: true, enabled: of.user_id !== '' })
  const levels = [global.data, account.data, of.team_id ? team.data : undefined, user.data]
  const failed = [global, account, team, user].find((q) => q.error)?.error
  return (
    <>
      <Card title={`What holds for ${of.user_id || 'everybody'}`} flush>
        <div className="table-frame">
          <table className="table">
            <caption className="sr">Settings that hold, and where each comes from</caption>
            <thead><tr><th scope="col">Setting</th><th scope="col">Value</th><th scope="col">Set by</th><th scope="col">Lock</th></tr></thead>
            <tbody>
              {members.map((m) => {
                const from = of.sources[m.name] ?? []
                const lock = lockOf(levels, m.name)
                return (
                  <tr key={m.name}>
                    <td className="narrow-title">{m.title}</td>
                    <td data-title="Value"><span>{valueWords(of, m.name)}</span></td>
                    <td data-title="Set by">{from.length === 0 ? <span className="soft">the installation’s default</span> : <span>{from.map((s, i) => <span key={i} className="source">{sourceWords(s)} {s.override && <Chip kind="hatched">override</Chip>}</span>)}</span>}</td>
                    <td data-title="Lock">{lock ? <Chip kind="outline">locked for {tenantWords(lock)}</Chip> : from.some((s) => s.locked) ? <Chip kind="outline">locked</Chip> : <span className="soft">–</span>}</td>
                  </tr>
                )
              })}
            </tbody>
          </table>
        </div>
      </Card>
      {failed && <Failure error={failed} what="What the levels set" />}
      <Levels of={of} levels={levels} />
    </>
  )
}

function Levels({ of, levels }: { of: Effective; levels: readonly (Preferences | undefined)[] }) {
  const can = useCan()
  const session = useSession()
  const [asking, setAsking] = useState<{ what: 'edit' | 'override' | 'lift'; level: Preferences } | null>(null)
  const lift = useSend('delete', '/api/v1/preferences/override', routes)
  const least: Record<Level, string> = { global: 'super_admin', account: 'account_admin', team: 'team_lead', user: 'user' }
  const rows = levels.flatMap((p) => (p?.level ? [p] : [])).filter((p) => can('PUT', '/api/v1/preferences') && atLeast(session.role, least[p.level!]))
  if (rows.length === 0) return <Card><Empty title="You may see these settings, not change them." /></Card>
  const lifted = asking?.what === 'lift' ? asking.level : null
  return (
    <Card title="Change them" aside={`Levels above ${of.user_id}, the highest first`}>
      <ul className="levels">
        {rows.map((p) => (
          <li key={p.level} className="row spread">
            <span><strong>{tenantWords(p)}</strong> {p.updated_by ? <span className="soft">last changed by {p.updated_by}</span> : <span className="soft">nothing is set</span>} {p.override && <Chip kind="hatched">override: {p.override.reason}</Chip>}</span>
            <ButtonRow>
              <Button small icon="edit" onClick={() => setAsking({ what: 'edit', level: p })}>Edit<span className="sr"> settings of {tenantWords(p)}</span></Button>
              {can('PUT', '/api/v1/preferences/override') && <Button small icon="lock" onClick={() => setAsking({ what: 'override', level: p })}>Override<span className="sr"> for {tenantWords(p)}</span></Button>}
              {p.override && can('DELETE', '/api/v1/preferences/override') && <Button small kind="danger" onClick={() => setAsking({ what: 'lift', level: p })}>Remove override<span className="sr"> of {tenantWords(p)}</span></Button>}
            </ButtonRow>
          </li>
        ))}
      </ul>
      {asking && asking.what !== 'lift' && <PreferenceDialog of={asking.level} levels={levels} override={asking.what === 'override'} onClose={() => setAsking(null)} />}
      {lifted && (
        <Confirm
          title={`Remove the override of ${tenantWords(lifted)}?`} verb="Remove override" danger busy={lift.isPending} onClose={() => setAsking(null)}
          onConfirm={() => lift.mutate({ query: { level: lifted.level, ...(lifted.account_id ? { account_id: lifted.account_id } : {}), ...(lifted.team_id ? { team_id: lifted.team_id } : {}), ...(lifted.user_id ? { user_id: lifted.user_id } : {}) } } as never, { onSuccess: () => { toast('The override is removed.'); setAsking(null) }, onError: toastFailure })}
        ><p>What the levels set holds again.</p></Confirm>
      )}
    </Card>
  )
}
