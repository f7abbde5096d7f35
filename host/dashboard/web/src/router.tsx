import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router'
import { Missing, PageFailure, PagePending, Shell } from './shell/Shell'

const root = createRootRoute({
  component: Shell,
  notFoundComponent: Missing,
  // Every search parameter is a text: pages read theirs with useUrlState.
  validateSearch: (s: Record<string, unknown>): Record<string, unknown> => s,
})

const at = <P extends string>(path: P, load: () => Promise<{ Page: () => React.ReactNode }>) =>
  createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(load, 'Page') })

// One line per page; its folder has the rest. The menu's line is in shell/menu.ts.
const pages = [
  at('/overview', () => import('./pages/overview')),
  at('/routing', () => import('./pages/routing')),
  at('/requests', () => import('./pages/requests')),
  at('/models', () => import('./pages/models')),
  at('/providers', () => import('./pages/providers')),
  at('/costs', () => import('./pages/costs')),
  at('/usage', () => import('./pages/usage')),
  at('/plugins', () => import('./pages/plugins')),
  at('/keys', () => import('./pages/keys')),
  at('/sessions', () => import('./pages/sessions')),
  at('/settings', () => import('./pages/settings')),
] as const

const start = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => { throw redirect({ to: '/overview', replace: true }) },
})

export const router = createRouter({
  routeTree: root.addChildren([start, ...pages]),
  basepath: '/ui',
  defaultPreload: 'intent',
  defaultPendingComponent: PagePending,
  defaultErrorComponent: PageFailure,
  scrollRestoration: true,
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const p = new URLSearchParams()
    for (const [k, v] of Object.entries(search)) if (v !== undefined && v !== null && v !== '') p.set(k, String(v))
    const text = p.toString()
    return text ? `?${text}` : ''
  },
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
