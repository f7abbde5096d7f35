import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { count, day } from '../../api/format'
import { useSend } from '../../api/query'
import { useCan } from '../../api/session'
import { Button, Chip, Confirm, Drawer, Facts, Failure, FamilyMark, ModelName, Note, Tabs, toast, useUrlState } from '../../ui'
import { useManaged } from '../providers/managed'
import { TrialDialog } from '../providers/Trial'
import { lifecycle, modelRoutes, whose, type Model } from './model'
import { Prices } from './Prices'
import { Settings } from './Settings'

/** ModelDrawer is everything about one model of the catalogue. */
export function ModelDrawer({ of: m, onClose }: { of: Model; onClose: () => void }) {
  const can = useCan()
  const managed = useManaged()
  const [tab, setTab] = useUrlState('tab', 'facts')
  const [asking, setAsking] = useState<'test' | 'switch' | null>(null)
  const mine = managed(m.account_id) && can('PATCH', '/api/v1/models/{id}')
  const off = m.enabled === false
  return (
    <Drawer
      wide title={m.id ?? ''} onClose={onClose}
      actions={<>
        {can('POST', '/api/v1/models/{id}/test') && managed(m.account_id) && <Button icon="play" onClick={() => setAsking('test')}>Test</Button>}
        {mine && <Button kind={off ? 'primary' : 'danger'} onClick={() => setAsking('switch')}>{off ? 'Enable' : 'Disable'}</Button>}
      </>}
    >
      {off && <Note kind="warn">This model is disabled: rules and fallbacks that name it skip it.</Note>}
      <Tabs
        label="Model" at={tab} onChange={setTab}
        tabs={[
          { id: 'facts', title: 'Facts', panel: <ModelFacts of={m} /> },
          ...(can('GET', '/api/v1/models/{id}/prices') ? [{ id: 'prices', title: 'Prices', panel: <Prices of={m} /> }] : []),
          ...(mine ? [{ id: 'settings', title: 'Fallbacks & settings', panel: <Settings of={m} /> }] : []),
        ]}
      />
      {asking === 'test' && <Test of={m} onClose={() => setAsking(null)} />}
      {asking === 'switch' && <Switch of={m} onClose={() => setAsking(null)} />}
    </Drawer>
  )
}

function ModelFacts({ of: m }: { of: Model }) {
  const l = lifecycle(m, Date.now())
  const list = (x: readonly string[] | null | undefined) => (x && x.length > 0 ? x.join(', ') : '–')
  return (
    <Facts items={[
      ['Name', m.display_name || m.id || '–'],
      ['Family', <FamilyMark family={m.family} />],
      ['Provider', <><Link to="/providers" search={{ id: m.account_id ? `${m.account_id}/${m.provider}` : m.provider }}>{m.provider}</Link> <span className="soft">which calls it <code>{m.upstream_id}</code></span></>],
      ['Of', m.account_id ? `account ${m.account_id}` : 'all accounts'],
      ['Tier', m.tier || '–'],
      ['Wire', m.api || 'the adapter’s own'],
      ['Context window', m.context_window ? `${count(m.context_window, 'exact')} tokens` : '–'],
      ['Longest answer', m.max_output ? `${count(m.max_output, 'exact')} tokens` : '–'],
      ['Capabilities', list(m.capabilities)],
      ['Modalities', list(m.modalities)],
      ['Members it rejects', m.unsupported && m.unsupported.length > 0 ? m.unsupported.join(', ') : 'none that is known'],
      ['Premium requests', m.premium_requests === undefined ? '–' : `${m.premium_requests} for each call`],
      ['Lifecycle', <>{l.word}{l.next && ` ${l.next}`}</>],
      ['Retires', m.retires_at ? day(m.retires_at) : 'no date is known'],
      ['Replacement', m.replacement ? <code>{m.replacement.upstream_id}</code> : 'none'],
      ['Once retired', m.no_substitute ? 'it is skipped' : m.replacement ? 'its replacement serves it' : 'it is skipped'],
      ['Fallbacks', m.fallbacks && m.fallbacks.length > 0 ? <span className="row">{m.fallbacks.map((f) => <ModelName key={f} id={f} />)}</span> : 'none'],
      ['Source of these facts', m.source || '–'],
      ['State', off(m) ? <Chip kind="hatched">disabled</Chip> : 'enabled'],
    ]} />
  )
}

const off = (m: Model): boolean => m.enabled === false

function Test({ of: m, onClose }: { of: Model; onClose: () => void }) {
  const test = useSend('post', '/api/v1/models/{id}/test')
  return (
    <TrialDialog title={`Test ${m.id ?? ''}?`} onTest={() => test.mutate({ path: { id: m.id ?? '' }, query: whose(m) })} busy={test.isPending} error={test.error} trial={test.data} onClose={onClose}>
      One short call is made with it, and billed like any other.
    </TrialDialog>
  )
}

function Switch({ of: m, onClose }: { of: Model; onClose: () => void }) {
  const save = useSend('patch', '/api/v1/models/{id}', modelRoutes)
  const on = off(m)
  return (
    <Confirm
      title={`${on ? 'Enable' : 'Disable'} ${m.id ?? ''}?`} verb={on ? 'Enable model' : 'Disable model'} danger={!on} busy={save.isPending} onClose={onClose}
      onConfirm={() => save.mutate({ path: { id: m.id ?? '' }, query: whose(m), body: { enabled: on } }, { onSuccess: () => { toast(on ? `${m.id ?? ''} is enabled.` : `${m.id ?? ''} is disabled.`); onClose() } })}
    >
      <p>{on ? 'Requests may be sent to it again, as rules and health decide.' : 'Rules and fallbacks that name it go on to the next. It lasts through releases of Pointsman.'}</p>
      {save.error && <Failure error={save.error} what="Not done" />}
    </Confirm>
  )
}
