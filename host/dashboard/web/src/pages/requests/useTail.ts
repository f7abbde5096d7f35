import { useCallback, useEffect, useState } from 'react'
import { asProblem, type Problem } from '../../api/problem'
import { get, useGet } from '../../api/query'
import { useLive } from '../../live/live'
import { toastFailure } from '../../ui'
import { emptyTail, extend, receive, show, type Tail } from './tail'

const pageSize = 100
const checkEvery = 10_000 // requests that were refused change no totals, so nothing tells of them

type Query = NonNullable<NonNullable<Parameters<typeof useGet<'/api/v1/decisions'>>[1]>['query']>

/** useTail follows recorded decisions. What comes waits in `tail.fresh` until `showFresh`, unless
 *  follow says to show it at once. The query must stay the same: give the component a key. */
export function useTail(query: Query, follow: boolean): { tail: Tail; loading: boolean; error: Problem | null; retry: () => void; showFresh: () => void; more: (() => void) | undefined; loadingMore: boolean } {
  const { state } = useLive()
  const head = useGet('/api/v1/decisions', { query: { ...query, limit: pageSize } }, { live: true, refetchInterval: state === 'open' ? checkEvery : false })
  const [tail, setTail] = useState(emptyTail)
  const [loadingMore, setLoadingMore] = useState(false)
  useEffect(() => {
    if (!head.data) return
    const page = head.data
    setTail((t) => (follow ? show(receive(t, page)) : receive(t, page)))
  }, [head.data, follow])
  const showFresh = useCallback(() => setTail(show), [])
  const more = () => {
    setLoadingMore(true)
    get('/api/v1/decisions', { query: { ...query, limit: pageSize, after: tail.next } })
      .then((page) => setTail((t) => extend(t, page)), (e: unknown) => toastFailure(asProblem(e)))
      .finally(() => setLoadingMore(false))
  }
  return { tail, loading: !tail.begun && head.isPending, error: head.error, retry: () => void head.refetch(), showFresh, more: tail.next ? more : undefined, loadingMore }
}
