import {
  keepPreviousData, QueryClient, replaceEqualDeep, useInfiniteQuery, useMutation, useQuery, useQueryClient,
  type UseMutationResult, type UseQueryResult,
} from '@tanstack/react-query'
import { api } from './client'
import { Problem } from './problem'
import type { paths } from './schema'

/** Every query of the dashboard. Queries marked live are read again when the server reports news. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: true,
      // What the server refused once it refuses again.
      retry: (n, error) => n < 2 && !(error instanceof Problem && error.status >= 400 && error.status < 500),
    },
  },
})

type Method = 'get' | 'put' | 'post' | 'delete' | 'patch'
type With<M extends Method> = { [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never }[keyof paths]
type Operation<M extends Method, P extends keyof paths> = M extends keyof paths[P] ? paths[P][M] : never
type Content<R> = R extends { content: { 'application/json': infer T } } ? T : undefined
type Good<R> = R extends { 200: infer T } ? Content<T> : R extends { 201: infer T } ? Content<T> : R extends { 202: infer T } ? Content<T> : undefined

export type GetPath = With<'get'>
/** Data is what a route answers: `Data<'get', '/api/v1/rules'>`. */
export type Data<M extends Method, P extends keyof paths> = Operation<M, P> extends { responses: infer R } ? Good<R> : undefined
type Query<M extends Method, P extends keyof paths> = Operation<M, P> extends { parameters: { query?: infer Q } } ? Q : never
type InPath<M extends Method, P extends keyof paths> = Operation<M, P> extends { parameters: { path: infer Q } } ? Q : undefined
/** Body is what a route takes. */
export type Body<M extends Method, P extends keyof paths> = Operation<M, P> extends { requestBody?: infer B }
  ? NonNullable<B> extends { content: infer C } ? C[keyof C] : undefined
  : undefined

type Parameters<M extends Method, P extends keyof paths> = { query?: Query<M, P> } & (InPath<M, P> extends undefined ? { path?: undefined } : { path: InPath<M, P> })

export type GetOptions = {
  /** Read again whenever the server has news, every 15 s where it cannot say. */
  live?: boolean
  enabled?: boolean
  /** Show the former answer while one for other parameters is on its way. */
  keep?: boolean
  /** Milliseconds for which an answer is fresh. */
  staleTime?: number
  refetchInterval?: number | false
}

// The ETag of an answer stays beside it, so that a change can name what it was made from.
const etags = new WeakMap<object, string>()
/** etagOf is the ETag of an answer that useGet gave, for useSend's `ifMatch`. */
export const etagOf = (data: unknown): string | undefined => (typeof data === 'object' && data !== null ? etags.get(data) : undefined)

type Untyped = (path: string, init: unknown) => Promise<{ data?: unknown; response: Response }>

/** get reads once, outside of React. */
export async function get<P extends GetPath>(path: P, params?: Parameters<'get', P>, signal?: AbortSignal): Promise<Data<'get', P>> {
  const { data, response } = await (api.GET as unknown as Untyped)(path, { params: params ?? {}, signal })
  const tag = response.headers.get('etag')
  if (tag && typeof data === 'object' && data !== null) etags.set(data, tag)
  return data as Data<'get', P>
}

/** keyOf is the query key of a route, for invalidation: `queries.invalidateQueries({queryKey: keyOf('/api/v1/rules')})`. */
export const keyOf = (path: GetPath, params?: unknown): readonly unknown[] => (params === undefined ? [path] : [path, params])

function share(old: unknown, fresh: unknown): unknown {
  const shared: unknown = replaceEqualDeep(old, fresh)
  const tag = etagOf(fresh)
  if (tag && shared !== fresh && typeof shared === 'object' && shared !== null) etags.set(shared, tag)
  return shared
}

/** useGet reads a route: `useGet('/api/v1/models/{id}', {path: {id}})`. */
export function useGet<P extends GetPath>(path: P, params?: Parameters<'get', P>, o: GetOptions = {}): UseQueryResult<Data<'get', P>, Problem> {
  return useQuery<Data<'get', P>, Problem>({
    queryKey: [path, params ?? {}],
    queryFn: ({ signal }) => get(path, params, signal),
    structuralSharing: share,
    meta: { live: o.live ?? false },
    ...(o.enabled === undefined ? {} : { enabled: o.enabled }),
    ...(o.keep ? { placeholderData: keepPreviousData as never } : {}),
    ...(o.staleTime === undefined ? {} : { staleTime: o.staleTime }),
    ...(o.refetchInterval === undefined ? {} : { refetchInterval: o.refetchInterval }),
  })
}

type Row<T> = T extends { data: (infer R)[] | null } ? R : T extends { data?: (infer R)[] | null } ? R : never

/** A list that is read page by page. */
export type Paged<R> = {
  rows: R[]
  /** While the first page is on its way. */
  loading: boolean
  error: Problem | null
  /** more reads the next page; undefined when there is none. */
  more: (() => void) | undefined
  loadingMore: boolean
  refresh: () => void
}

/** useList reads a route of pages of `data`, each of which names the `next`. */
export function useList<P extends GetPath>(path: P, params?: Parameters<'get', P>, o: GetOptions = {}): Paged<Row<Data<'get', P>>> {
  const q = useInfiniteQuery<{ data?: unknown[] | null; next?: string }, Problem>({
    queryKey: [path, 'pages', params ?? {}],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => {
      const p = (params ?? {}) as { query?: object }
      const query = pageParam === '' ? p.query : { ...p.query, after: pageParam as string }
      return get(path, { ...p, query } as Parameters<'get', P>, signal) as Promise<unknown> as Promise<{ data?: unknown[] | null; next?: string }>
    },
    getNextPageParam: (last) => last.next || undefined,
    meta: { live: o.live ?? false },
    ...(o.enabled === undefined ? {} : { enabled: o.enabled }),
    ...(o.keep ? { placeholderData: keepPreviousData as never } : {}),
  })
  return {
    rows: (q.data?.pages.flatMap((p) => p.data ?? []) ?? []) as Row<Data<'get', P>>[],
    loading: q.isPending && q.fetchStatus !== 'idle',
    error: q.error,
    more: q.hasNextPage ? () => void q.fetchNextPage() : undefined,
    loadingMore: q.isFetchingNextPage,
    refresh: () => void q.refetch(),
  }
}

type Sent<M extends Method, P extends keyof paths> = Parameters<M, P> & {
  body?: Body<M, P>
  /** The ETag of what the change was made from: somebody else's change in between fails with 412. */
  ifMatch?: string | undefined
  headers?: Record<string, string>
}

/** send calls a route that changes something, once, outside of React. */
export async function send<M extends Exclude<Method, 'get'>, P extends With<M>>(method: M, path: P, sent: Sent<M, P>): Promise<Data<M, P>> {
  const call = api[method.toUpperCase() as 'POST'] as unknown as Untyped
  const body: unknown = sent.body
  const { data } = await call(path, {
    params: { query: sent.query, path: sent.path },
    ...(body === undefined ? {} : { body }),
    // A file goes out as it is.
    ...(body instanceof Blob || body instanceof ArrayBuffer || body instanceof FormData ? { bodySerializer: (b: unknown) => b } : {}),
    headers: { ...sent.headers, ...(sent.ifMatch ? { 'If-Match': sent.ifMatch } : {}) },
  })
  return data as Data<M, P>
}

/** useSend is `send` with its state: `const save = useSend('put', '/api/v1/rules/{id}', ['/api/v1/rules'])`.
 *  Queries of the routes in `changes` are read again when it succeeds. */
export function useSend<M extends Exclude<Method, 'get'>, P extends With<M>>(method: M, path: P, changes: readonly GetPath[] = []): UseMutationResult<Data<M, P>, Problem, Sent<M, P>> {
  const client = useQueryClient()
  return useMutation<Data<M, P>, Problem, Sent<M, P>>({
    mutationFn: (sent) => send(method, path, sent),
    onSuccess: () => Promise.all(changes.map((p) => client.invalidateQueries({ queryKey: [p] }))).then(() => undefined),
  })
}
