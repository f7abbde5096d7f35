import { useState } from 'react'
import { useGet, type Data } from '../../api/query'
import { useCan } from '../../api/session'
import { Button, Card, DataTable, Empty, StatusWord, useUrlState, type Column } from '../../ui'
import { NewWebhook } from './NewWebhook'
import { WebhookDrawer } from './WebhookDrawer'

export type Webhook = NonNullable<Data<'get', '/api/v1/webhooks'>['data']>[number]

/** Webhooks is who is called when something happens: a budget's threshold, a provider that is down. */
export function Webhooks({ account }: { account: string }) {
  const can = useCan()
  const [open, setOpen] = useUrlState('webhook')
  const [creating, setCreating] = useState(false)
  const q = useGet('/api/v1/webhooks', { query: account ? { account_id: account } : {} }, { live: true })
  const rows = q.data?.data ?? []
  const chosen = rows.find((w) => w.id === open)
  const columns: Column<Webhook>[] = [
    { key: 'name', title: 'Name', cell: (w) => <button type="button" className="budget-name" onClick={() => setOpen(w.id)}>{w.name || w.id}</button>, by: (w) => w.name, narrow: 'title' },
    { key: 'url', title: 'Address', cell: (w) => <code>{w.url}</code> },
    { key: 'events', title: 'Gets', cell: (w) => ((w.events ?? []).length > 0 ? (w.events ?? []).join(', ') : 'everything') },
    { key: 'account', title: 'Of', cell: (w) => w.account_id || 'the operator' },
    { key: 'state', title: 'State', cell: (w) => (w.enabled ? <StatusWord status="up" word="On" /> : <StatusWord status={w.disabled_why ? 'down' : 'unknown'} word={w.disabled_why ? 'Switched off by the gateway' : 'Off'} />) },
  ]
  return (
    <Card flush title="Webhooks" aside={can('POST', '/api/v1/webhooks') && <Button small kind="primary" icon="plus" onClick={() => setCreating(true)}>New webhook</Button>}>
      <DataTable label="Webhooks" rows={rows} columns={columns} id={(w) => w.id} onOpen={(w) => setOpen(w.id)} open={open} loading={q.isPending} error={q.error} retry={() => void q.refetch()} empty={<Empty title="Nobody is called when something happens">A webhook gets budget thresholds, provider outages and suspensions, signed.</Empty>} />
      {creating && <NewWebhook account={account} onClose={() => setCreating(false)} />}
      {chosen && <WebhookDrawer key={chosen.id} of={chosen} onClose={() => setOpen('')} />}
    </Card>
  )
}
