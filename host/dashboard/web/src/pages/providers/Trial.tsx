import { useState } from 'react'
import { duration } from '../../api/format'
import type { Problem } from '../../api/problem'
import { useSend, type Data } from '../../api/query'
import { Confirm, Failure, Note, Progress } from '../../ui'
import { healthRoutes } from './subject'

type Trial = NonNullable<Data<'post', '/api/v1/providers/{id}/test'>>

/** TestProvider asks, then lists a provider's models and makes one short call with one of its credentials. */
export function TestProvider({ id, account, credential, called, onClose }: { id: string; account: string; credential?: string; called?: string; onClose: () => void }) {
  const test = useSend('post', '/api/v1/providers/{id}/test', healthRoutes)
  const go = () => test.mutate({ path: { id }, query: { ...(account ? { account_id: account } : {}), ...(credential ? { credential } : {}) } })
  return (
    <TrialDialog title={`Test ${credential ? `credential ${called ?? credential} of ` : ''}${id}?`} onTest={go} busy={test.isPending} error={test.error} trial={test.data} onClose={onClose}>
      Its models are listed and one short call is made with its cheapest enabled model. The call is billed like any other.
    </TrialDialog>
  )
}

type Props = { title: string; onTest: () => void; busy: boolean; error: Problem | null; trial: Trial | undefined; onClose: () => void; children: React.ReactNode }

/** TrialDialog asks before a test, shows that it runs, and what came of it. */
export function TrialDialog({ title, onTest, busy, error, trial, onClose, children }: Props) {
  return (
    <Confirm title={title} verb={trial || error ? 'Test again' : 'Test'} busy={busy} onConfirm={onTest} onClose={onClose}>
      <p>{children}</p>
      {busy && <Progress label="Testing. It takes 30 seconds at most." />}
      {error && <Failure error={error} what="Not tested" />}
      <div role="status">{trial && !busy && <Outcome of={trial} />}</div>
    </Confirm>
  )
}

function Outcome({ of: t }: { of: Trial }) {
  const [all, setAll] = useState(false)
  const models = t.models ?? []
  const failure = t.error ?? t.call?.error
  return (
    <Note kind={t.ok ? 'good' : 'warn'}>
      <p><strong>{t.ok ? 'It works.' : 'It does not work.'}</strong>{t.simulated && ' The simulator inside Pointsman answered, not the provider.'}</p>
      {t.call?.ok && <p>{t.call.model} answered in {duration(t.call.latency_ms)}.</p>}
      {!t.call && t.ok && <p>No call was made: the provider has no enabled model with a price.</p>}
      {failure && <p>{failure.message}{failure.status ? ` (HTTP ${failure.status}, ${failure.class})` : ` (${failure.class})`}</p>}
      {failure?.hint && <p className="soft">{failure.hint}</p>}
      {t.listed_ms !== undefined && <p>It listed {models.length === 200 ? '200 or more' : models.length} models in {duration(t.listed_ms)}.</p>}
      {models.length > 0 && <details open={all} onToggle={(e) => setAll(e.currentTarget.open)}><summary>The models that it lists</summary><p className="mono">{models.join(', ')}</p></details>}
    </Note>
  )
}
