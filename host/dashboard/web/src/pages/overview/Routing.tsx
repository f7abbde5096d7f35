import { Link } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import { Card, Loading } from '../../ui'

const Ladder = lazy(() => import('../../ladder').then((m) => ({ default: m.Ladder })))

/** Routing is the rules in the order in which they are tried. */
export function Routing() {
  return (
    <Card title="Routing" aside={<Link to="/routing">All rules</Link>}>
      <Suspense fallback={<Loading what="Rules" rows={8} />}><Ladder compact /></Suspense>
    </Card>
  )
}
