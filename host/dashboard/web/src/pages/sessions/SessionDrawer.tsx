import { useState } from 'react'
import { count } from '../../api/format'
import { useGet } from '../../api/query'
import { Ago, Drawer, Facts, Failure, Loading, ModelName, Tabs } from '../../ui'
import { Handoffs } from './Handoffs'
import { Notes } from './Notes'
import { routeOf, type Place } from './session'

/** SessionDrawer shows one conversation: never what was said, but what is noted of it. */
export function SessionDrawer({ of, onClose }: { of: Place; onClose: () => void }) {
  const [tab, setTab] = useState('notes')
  const q = useGet('/api/v1/sessions/{id}', routeOf(of), { live: true })
  const s = q.data
  return (
    <Drawer wide title={<>Session <code>{of.id}</code></>} onClose={onClose}>
      {q.error ? <Failure error={q.error} what="The session" retry={() => void q.refetch()} /> : !s ? <Loading what="The session" /> : (
        <Facts items={[
          ['User', `${s.user_id} of ${s.account_id}`], ['Turns', count(s.turns)], ['Last model', s.model ? <ModelName key="m" id={s.model} /> : '–'], ['Last agent', s.agent || '–'],
          ['Last turn', <Ago key="u" at={s.updated_at} />], ['Begun', <Ago key="c" at={s.created_at} />], ['Forgotten', <Ago key="e" at={s.expires_at} />],
        ]} />
      )}
      <Tabs label="Session" at={tab} onChange={setTab} tabs={[{ id: 'notes', title: 'Notes', panel: <Notes of={of} /> }, { id: 'handoffs', title: 'Handoffs', panel: <Handoffs of={of} /> }]} />
    </Drawer>
  )
}
