import './plugins.css'
import { useState } from 'react'
import { useGet } from '../../api/query'
import { useCan } from '../../api/session'
import { keyOfRule } from '../../ladder'
import { Button, Card, Drawer, Empty, Failure, Loading, Page as Frame, useUrlState } from '../../ui'
import { keyOf as providerKey } from '../providers/subject'
import { pluginsOf, providersOf, rulesOf, type Plugin } from './plugin'
import { PluginCard } from './PluginCard'
import { PluginDrawer } from './PluginDrawer'
import { UploadDialog } from './UploadDialog'

/** Page is the plugins that were uploaded, and the way in for others. */
export function Page() {
  const can = useCan()
  const [name, setName] = useUrlState('name')
  const [, setTab] = useUrlState('tab', 'versions')
  const [uploading, setUploading] = useState(false)
  const q = useGet('/api/v1/plugins', {}, { live: true })
  const rules = useGet('/api/v1/rules', {}, { live: true })
  const providers = useGet('/api/v1/providers', {}, { enabled: can('GET', '/api/v1/providers') })
  const all = pluginsOf(q.data?.data ?? [])
  const open = all.find((p) => p.key === name) ?? all.find((p) => p.name === name)
  const usesOf = (p: Plugin) => [
    ...rulesOf(p, all, rules.data?.data ?? []).map((r) => ({ id: keyOfRule(r.account_id, r.id ?? ''), label: `Rule “${r.name}”${r.enabled === false ? ', disabled' : ''}`, to: '/routing' as const, search: { rule: keyOfRule(r.account_id, r.id ?? ''), ...(r.account_id ? { account: r.account_id } : {}) }, ref: r.plugin ?? '' })),
    ...providersOf(p, providers.data?.data ?? []).map((x) => ({ id: providerKey(x.account_id, x.id ?? ''), label: `Provider ${x.name || x.id}`, to: '/providers' as const, search: { id: providerKey(x.account_id, x.id ?? '') }, ref: x.adapter })),
  ]
  const used = (p: Plugin) => {
    if (!rules.data) return '–'
    const n = usesOf(p)
    return n.length === 0 ? 'nothing' : n.map((u) => u.label).join(', ')
  }
  const close = () => { setTab('versions'); setName('') }
  const upload = can('POST', '/api/v1/plugins') && <Button kind="primary" icon="upload" onClick={() => setUploading(true)}>Upload plugin</Button>
  return (
    <Frame title="Plugins" lead="Rules and provider adapters in WebAssembly, each in a sandbox of its own." actions={upload}>
      <div className="plugins-page stack">
        {q.error && <Failure error={q.error} what="Plugins" retry={() => void q.refetch()} />}
        {q.isPending && !q.error && <Loading what="Plugins" rows={5} />}
        {q.data && all.length === 0 && <Card><Empty title="No plugins were uploaded">Build one with “pointsman plugin build” and upload its .wasm file. The adapters that Pointsman carries itself are not listed here.</Empty></Card>}
        <div className="plugin-cards">{all.map((p) => <PluginCard key={p.key} of={p} usedBy={used(p)} onOpen={() => setName(p.key)} />)}</div>
        {uploading && <UploadDialog onClose={() => setUploading(false)} onOpen={(key) => { setUploading(false); setName(key) }} />}
        {open && <PluginDrawer key={open.key} of={open} uses={usesOf(open)} onClose={close} />}
        {name !== '' && !open && <Drawer title={name} onClose={close}>{q.isPending ? <Loading what="The plugin" rows={5} /> : <Empty title="There is no such plugin here.">It may have been deleted, or belong to another account.</Empty>}</Drawer>}
      </div>
    </Frame>
  )
}
