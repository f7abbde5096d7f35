import { useQueries } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { ago } from '../../api/format'
import { asProblem } from '../../api/problem'
import { send, useGet, type Body } from '../../api/query'
import { useCan } from '../../api/session'
import { outcomeWords } from '../../ladder'
import { Button, Empty, FamilyMark, Field, Note, TextArea, useModels } from '../../ui'
import { withDraft } from './draft'
import { priorityOf, type Rule } from './order'
import { readRequest } from './request'
import type { Explanation } from './TryBox'

type Sample = { key: string; name: string; ask: Body<'post', '/api/v1/route/explain'> }
type Side = { told: Explanation | null; problem: string }

/** Samples shows for real and pasted requests where they go now, and where with the draft. */
export function Samples({ rules, draft, account }: { rules: readonly Rule[]; draft: Rule | null; account: string }) {
  const can = useCan()
  const [pasted, setPasted] = useState<string[]>([])
  const [text, setText] = useState('')
  const [wrong, setWrong] = useState('')
  const of = account ? { account_id: account } : {}
  const recent = useGet('/api/v1/decisions', { query: { limit: 30, ...of } }, { enabled: can('GET', '/api/v1/decisions') })
  const cases = useGet('/api/v1/rules/cases', { query: of }, { enabled: can('GET', '/api/v1/rules/cases') })
  const samples = useMemo<Sample[]>(() => [
    ...pasted.flatMap((p): Sample[] => {
      const read = readRequest(p)
      return 'problem' in read ? [] : [{ key: `pasted ${p}`, name: p.replace(/\s+/g, ' ').slice(0, 80), ask: { request: read.body, wire: read.wire } }]
    }),
    ...(cases.data?.data ?? []).slice(0, 12).map((c): Sample => ({ key: `case ${c.id}`, name: `case ${c.name || c.id}`, ask: { request: c.request } })),
    ...(recent.data?.data ?? []).filter((d) => d.asked === 'auto').slice(0, 8).map((d): Sample => ({ key: `recorded ${d.request_id}`, name: `recorded ${ago(d.at)}, decided by ${d.rule}`, ask: { request_id: d.request_id } })),
  ], [pasted, cases.data, recent.data])

  const what = useMemo(() => (draft ? withDraft(rules, draft) : null), [rules, draft])
  const side = (ask: Sample['ask'], rest: object, enabled: boolean) => ({
    queryKey: ['sample', ask, of, rest],
    enabled,
    staleTime: 60_000,
    retry: false,
    queryFn: async (): Promise<Side> => {
      try {
        return { told: await send('post', '/api/v1/route/explain', { body: { ...ask, ...of, ...rest } as never }), problem: '' }
      } catch (thrown) {
        return { told: null, problem: asProblem(thrown).message }
      }
    },
  })
  const now = useQueries({ queries: samples.map((s) => side(s.ask, {}, true)) })
  const after = useQueries({ queries: samples.map((s) => side(s.ask, { what_if: { rules: what } }, what !== null)) })
  const moved = samples.filter((_, i) => differs(now[i]?.data, after[i]?.data)).length
  const add = () => {
    const read = readRequest(text)
    if ('problem' in read) return setWrong(read.problem)
    setPasted([text, ...pasted.filter((p) => p !== text)])
    setText('')
    setWrong('')
  }
  const stated = draft ? rules.find((r) => r.id === draft.id && (r.account_id ?? '') === (draft.account_id ?? '')) : undefined
  return (
    <div className="stack">
      <form className="stack" onSubmit={(e) => { e.preventDefault(); add() }}>
        <Field label="Add a sample" hint="What a user writes, or the JSON of a request." error={wrong || undefined}>{(f) => <TextArea {...f} rows={2} value={text} onChange={(e) => setText(e.target.value)} />}</Field>
        <div><Button type="submit" icon="plus">Add sample</Button></div>
      </form>
      {!draft && <Note>The draft is not complete, so only where requests go now is shown.</Note>}
      {samples.length === 0 && <Empty title="There are no samples yet.">Add one above. Requests that were recorded and stored cases are samples, too.</Empty>}
      {samples.length > 0 && (
        <>
          <p role="status">{draft ? `${moved} of ${samples.length} ${samples.length === 1 ? 'sample goes' : 'samples go'} elsewhere with the draft${stated ? '' : ', which is a new rule'}.` : ''}</p>
          <div className="table-frame">
            <table className="table">
              <caption className="sr">Samples: where they go now and with the draft</caption>
              <thead><tr><th scope="col">Sample</th><th scope="col">Now</th><th scope="col">After</th><th scope="col">This rule</th></tr></thead>
              <tbody>
                {samples.map((s, i) => {
                  const step = after[i]?.data?.told?.rules?.find((r) => r.id === draft?.id && priorityOf(r as Rule) === priorityOf(draft as Rule))
                  return (
                    <tr key={s.key} className={differs(now[i]?.data, after[i]?.data) ? 'chosen' : undefined}>
                      <td data-title="Sample" className="narrow-title">{s.name}</td>
                      <td data-title="Now"><Where side={now[i]?.data} waiting={now[i]?.isPending ?? true} /></td>
                      <td data-title="After">{draft ? <><Where side={after[i]?.data} waiting={after[i]?.isPending ?? true} />{differs(now[i]?.data, after[i]?.data) && <strong className="moved"> changed</strong>}</> : '–'}</td>
                      <td data-title="This rule">{step ? outcomeWords(step) : '–'}</td>
                    </tr>
                  )
                })}
              </tbody>
            </table>
          </div>
        </>
      )}
    </div>
  )
}

/** goes is where an explanation leads: who decides, and the model that is asked. */
function goes(e: Explanation): { rule: string; model: string } {
  return { rule: e.rule, model: e.error_code ? e.error_code : (e.candidates?.find((c) => !c.skip)?.model ?? '') }
}

function differs(a: Side | undefined, b: Side | undefined): boolean {
  if (!a?.told || !b?.told) return false
  const [x, y] = [goes(a.told), goes(b.told)]
  return x.rule !== y.rule || x.model !== y.model
}

function Where({ side, waiting }: { side: Side | undefined; waiting: boolean }) {
  const { byId } = useModels()
  if (!side) return <span className="soft">{waiting ? '…' : '–'}</span>
  if (!side.told) return <span className="soft">{side.problem}</span>
  const g = goes(side.told)
  return <span>{side.told.error_code ? <span>refused: {g.model}</span> : <FamilyMark family={byId.get(g.model)?.family}>{g.model || 'no model'}</FamilyMark>} <span className="soft">{g.rule}</span></span>
}
