import { useState } from 'react'
import { ago, count, timeOf, usd } from '../../api/format'
import { useGet } from '../../api/query'
import { useCan } from '../../api/session'
import { Button, Card, Chip, Empty, Failure, Loading, Meter, useNow, useOwners, useUrlState } from '../../ui'
import { actionWords, periodWords, usdOf, type Budget } from './budget'
import { BudgetDrawer } from './BudgetDrawer'

/** useBudgetScope says what a budget is about. */
export function useBudgetScope(account: string): (b: Pick<Budget, 'team_id' | 'user_id' | 'key_id' | 'model_id'>) => string {
  const team = useOwners('team', account)
  const user = useOwners('user', account)
  const key = useOwners('key', account)
  return (b) => {
    const parts = [b.team_id && `team ${team.name(b.team_id)}`, b.user_id && `user ${user.name(b.user_id)}`, b.key_id && `key ${key.name(b.key_id)}`, b.model_id && `model ${b.model_id}`].filter(Boolean)
    return parts.length > 0 ? parts.join(', ') : 'the whole account'
  }
}

/** Budgets is each budget with its gauge, what its thresholds did, and when it begins anew. */
export function Budgets({ account }: { account: string }) {
  const can = useCan()
  const [, setOpen] = useUrlState('budget')
  const [creating, setCreating] = useState(false)
  const q = useGet('/api/v1/budgets', { query: account ? { account_id: account } : {} }, { live: true, refetchInterval: 30_000 })
  const scope = useBudgetScope(account)
  const rows = q.data?.data ?? []
  return (
    <Card title="Budgets" aside={can('POST', '/api/v1/budgets') && <Button small kind="primary" icon="plus" onClick={() => setCreating(true)}>New budget</Button>}>
      {q.error && !q.data ? <Failure error={q.error} retry={() => void q.refetch()} what="Budgets" /> : !q.data ? <Loading what="Budgets" />
        : rows.length === 0 ? <Empty title="No budget limits what is spent">A budget tells, prefers cheaper models or refuses requests when a part of it is used.</Empty>
          : <ul className="budgets" aria-label="Budgets">{rows.map((b) => <li key={b.id}><Gauge of={b} scope={scope(b)} onOpen={() => setOpen(b.id ?? '')} /></li>)}</ul>}
      {creating && <BudgetDrawer id="" account={account} onClose={() => setCreating(false)} />}
    </Card>
  )
}

/** Gauge is how much of a budget is used. Without onOpen it is alone, in the budget's own drawer. */
export function Gauge({ of: b, scope, onOpen }: { of: Budget; scope: string; onOpen?: () => void }) {
  const now = useNow()
  const s = b.state
  const [spent, held, all, projected] = [usdOf(s?.spent), usdOf(s?.held), usdOf(b.amount), usdOf(s?.projected)]
  const name = b.name || b.id || 'Budget'
  const reset = timeOf(s?.resets_at)
  return (
    <div className="budget">
      <p className="row spread">
        {onOpen ? <button type="button" className="budget-name" onClick={onOpen}>{name}</button> : <strong>{name}</strong>}
        <span className="row">
          {b.enabled === false && <Chip kind="hatched">Off</Chip>}
          {s?.stopped && <Chip kind="outline">Refuses requests</Chip>}
          {s?.prefer_cheaper && <Chip kind="outline">Prefers cheaper models</Chip>}
          <Chip>{b.hard ? 'Hard limit' : 'Tells only'}</Chip>
        </span>
      </p>
      <Meter
        label={`${periodWords(b.period)}, ${scope}`} value={Number.isNaN(spent) ? null : spent} max={all}
        marks={(b.thresholds ?? []).filter((t) => !t.projected).map((t) => t.percent / 100).sort((x, y) => x - y)}
        text={<>{Number.isNaN(spent) ? 'not known' : usd(spent)} of {usd(all)}</>}
      />
      <p className="soft">
        {[
          !Number.isNaN(held) && held > 0 && `${usd(held)} held for requests under way`,
          !Number.isNaN(projected) && spent > 0 && `${usd(projected)} at its end at this rate`,
          !Number.isNaN(reset) && `${b.period.startsWith('rolling') ? 'something ceases to count' : 'begins anew'} ${reset > now ? ago(reset, now) : 'now'}`,
        ].filter(Boolean).join(' · ')}
      </p>
      {(b.thresholds ?? []).length > 0 && (
        <p className="soft">{(b.thresholds ?? []).map((t) => `At ${count(t.percent)} %${t.projected ? ' projected' : ''}: ${(t.actions ?? []).map(actionWords).join(', ')}`).join(' · ')}</p>
      )}
    </div>
  )
}
