import { useGet } from '../../api/query'
import { Ago, Chip, Empty, Failure, Loading, StatusWord } from '../../ui'

/** Transitions is how a provider, its models and credentials changed, and why. */
export function Transitions({ id, account }: { id: string; account: string }) {
  const q = useGet('/api/v1/health/{id}/transitions', { path: { id }, query: account ? { account_id: account } : {} }, { live: true })
  if (q.error && !q.data) return <Failure error={q.error} what="The history" retry={() => void q.refetch()} />
  if (!q.data) return <Loading what="The history" rows={5} />
  const rows = q.data.data ?? []
  if (rows.length === 0) return <Empty title="Nothing has changed">Changes of health, and what administrators switched, are kept for 30 days.</Empty>
  return (
    <ol className="transitions" aria-label="Changes, newest first">
      {rows.map((t, i) => (
        <li key={i}>
          <div className="row">
            <strong>{t.kind === 'provider' ? 'The provider' : `${t.kind} ${t.credential ?? t.upstream_id ?? ''}`}</strong>
            {t.from === t.to ? <StatusWord status={t.to} /> : <><StatusWord status={t.from} /><span aria-hidden="true">→</span><span className="sr">to</span><StatusWord status={t.to} /></>}
            {t.switch && <Chip kind="hatched">{t.switch}</Chip>}
            <span className="soft transition-at"><Ago at={t.at} /></span>
          </div>
          <p>{t.reason === 'switched' ? `An administrator ${t.switch ?? 'enabled'} it.` : t.why}</p>
          <p className="soft">{[t.reason === 'switched' ? '' : t.reason.replaceAll('_', ' '), t.attempts ? `${t.failures ?? 0} of ${t.attempts} failed` : '', t.consecutive ? `${t.consecutive} in a row` : '', t.ejections ? `out for the ${t.ejections}. time` : ''].filter(Boolean).join(' · ')}</p>
        </li>
      ))}
    </ol>
  )
}
