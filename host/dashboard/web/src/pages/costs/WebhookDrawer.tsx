import { useState } from 'react'
import { count, duration, moment } from '../../api/format'
import { useGet, useSend, type Data } from '../../api/query'
import { useCan } from '../../api/session'
import { Ago, Button, ButtonRow, Confirm, Drawer, Empty, Facts, Failure, Loading, Note, StatusWord, toast, toastFailure } from '../../ui'
import { SecretDialog } from './NewWebhook'
import type { Webhook } from './Webhooks'

type Delivery = NonNullable<Data<'get', '/api/v1/webhooks/{id}/deliveries'>['data']>[number]

/** WebhookDrawer is one webhook: a test, switching and rotating, and what was delivered. */
export function WebhookDrawer({ of: w, onClose }: { of: Webhook; onClose: () => void }) {
  const can = useCan()
  const [asking, setAsking] = useState<'' | 'delete' | 'rotate'>('')
  const [secret, setSecret] = useState('')
  const path = { id: w.id }
  const query = w.account_id ? { account_id: w.account_id } : {}
  const test = useSend('post', '/api/v1/webhooks/{id}/test', ['/api/v1/webhooks/{id}/deliveries'])
  const change = useSend('patch', '/api/v1/webhooks/{id}', ['/api/v1/webhooks'])
  const remove = useSend('delete', '/api/v1/webhooks/{id}', ['/api/v1/webhooks'])
  const rotate = useSend('post', '/api/v1/webhooks/{id}/rotate', ['/api/v1/webhooks'])
  return (
    <Drawer title={w.name || 'Webhook'} onClose={onClose} wide actions={<>{can('DELETE', '/api/v1/webhooks/{id}') && <Button kind="danger" icon="trash" onClick={() => setAsking('delete')}>Delete</Button>}<Button onClick={onClose}>Close</Button></>}>
      {!w.enabled && w.disabled_why && <Note kind="warn"><strong>The gateway switched it off:</strong> {w.disabled_why}</Note>}
      <Facts items={[
        ['Address', <code key="u">{w.url}</code>],
        ['Gets', (w.events ?? []).length > 0 ? (w.events ?? []).join(', ') : 'everything'],
        ['State', w.enabled ? <StatusWord key="s" status="up" word="On" /> : <StatusWord key="s" status="unknown" word="Off" />],
        ['Secret', <>version {w.secret_version}{w.previous_secret_until && <span className="soft">, the one before signs too until {moment(w.previous_secret_until)}</span>}</>],
        ['Made', moment(w.created_at)],
      ]} />
      <ButtonRow>
        {can('POST', '/api/v1/webhooks/{id}/test') && <Button kind="primary" icon="play" busy={test.isPending} onClick={() => test.mutate({ path, query })}>Send test</Button>}
        {can('PATCH', '/api/v1/webhooks/{id}') && <Button busy={change.isPending} onClick={() => change.mutate({ path, query, body: { enabled: !w.enabled } }, { onSuccess: () => toast(w.enabled ? 'Switched off' : 'Switched on: what waited is sent'), onError: toastFailure })}>{w.enabled ? 'Switch off' : 'Switch on'}</Button>}
        {can('POST', '/api/v1/webhooks/{id}/rotate') && <Button icon="refresh" onClick={() => setAsking('rotate')}>Rotate secret</Button>}
      </ButtonRow>
      <div role="status">
        {test.error && <Failure error={test.error} what="The test" />}
        {test.data && <Note kind={test.data.ok ? 'good' : 'warn'}>{test.data.ok ? 'The test was taken' : 'The test was not taken'} after {duration(test.data.took_ms)}{test.data.status ? `, with the answer ${test.data.status}` : ''}. {test.data.error}</Note>}
      </div>
      <h3>Deliveries</h3>
      <Deliveries of={w} />
      {asking === 'delete' && (
        <Confirm title="Delete the webhook?" verb="Delete webhook" danger busy={remove.isPending} onClose={() => setAsking('')} onConfirm={() => void remove.mutateAsync({ path, query }).then(() => { toast('Webhook deleted'); onClose() }, toastFailure)}>
          <p>What still waits to be delivered is dropped.</p>
        </Confirm>
      )}
      {asking === 'rotate' && (
        <Confirm title="Rotate the secret?" verb="Rotate secret" busy={rotate.isPending} onClose={() => setAsking('')} onConfirm={() => rotate.mutate({ path, query, body: {} }, { onSuccess: (r) => { setAsking(''); setSecret(r.secret ?? '') }, onError: toastFailure })}>
          <p>A new secret is shown once. For a day calls are signed with both, so the receiver can change in its own time.</p>
        </Confirm>
      )}
      {secret && <SecretDialog title="The new secret" secret={secret} onClose={() => setSecret('')} />}
    </Drawer>
  )
}

const states: Record<Delivery['state'], { status: string; word: string }> = { delivered: { status: 'up', word: 'Delivered' }, pending: { status: 'degraded', word: 'Waits' }, given_up: { status: 'down', word: 'Given up' } }

function Deliveries({ of: w }: { of: Webhook }) {
  const can = useCan()
  const query = w.account_id ? { account_id: w.account_id } : {}
  const q = useGet('/api/v1/webhooks/{id}/deliveries', { path: { id: w.id }, query: { ...query, limit: 50 } }, { live: true, refetchInterval: 10_000 })
  const retry = useSend('post', '/api/v1/webhooks/{id}/deliveries/{delivery_id}/retry', ['/api/v1/webhooks/{id}/deliveries'])
  if (q.error && !q.data) return <Failure error={q.error} retry={() => void q.refetch()} what="Deliveries" />
  if (!q.data) return <Loading what="Deliveries" />
  const rows = q.data.data ?? []
  if (rows.length === 0) return <Empty title="Nothing was delivered yet">They are kept for 30 days.</Empty>
  return (
    <ol className="deliveries" aria-label="Deliveries, newest first">
      {rows.map((d) => {
        const s = states[d.state]
        return (
          <li key={d.id}>
            <p className="row spread"><strong>{d.type}</strong><StatusWord status={s.status} word={s.word} /></p>
            <p className="soft"><Ago at={d.created_at} /> · {count(d.tries)} {d.tries === 1 ? 'try' : 'tries'}{d.status !== undefined && ` · answered ${d.status}`}{d.state === 'pending' && d.next_at && w.enabled && <> · next <Ago at={d.next_at} /></>}{d.error && ` · ${d.error}`}</p>
            <details><summary>What is sent</summary><pre className="webhook-payload" tabIndex={0}>{JSON.stringify(d.payload, null, 2)}</pre></details>
            {d.state !== 'delivered' && can('POST', '/api/v1/webhooks/{id}/deliveries/{delivery_id}/retry') && <p><Button small icon="refresh" busy={retry.isPending && retry.variables?.path.delivery_id === d.id} onClick={() => retry.mutate({ path: { id: w.id, delivery_id: d.id }, query }, { onSuccess: () => toast('It is sent again'), onError: toastFailure })}>Send again<span className="sr">: {d.type}</span></Button></p>}
          </li>
        )
      })}
    </ol>
  )
}
