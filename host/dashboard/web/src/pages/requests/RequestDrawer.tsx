import { Link } from '@tanstack/react-router'
import { count, decimal, duration, moment, took } from '../../api/format'
import { useGet } from '../../api/query'
import { useCan, useSession } from '../../api/session'
import { Button, ButtonRow, CopyButton, Drawer, Empty, Facts, Failure, IconButton, Loading, ModelName, Money, Tabs, useOwners, useUrlState } from '../../ui'
import { Again } from './Again'
import { Attempts } from './Attempts'
import { Cost } from './Cost'
import { DecisionPart } from './DecisionPart'
import { Outcome } from './Outcome'
import { Seen } from './Seen'
import { deciderWords, type Row, type Whole } from './whole'

type Props = { id: string; account: string; onClose: () => void; newer?: () => void; older?: () => void }

/** RequestDrawer is one request: what was decided, what was tried, what it cost. */
export function RequestDrawer({ id, account, onClose, newer, older }: Props) {
  const session = useSession()
  // Nobody but a super admin may name an account.
  const query = session.role === 'super_admin' && account ? { account_id: account } : {}
  const q = useGet('/api/v1/decisions/{request_id}', { path: { request_id: id }, query }, { staleTime: 60_000 })
  const missing = q.error?.status === 404
  const whole = q.data as Whole | undefined
  return (
    <Drawer
      wide onClose={onClose} title={<>Request <span className="mono requests-id">{id}</span></>}
      actions={<>
        <span className="requests-step">
          <IconButton icon="up" label="Newer request (k)" disabled={!newer} onClick={newer} />
          <IconButton icon="down" label="Older request (j)" disabled={!older} onClick={older} />
        </span>
        <CopyButton text={id} label="Copy the id" />
        <Button onClick={onClose}>Close</Button>
      </>}
    >
      <div className="requests-drawer" key={id}>
        {missing ? <Unrecorded id={id} query={query} />
          : q.error && !whole ? <Failure error={q.error} retry={() => void q.refetch()} what="The request" />
            : !whole ? <Loading what="The request" rows={8} />
              : <Shown of={whole} account={account} />}
      </div>
    </Drawer>
  )
}

function Shown({ of: d, account }: { of: Whole; account: string }) {
  const can = useCan()
  const session = useSession()
  const [part, setPart] = useUrlState('part', 'decision')
  const user = useOwners('user', account)
  const key = useOwners('key', account)
  const own = account === '' || account === session.account?.id
  return (
    <>
      <Facts items={[
        ['When', moment(d.at)],
        ['Outcome', <Outcome key="o" of={d} />],
        ['Asked for', <>{d.asked || '–'} <span className="soft">{d.operation}{d.wire && d.wire !== d.operation && ` over the ${d.wire} API`}{d.stream && ', streamed'}</span></>],
        ['Decided by', <>{deciderWords(d.rule, d.rules)} <span className="soft">in {duration(d.decide_us / 1000)}</span></>],
        ['Served by', d.model ? <><ModelName id={d.model} />{d.provider && <span className="soft"> at {d.provider}</span>}</> : 'no model'],
        ['Took', d.attempts > 0 ? <>{took(d.latency_ms)} <span className="soft">in {count(d.attempts)} {d.attempts === 1 ? 'attempt' : 'attempts'}</span></> : 'No provider was asked.'],
        ['Cost', d.attempts > 0 ? <><Money nano={d.cost_nano_usd} /> <span className="soft">{count(d.tokens.prompt)} tokens in, {count(d.tokens.completion)} out{d.premium_requests > 0 && `, ${decimal(d.premium_requests)} premium ${d.premium_requests === 1 ? 'request' : 'requests'}`}</span></> : 'Nothing.'],
        ['Caller', <>{user.name(d.user_id)} <span className="soft">with the key {key.name(d.key_id)}{d.team_id && `, team ${d.team_id}`}{d.session_id && <>, session <Link to="/sessions" search={{ id: d.session_id }}>{d.session_id}</Link></>}</span></>],
      ]} />
      <ButtonRow>
        {can('GET', '/api/v1/rules/graph') && can('POST', '/api/v1/route/explain') && (
          <Link className="button button-plain" to="/routing" search={{ request: d.request_id, ...(own ? {} : { account: d.account_id }) }}>Light its path in Routing</Link>
        )}
      </ButtonRow>
      <Tabs label="Parts of the request" at={part} onChange={setPart} tabs={[
        { id: 'decision', title: 'Decision', panel: <DecisionPart of={d} /> },
        { id: 'attempts', title: <>Attempts <span className="soft">{d.attempts}</span></>, panel: <Attempts rows={d.usage ?? []} /> },
        { id: 'cost', title: 'Cost', panel: <Cost rows={d.usage ?? []} /> },
        ...(can('POST', '/api/v1/route/explain') ? [{ id: 'again', title: 'Explain again', panel: <Again of={d} account={own ? '' : d.account_id} /> }] : []),
        { id: 'seen', title: 'What rules saw', panel: <Seen of={d} /> },
      ]} />
    </>
  )
}

/** Unrecorded: the ledger may still know a request whose decision was not recorded. */
function Unrecorded({ id, query }: { id: string; query: { account_id?: string } }) {
  const usage = useGet('/api/v1/usage', { query: { ...query, request_id: id } })
  const rows: readonly Row[] = usage.data?.data ?? []
  return (
    <>
      <Empty title="No decision of this request is recorded">
        It may be a second old, older than decisions are kept, left out by sampling, or of another account.
      </Empty>
      {usage.isPending && <Loading what="Its attempts" />}
      {rows.length > 0 && <><h3>What the ledger has of it</h3><Attempts rows={rows} /><Cost rows={rows} /></>}
    </>
  )
}
