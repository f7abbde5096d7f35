import { Failure, Loading } from '../../ui'
import { useGet, type Data } from '../../api/query'

/** wordsOf writes a member's value for people: texts as they are, the rest as JSON. */
export function wordsOf(value: unknown): string {
  if (value === undefined || value === null || value === '') return ''
  return typeof value === 'string' ? value : Array.isArray(value) && value.every((v) => typeof v === 'string') ? value.join(', ') : JSON.stringify(value, null, 2)
}

const changeWords: Record<string, string> = { added: 'Added', removed: 'Removed', changed: 'Changed' }

/** Diff is what makes one version of another; to 0: what the version changed. */
export function Diff({ version, to, account }: { version: number; to: number; account: string }) {
  const q = useGet('/api/v1/rules/versions/{version}/diff', { path: { version }, query: { ...(to ? { to } : {}), ...(account ? { account_id: account } : {}) } }, { staleTime: Infinity })
  if (q.error) return <Failure error={q.error} what="The difference" retry={() => void q.refetch()} />
  if (!q.data) return <Loading what="The difference" />
  const changes = q.data.data ?? []
  if (changes.length === 0) return <p className="soft">Nothing differs.</p>
  return <Changes changes={changes} label={`Changes from version ${q.data.from} to ${q.data.to}`} />
}

type Change = NonNullable<NonNullable<Data<'get', '/api/v1/rules/versions/{version}/diff'>>['data']>[number]

/** Changes shows what was and what is, member by member. */
export function Changes({ changes, label }: { changes: readonly Change[]; label: string }) {
  return (
    <ul className="diff" aria-label={label}>
      {changes.map((c) => (
        <li key={c.rule}>
          <p><strong>{changeWords[c.change] ?? c.change}: {c.name || c.rule}</strong> <code className="soft">{c.rule}</code></p>
          {(c.members ?? []).map((m) => (
            <div key={m.member} className="diff-member">
              <span className="soft">{m.member.replaceAll('_', ' ')}</span>
              <span className="stack" style={{ gap: 2 }}>
                {wordsOf(m.from) !== '' && <span className="diff-old"><span className="sr">was </span>{wordsOf(m.from)}</span>}
                {wordsOf(m.to) !== '' && <span className="diff-new"><span className="sr">is </span>{wordsOf(m.to)}</span>}
              </span>
            </div>
          ))}
        </li>
      ))}
    </ul>
  )
}
