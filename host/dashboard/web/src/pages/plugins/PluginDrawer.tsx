import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { bytes, count, moment, percent } from '../../api/format'
import { useGet, useSend } from '../../api/query'
import { useCan, useSession } from '../../api/session'
import { Ago, Button, ButtonRow, Chip, Confirm, CopyButton, Drawer, Empty, Facts, Failure, Field, Loading, Note, Select, Tabs, toast, useUrlState } from '../../ui'
import { useManaged } from '../providers/managed'
import { errorShare, fuelLimit, olderOf, pluginRoutes, type Plugin, type Version } from './plugin'
import { Suspension, useStats } from './PluginCard'

type Use = { id: string; label: string; to: '/routing' | '/providers'; search: Record<string, string>; ref: string }

/** PluginDrawer is a plugin's versions, how each does, what it logs and what uses it. */
export function PluginDrawer({ of: p, uses, onClose }: { of: Plugin; uses: readonly Use[]; onClose: () => void }) {
  const [tab, setTab] = useUrlState('tab', 'versions')
  const [chosen, setChosen] = useState((p.active ?? p.versions[0]!).version)
  const v = p.versions.find((x) => x.version === chosen) ?? p.active ?? p.versions[0]!
  const stats = useStats(p.active)
  const mine = useManaged()(p.account)
  const pick = p.versions.length > 1 && <Field label="Version" bare>{(f) => <Select {...f} value={v.version} onChange={(e) => setChosen(e.target.value)} options={p.versions.map((x) => ({ value: x.version, label: `${x.version}${x.active ? ', active' : ''}` }))} />}</Field>
  return (
    <Drawer wide title={`Plugin ${p.name}${p.account ? ` of ${p.account}` : ''}`} onClose={onClose}>
      {p.active && <Suspension until={stats.data?.suspended_until} version={p.active.version} />}
      <Tabs
        label="Plugin" at={tab} onChange={setTab}
        tabs={[
          { id: 'versions', title: 'Versions', panel: <Versions of={p} uses={uses} /> },
          ...(mine ? [
            { id: 'stats', title: 'Figures', panel: <>{pick}<Figures key={v.version} of={v} /></> },
            { id: 'logs', title: 'Logs', panel: <>{pick}<Logs key={v.version} of={v} /></> },
          ] : []),
          { id: 'uses', title: `Used by (${uses.length})`, panel: <Uses of={uses} /> },
        ]}
      />
    </Drawer>
  )
}

type Asking = { verb: 'activate' | 'rollback' | 'delete'; of: Version }

function Versions({ of: p, uses }: { of: Plugin; uses: readonly Use[] }) {
  const can = useCan()
  const session = useSession()
  const managed = useManaged()
  const [asking, setAsking] = useState<Asking | null>(null)
  const provider = p.versions.some((v) => v.kind === 'provider')
  const mine = managed(p.account) && (!provider || session.role === 'super_admin')
  const older = olderOf(p)
  return (
    <>
      {mine && older && can('POST', '/api/v1/plugins/{name}/rollback') && <ButtonRow><Button icon="refresh" onClick={() => setAsking({ verb: 'rollback', of: older })}>Roll back to {older.version}</Button></ButtonRow>}
      <ol className="plugin-versions" aria-label="Versions, newest first">
        {p.versions.map((v) => (
          <li key={v.version}>
            <div className="row spread">
              <span className="row"><strong>{v.version}</strong>{v.active && <Chip>active</Chip>}<span className="soft">{bytes(v.size)} · ABI {v.manifest.abi} · <Ago at={v.created_at} /></span></span>
              <ButtonRow>
                {mine && !v.active && can('POST', '/api/v1/plugins/{name}/{version}/activate') && <Button small kind="primary" onClick={() => setAsking({ verb: 'activate', of: v })}>Activate<span className="sr"> version {v.version}</span></Button>}
                {mine && can('DELETE', '/api/v1/plugins/{name}/{version}') && <Button small kind="danger" icon="trash" onClick={() => setAsking({ verb: 'delete', of: v })}>Delete<span className="sr"> version {v.version}</span></Button>}
              </ButtonRow>
            </div>
            <p className="mono soft digest">sha256 {v.sha256}</p>
          </li>
        ))}
      </ol>
      {asking && <Ask {...asking} p={p} uses={uses} onClose={() => setAsking(null)} />}
    </>
  )
}

function Ask({ verb, of: v, p, uses, onClose }: Asking & { p: Plugin; uses: readonly Use[]; onClose: () => void }) {
  const activate = useSend('post', '/api/v1/plugins/{name}/{version}/activate', pluginRoutes)
  const rollback = useSend('post', '/api/v1/plugins/{name}/rollback', pluginRoutes)
  const remove = useSend('delete', '/api/v1/plugins/{name}/{version}', pluginRoutes)
  const query = p.account ? { account_id: p.account } : {}
  const path = { name: v.name, version: v.version }
  const done = (text: string) => ({ onSuccess: () => { toast(text); onClose() } })
  const go = () => {
    if (verb === 'activate') activate.mutate({ path, query }, done(`${v.ref} is active.`))
    else if (verb === 'rollback') rollback.mutate({ path: { name: v.name }, query }, done(`${v.ref} is active again.`))
    else remove.mutate({ path, query }, done(`Deleted ${v.ref}.`))
  }
  const send = { activate, rollback, delete: remove }[verb]
  const words = { activate: ['Activate', `Activate version ${v.version}?`], rollback: ['Roll back', `Roll back to ${v.version}?`], delete: ['Delete version', `Delete version ${v.version}?`] }[verb]
  const follow = uses.filter((u) => !u.ref.includes('@')).length
  return (
    <Confirm title={words[1]!} verb={words[0]!} danger={verb === 'delete'} busy={send.isPending} onConfirm={go} onClose={onClose}>
      {verb === 'delete'
        ? <p>Its module is deleted for good. A version that a rule or a provider uses cannot be deleted.</p>
        : <p>It passes the gate once more, and is in force on every replica within seconds. {follow === 0 ? 'Nothing names this plugin without a version.' : `${follow} ${follow === 1 ? 'rule or provider names' : 'rules and providers name'} this plugin without a version, and ${follow === 1 ? 'follows' : 'follow'}.`}</p>}
      {send.error && <Failure error={send.error} what="Not done" />}
    </Confirm>
  )
}

const kinds: Record<string, string> = { unreachable: 'stopped itself', out_of_fuel: 'out of fuel', deadline: 'out of time', bad_access: 'bad memory access', stack: 'stack overflow', host_calls: 'too many host calls', output: 'output not understood', exit: 'exited', other: 'other' }

function Figures({ of: v }: { of: Version }) {
  const q = useStats(v)
  if (q.error && !q.data) return <Failure error={q.error} what="Figures" retry={() => void q.refetch()} />
  if (!q.data) return <Loading what="Figures" rows={4} />
  const s = q.data
  const failures = Object.entries(s.failures).filter(([, n]) => n > 0)
  const limit = fuelLimit(v)
  const fuel = (n: number) => (s.calls > 0 ? count(n, 'exact') : '–')
  return (
    <>
      <Suspension until={s.suspended_until} version={v.version} />
      <Note>These are of the replica that answers, since it offers the version.</Note>
      <Facts items={[
        ['Calls', count(s.calls)], ['Failed', percent(errorShare(s))],
        ['How they failed', failures.length ? failures.map(([k, n]) => `${kinds[k] ?? k}: ${count(n)}`).join(', ') : s.calls > 0 ? 'none did' : '–'],
        ['Fuel, p50', fuel(s.fuel_p50)], ['Fuel, p99', fuel(s.fuel_p99)], ['Fuel limit', limit ? count(limit, 'exact') : 'the default'],
        ['Instances', count(s.instances)], ['Their memory', bytes(s.memory_bytes)],
      ]} />
    </>
  )
}

function Logs({ of: v }: { of: Version }) {
  const q = useGet('/api/v1/plugins/{name}/{version}/logs', { path: { name: v.name, version: v.version }, query: v.account_id ? { account_id: v.account_id } : {} }, { live: true })
  if (q.error && !q.data) return <Failure error={q.error} what="Logs" retry={() => void q.refetch()} />
  if (!q.data) return <Loading what="Logs" rows={5} />
  const lines = [...(q.data.data ?? [])].reverse()
  if (lines.length === 0) return <Empty title="It has logged nothing">Kept are the newest 200 lines, at the replica that answers.</Empty>
  return (
    <>
      {q.data.dropped > 0 && <Note kind="warn">{count(q.data.dropped)} lines beyond 100 in a second were dropped.</Note>}
      <div className="row spread"><span className="soft">Newest first, of the replica that answers.</span><CopyButton label="Copy lines" text={lines.map((l) => `${l.at} ${l.level} ${l.request_id} ${l.text}`).join('\n')} /></div>
      <ol className="plugin-logs" aria-label="Log lines, newest first" tabIndex={0}>
        {lines.map((l, i) => <li key={i}><span className="soft">{moment(l.at)}</span> <strong>{l.level}</strong> <span>{l.text}</span> <span className="soft">{l.request_id}</span></li>)}
      </ol>
    </>
  )
}

function Uses({ of: uses }: { of: readonly Use[] }) {
  if (uses.length === 0) return <Empty title="Nothing uses it">Choose it in a rule on the Routing page, or as the adapter of a provider.</Empty>
  return <ul className="plugin-versions">{uses.map((u) => <li key={u.to + u.id} className="row"><Link to={u.to} search={u.search}>{u.label}</Link><Chip kind="outline">{u.ref.includes('@') ? `version ${u.ref.split('@')[1]} alone` : 'the active version'}</Chip></li>)}</ul>
}
