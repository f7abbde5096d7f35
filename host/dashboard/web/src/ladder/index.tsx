import './ladder.css'
import { Link } from '@tanstack/react-router'
import { lazy, Suspense, useCallback, useEffect, useMemo, useState, type ReactNode } from 'react'
import { useGet } from '../api/query'
import { Button, Empty, Failure, Loading, useUrlState } from '../ui'
import { Legend } from './Legend'
import { List } from './List'
import { useMarks } from './marks'
import type { Drawing } from './parts'
import { matches, rungsOf, type Filter, type Graph, type Rung } from './rungs'
import { useShares } from './share'
import { litBy, type Trace } from './trace'

export type { Mark } from './marks'
export { isDefault, keyOfRule, rungsOf, type Graph, type Rung } from './rungs'
export { outcomeWords, skipWords, type RuleStep, type Trace } from './trace'

const Flow = lazy(() => import('./Flow'))

const narrow = '(max-width: 70rem)' // below, the picture's text would be too small to read
const manyRules = 60

type Props = {
  /** The first rules, the default handler and a link to all of it: for the Overview. */
  compact?: boolean
  /** Whose rules; '': those of whoever is logged in. */
  account?: string
  /** A decision, whose path is lit. */
  trace?: Trace | null
  onOpen?: (rung: Rung) => void
  /** The key of the rung that is open elsewhere. */
  open?: string
  /** What can be done with a rung: a button or two. */
  actions?: (rung: Rung) => ReactNode
}

/** useGraph reads the ladder; it follows every change of the rules. */
export function useGraph(account = '') {
  return useGet('/api/v1/rules/graph', { query: account ? { account_id: account } : {} }, { live: true, keep: true })
}

/** Ladder shows the rules in the order in which they are tried, from the request down to the default handler. */
export function Ladder(p: Props) {
  const account = p.account ?? ''
  const q = useGraph(account)
  if (q.data) return <Shown {...p} graph={q.data} account={account} />
  if (q.error) return <Failure error={q.error} what="The rules" retry={() => void q.refetch()} />
  return <Loading what="The rules" rows={p.compact ? 5 : 9} />
}

function useNarrow(): boolean {
  const [is, setIs] = useState(() => matchMedia(narrow).matches)
  useEffect(() => {
    const m = matchMedia(narrow)
    const change = () => setIs(m.matches)
    m.addEventListener('change', change)
    return () => m.removeEventListener('change', change)
  }, [])
  return is
}

function Shown({ graph, account, compact = false, trace, onOpen, open, actions }: Props & { graph: Graph; account: string }) {
  const rungs = useMemo(() => rungsOf(graph), [graph])
  const shares = useShares(account)
  const marks = useMarks(rungs, account)
  const [band, setBand] = useUrlState('band')
  const [family, setFamily] = useUrlState('family')
  const [view, setView] = useUrlState('view')
  const small = useNarrow()
  const lit = useMemo(() => (trace ? litBy(trace, rungs) : null), [trace, rungs])
  const filter: Filter = { band, family }
  const bright = useMemo(() => new Set(rungs.filter((r) => matches(r, { band, family })).map((r) => r.key)), [rungs, band, family])
  const setFilter = useCallback((f: Filter) => {
    if (f.band !== band) setBand(f.band)
    if (f.family !== family) setFamily(f.family)
  }, [band, family, setBand, setFamily])
  const drawing = useMemo<Drawing>(() => ({ rungs, shares, marks, lit, bright, onOpen, open, actions }), [rungs, shares, marks, lit, bright, onOpen, open, actions])
  const rules = rungs.length - 1
  const legend = <Legend legend={graph.legend} filter={filter} onChange={setFilter} shown={bright.size} of={rungs.length} />

  if (compact) {
    return (
      <div className="ladder">
        {legend}
        <List {...drawing} label="Routing rules in the order in which they are tried" compact most={9} />
        <p className="ladder-all"><Link to="/routing">All {rules} rules, with what each decides</Link></p>
      </div>
    )
  }
  const many = rules > manyRules
  const list = small || view === 'list' || (many && view !== 'flow')
  return (
    <div className="ladder">
      <div className="ladder-bar">
        {legend}
        {!small && <Button small icon={list ? 'chart' : 'table'} onClick={() => setView(list ? (many ? 'flow' : '') : 'list')}>{list ? 'Show as ladder' : 'Show as list'}</Button>}
      </div>
      {rules <= 0 && <Empty title="There are no rules.">Every request goes to the default handler.</Empty>}
      {list
        ? <List {...drawing} label="Routing rules in the order in which they are tried" />
        : <Suspense fallback={<Loading what="The ladder" rows={9} />}><Flow graph={graph} drawing={drawing} label="Routing rules as a ladder" /></Suspense>}
    </div>
  )
}
