import type { IconName } from '../ui/Icon'

export type MenuItem = {
  to: '/overview' | '/routing' | '/requests' | '/models' | '/providers' | '/costs' | '/usage' | '/plugins' | '/keys' | '/sessions' | '/settings'
  title: string
  icon: IconName
  /** The route without which the page is nothing: who may not use it is not offered the page. */
  needs: string
}

export const menu: readonly MenuItem[] = [
  { to: '/overview', title: 'Overview', icon: 'overview', needs: '/api/v1/rules/graph' },
  { to: '/routing', title: 'Routing', icon: 'routing', needs: '/api/v1/rules/graph' },
  { to: '/requests', title: 'Requests', icon: 'requests', needs: '/api/v1/decisions' },
  { to: '/models', title: 'Models', icon: 'models', needs: '/api/v1/models' },
  { to: '/providers', title: 'Providers', icon: 'providers', needs: '/api/v1/health' },
  { to: '/costs', title: 'Costs', icon: 'costs', needs: '/api/v1/costs/summary' },
  { to: '/usage', title: 'Usage', icon: 'usage', needs: '/api/v1/usage' },
  { to: '/plugins', title: 'Plugins', icon: 'plugins', needs: '/api/v1/plugins' },
  { to: '/keys', title: 'Keys & limits', icon: 'keys', needs: '/api/v1/keys' },
  { to: '/sessions', title: 'Sessions', icon: 'sessions', needs: '/api/v1/sessions' },
  { to: '/settings', title: 'Settings', icon: 'settings', needs: '/api/v1/preferences' },
]
