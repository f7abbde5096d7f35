import { bytes, count, moment, percent } from '../../api/format'
import { useGet } from '../../api/query'
import { Ago, Button, Card, Chip, Facts, Note } from '../../ui'
import { useManaged } from '../providers/managed'
import { errorShare, fuelLimit, type Plugin, type Version } from './plugin'

/** useStats is how a version does, at the replica that answers; that is told whoever manages it alone. */
export function useStats(v: Version | undefined) {
  const managed = useManaged()
  return useGet('/api/v1/plugins/{name}/{version}/stats', { path: { name: v?.name ?? '', version: v?.version ?? '' }, query: v?.account_id ? { account_id: v.account_id } : {} }, { enabled: v !== undefined && managed(v.account_id), live: true })
}

/** Suspension warns of a version that failed too often. */
export function Suspension({ until, version }: { until: string | undefined; version: string }) {
  if (!until || Date.parse(until) <= Date.now()) return null
  return <Note kind="warn"><p><strong>Version {version} is suspended until {moment(until)}.</strong></p><p>It failed too often, so an older version serves in its place; without one, rules that use it do as their “on failure” says. Activating a version ends this at once.</p></Note>
}

/** PluginCard is a plugin's active version and how it does. */
export function PluginCard({ of: p, usedBy, onOpen }: { of: Plugin; usedBy: string; onOpen: () => void }) {
  const v = p.active ?? p.versions[0]!
  const q = useStats(p.active)
  const s = q.data
  const limit = fuelLimit(v)
  const mine = useManaged()(p.account)
  return (
    <Card title={p.name} aside={<><Chip>{v.kind === 'rule' ? 'rule' : 'provider adapter'}</Chip><Chip kind="outline">{p.account || 'all accounts'}</Chip></>}>
      <div className="stack">
        {v.manifest.description && <p>{v.manifest.description}</p>}
        <Suspension until={s?.suspended_until} version={v.version} />
        <Facts items={[
          ['Active version', p.active ? <>{v.version} <span className="soft">· {p.versions.length === 1 ? 'the only one' : `${p.versions.length} versions`}</span></> : 'none'],
          ['ABI', String(v.manifest.abi)],
          ['Size', bytes(v.size)],
          ['Uploaded', <Ago at={v.created_at} />],
          ['Used by', usedBy],
          ...(mine ? [['Calls', q.error ? 'not known' : s ? count(s.calls) : '–'],
          ['Failed', percent(errorShare(s))],
          ['Fuel, p50 / p99', s && s.calls > 0 ? `${count(s.fuel_p50)} / ${count(s.fuel_p99)}${limit ? ` of ${count(limit)}` : ''}` : '–']] as const : []),
        ]} />
        <div><Button icon="right" onClick={onOpen}>Open<span className="sr"> plugin {p.name}{p.account ? ` of ${p.account}` : ''}</span></Button></div>
      </div>
    </Card>
  )
}
