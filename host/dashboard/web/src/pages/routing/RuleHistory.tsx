import { useQueries } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { get, useGet } from '../../api/query'
import { Ago, Empty, Failure, Loading } from '../../ui'
import { Changes } from './Diff'

const newest = 25

/** RuleHistory is what the newest versions have changed of one rule. */
export function RuleHistory({ id, account }: { id: string; account: string }) {
  const of = account ? { account_id: account } : {}
  const q = useGet('/api/v1/rules/versions', { query: { limit: newest, ...of } }, { live: true })
  const versions = q.data?.data ?? []
  const diffs = useQueries({
    queries: versions.map((v) => ({
      queryKey: ['/api/v1/rules/versions/{version}/diff', { path: { version: v.version }, query: of }],
      queryFn: () => get('/api/v1/rules/versions/{version}/diff', { path: { version: v.version }, query: of }),
      staleTime: Infinity,
    })),
  })
  if (q.error) return <Failure error={q.error} what="The history" />
  if (q.isPending || diffs.some((d) => d.isPending)) return <Loading what="The history" />
  const changed = versions.flatMap((v, i) => {
    const change = diffs[i]?.data?.data?.find((c) => c.rule === id)
    return change ? [{ v, change }] : []
  })
  return (
    <div className="stack routing">
      {changed.length === 0 && <Empty title={`The newest ${versions.length} versions have not changed this rule.`} />}
      <ol className="versions" aria-label="Changes of this rule, newest first">
        {changed.map(({ v, change }) => (
          <li key={v.version} className="card">
            <div className="card-body stack">
              <p className="row spread"><span><strong>Version {v.version}</strong> {v.note}</span><span className="soft">{v.by ? `by ${v.by.split('/').at(-1)} · ` : ''}<Ago at={v.created_at} /></span></p>
              <Changes changes={[change]} label={`Changes in version ${v.version}`} />
            </div>
          </li>
        ))}
      </ol>
      <p><Link to="/routing" search={{ tab: 'history', ...(account ? { account } : {}) }}>All versions, and the way back to one</Link></p>
    </div>
  )
}
