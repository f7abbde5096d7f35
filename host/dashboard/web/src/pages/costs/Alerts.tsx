import { moment, usd } from '../../api/format'
import { useGet, type Data } from '../../api/query'
import { Ago, Card, DataTable, Empty, useUrlState, type Column } from '../../ui'
import { actionWords, usdOf } from './budget'

type Alert = NonNullable<Data<'get', '/api/v1/alerts'>['data']>[number]

/** AlertList is the thresholds that budgets reached, newest first. */
export function AlertList({ account, budget = '' }: { account: string; budget?: string }) {
  const [, setOpen] = useUrlState('budget')
  const q = useGet('/api/v1/alerts', { query: { ...(account ? { account_id: account } : {}), ...(budget ? { budget_id: budget } : {}) } }, { live: true })
  const columns: Column<Alert>[] = [
    { key: 'at', title: 'When', cell: (a) => <Ago at={a.fired_at} />, by: (a) => Date.parse(a.fired_at), narrow: 'title' },
    ...(budget ? [] : [{ key: 'budget', title: 'Budget', cell: (a: Alert) => a.budget_id, by: (a: Alert) => a.budget_id }]),
    { key: 'reached', title: 'Reached', cell: (a) => <>{a.threshold.percent} %{a.threshold.projected && ' projected'}</> },
    { key: 'spent', title: 'Of it', end: true, cell: (a) => <span className="figure">{usd(usdOf(a.spent))} of {usd(usdOf(a.amount))}</span> },
    { key: 'did', title: 'What happened', cell: (a) => (a.threshold.actions ?? []).map(actionWords).join(', ') },
    ...(budget ? [] : [{ key: 'window', title: 'Of the window from', cell: (a: Alert) => moment(a.window) }]),
  ]
  return (
    <DataTable
      label="Alerts" rows={q.data?.data ?? []} columns={columns} id={(a) => `${a.budget_id}/${a.fired_at}/${a.threshold.percent}/${a.threshold.projected ?? false}`}
      loading={q.isPending} error={q.error} retry={() => void q.refetch()} empty={<Empty title="No threshold was reached yet" />}
      {...(budget ? {} : { onOpen: (a: Alert) => setOpen(a.budget_id) })}
    />
  )
}

export const Alerts = ({ account }: { account: string }) => <Card title="Alerts" flush aside="Each threshold tells once in each window."><AlertList account={account} /></Card>
