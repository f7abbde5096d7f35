import { useState } from 'react'
import { duration, usd } from '../../api/format'
import { useSend } from '../../api/query'
import { Button, ButtonRow, Card, Checkbox, Failure, Field, Input, Meter, toast } from '../../ui'
import { addressOf, healthRoutes, nameOf, nanoOf, type Subject } from './subject'

/** PaidProbe sets whether short calls that cost money tell how a provider, or a model of it, is. */
export function PaidProbe({ of: s }: { of: Subject }) {
  const set = s.paid_probe
  const [enabled, setEnabled] = useState(set?.enabled ?? false)
  const [every, setEvery] = useState(String(set?.every_seconds || 300))
  const [cap, setCap] = useState(set && set.daily_cap_nano_usd > 0 ? String(set.daily_cap_nano_usd / 1e9) : '')
  const save = useSend('put', '/api/v1/health/{id}/paid-probe', healthRoutes)
  const seconds = Number(every)
  const nano = nanoOf(cap)
  const wrongEvery = !(Number.isInteger(seconds) && seconds >= 60) ? 'At least 60 seconds.' : ''
  const wrongCap = (cap !== '' && nano === null) || (enabled && !nano) ? 'An amount in US dollars, such as 0.50.' : ''
  const go = () => save.mutate(
    { ...addressOf(s), body: { enabled, every_seconds: seconds, ...(nano ? { daily_cap_nano_usd: nano } : {}) } },
    { onSuccess: () => toast(enabled ? `Paid probes of ${nameOf(s)} are on.` : `Paid probes of ${nameOf(s)} are off.`) },
  )
  return (
    <Card title="Paid probes" aside={set?.enabled ? `on, every ${duration((set.every_seconds || 300) * 1000)}` : 'off'}>
      <div className="stack">
        <p className="soft">One short call now and then, with the cheapest model. It is recorded in usage as “probe”. Without it nothing that costs money is ever sent unasked.</p>
        {set && set.daily_cap_nano_usd > 0 && <Meter label="Spent on probes today, UTC" value={set.spent_today_nano_usd} max={set.daily_cap_nano_usd} text={`${usd(set.spent_today_nano_usd)} of ${usd(set.daily_cap_nano_usd)}`} />}
        <Checkbox label="Make paid probes" checked={enabled} onChange={(e) => setEnabled(e.target.checked)} />
        <Field label="Every, in seconds" hint="While it is down, every 30." error={wrongEvery || undefined}>{(f) => <Input {...f} type="number" min={60} value={every} onChange={(e) => setEvery(e.target.value)} />}</Field>
        <Field label="Daily cap, US dollars" hint="A call that might go beyond it is not made." error={wrongCap || undefined}>{(f) => <Input {...f} inputMode="decimal" value={cap} onChange={(e) => setCap(e.target.value)} />}</Field>
        {save.error && <Failure error={save.error} what="Not saved" />}
        <ButtonRow><Button kind="primary" busy={save.isPending} disabled={wrongEvery !== '' || wrongCap !== ''} onClick={go}>Save paid probes</Button></ButtonRow>
      </div>
    </Card>
  )
}
