import { Link } from '@tanstack/react-router'
import { lazy, Suspense, type ComponentType } from 'react'
import { Card, Failure, Loading } from '../../ui'
import { useGet } from '../../api/query'
import { RuleList } from './RuleList'

// The ladder is drawn by its own module; without it, and where there is no room, the list stands.
const found = Object.values(import.meta.glob<{ Ladder: ComponentType<{ compact?: boolean }> }>('../../ladder/index.tsx'))[0]
const Ladder = found && lazy(() => found().then((m) => ({ default: m.Ladder })))

/** Routing is the rules in the order in which they are tried. */
export function Routing() {
  return (
    <Card title="Routing" aside={<Link to="/routing">All rules</Link>}>
      {Ladder ? <Suspense fallback={<Loading what="Rules" rows={8} />}><Ladder compact /></Suspense> : <List />}
    </Card>
  )
}

function List() {
  const q = useGet('/api/v1/rules/graph', {}, { live: true })
  if (q.error && !q.data) return <Failure error={q.error} retry={() => void q.refetch()} what="Rules" />
  if (!q.data) return <Loading what="Rules" rows={8} />
  return <RuleList graph={q.data} />
}
