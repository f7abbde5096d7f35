import { Link, Outlet, useRouterState, type ErrorComponentProps } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { ago } from '../api/format'
import { asProblem } from '../api/problem'
import { logOut, newBuild, useCan, useSession } from '../api/session'
import { pauseLive, useLive, useLiveConnection } from '../live/live'
import { setTheme, useTheme, type Theme } from '../theme/theme'
import { Button, IconButton } from '../ui/Button'
import { Empty, Failure, Loading, Note, Page } from '../ui/Card'
import { useNow } from '../ui/Figures'
import { Icon, type IconName } from '../ui/Icon'
import { Logo } from './Logo'
import { menu } from './menu'

const roleNames = { super_admin: 'Super admin', account_admin: 'Account admin', team_lead: 'Team lead', user: 'User' }

/** Shell is what surrounds every page: the menu, who is logged in, whether it is live. */
export function Shell() {
  useLiveConnection()
  const [open, setOpen] = useState(false)
  const path = useRouterState({ select: (s) => s.location.pathname })
  const main = useRef<HTMLElement>(null)
  const was = useRef(path)
  useEffect(() => setOpen(false), [path])
  useEffect(() => {
    // After a change of page the focus is at its begin, as after a page's load; not while the menu covers it.
    if (open || was.current === path) return
    was.current = path
    main.current?.focus({ preventScroll: true })
  }, [path, open])
  useEffect(() => {
    if (!open) return
    const escape = (e: KeyboardEvent) => { if (e.key === 'Escape') setOpen(false) }
    const close = () => setOpen(false)
    addEventListener('keydown', escape)
    addEventListener('resize', close)
    return () => {
      removeEventListener('keydown', escape)
      removeEventListener('resize', close)
    }
  }, [open])
  return (
    <div className="shell">
      <a href="#main" className="skip" onClick={(e) => { e.preventDefault(); main.current?.focus() }}>Skip to content</a>
      <header className="top">
        <Logo />
        <LiveDot />
        <button type="button" className="icon-button top-menu" aria-expanded={open} aria-controls="rail" aria-label="Menu" onClick={() => setOpen(!open)}><Icon name={open ? 'close' : 'menu'} /></button>
      </header>
      <aside id="rail" aria-label="Pages and session" className={`rail${open ? ' rail-open' : ''}`}>
        <div className="rail-logo"><Logo /></div>
        <Menu />
        <div className="rail-foot">
          <div className="rail-live"><LiveDot /></div>
          <ThemeSwitch />
          <Who />
        </div>
      </aside>
      <main id="main" ref={main} tabIndex={-1} inert={open}><Newer /><Outlet /></main>
    </div>
  )
}

/** Newer offers to reload once the server was upgraded. It looks whenever the stream has come back. */
function Newer() {
  const { state } = useLive()
  const [newer, setNewer] = useState(false)
  useEffect(() => {
    if (state === 'open' || state === 'polling') newBuild().then((is) => { if (is) setNewer(true) }, () => undefined)
  }, [state])
  if (!newer) return null
  return <div className="newer"><Note>The server was upgraded while this page was open. <Button small onClick={() => location.reload()}>Reload</Button></Note></div>
}

function Menu() {
  const can = useCan()
  return (
    <nav aria-label="Pages">
      <ul>
        {menu.filter((m) => can('GET', m.needs)).map((m) => (
          <li key={m.to}><Link to={m.to} className="rail-link" activeOptions={{ includeSearch: false }}><Icon name={m.icon} />{m.title}</Link></li>
        ))}
      </ul>
    </nav>
  )
}

function LiveDot() {
  const { state, heardAt } = useLive()
  const now = useNow()
  const words = {
    connecting: 'Connecting', open: 'Live', polling: 'Every 15 s', paused: 'Paused', hidden: 'Paused',
  }
  const old = state === 'open' && heardAt > 0 && now - heardAt > 45_000
  return (
    <span className="live">
      <span className={`live-dot live-${old ? 'polling' : state}`} aria-hidden="true" />
      <span className="live-word">{words[state]}{heardAt > 0 && state !== 'connecting' && <span className="soft"> · {ago(heardAt, now)}</span>}</span>
      {state === 'paused' ? <IconButton icon="play" label="Go on with live updates" onClick={() => pauseLive(false)} /> : <IconButton icon="pause" label="Pause live updates" onClick={() => pauseLive(true)} />}
    </span>
  )
}

function ThemeSwitch() {
  const theme = useTheme()
  const choices: [Theme, IconName, string][] = [['light', 'sun', 'Light'], ['system', 'screen', 'As the system'], ['dark', 'moon', 'Dark']]
  return (
    <fieldset className="themes">
      <legend className="sr">Theme</legend>
      {choices.map(([t, icon, name]) => (
        <label key={t} title={name}>
          <input type="radio" name="theme" className="sr" checked={theme === t} onChange={() => setTheme(t)} />
          <Icon name={icon} size={16} /><span className="sr">{name}</span>
        </label>
      ))}
    </fieldset>
  )
}

function Who() {
  const s = useSession()
  const where = [s.account?.name, s.team?.name].filter(Boolean).join(' / ')
  return (
    <div className="who">
      <Icon name="person" />
      <div className="who-words">
        <span className="who-name">{s.user?.name ?? roleNames[s.role]}</span>
        {s.user && <span className="soft">{roleNames[s.role]}</span>}
        {where && <span className="soft" title={where}>{where}</span>}
      </div>
      <IconButton icon="logout" label="Log out" onClick={() => void logOut()} />
    </div>
  )
}

/** PagePending is shown while a page's code is on its way. */
export const PagePending = () => <div className="page-body"><Loading what="Page" rows={6} /></div>

/** PageFailure is shown in a page's place when it breaks; the menu stays. */
export function PageFailure({ error, reset }: ErrorComponentProps) {
  // After an upgrade the old page's files are gone.
  const stale = /dynamically imported module|importing a module script/i.test(error instanceof Error ? error.message : '')
  if (stale) {
    return <Page title="A newer dashboard is there"><Empty title="The server was upgraded while this page was open."><Button kind="primary" onClick={() => location.reload()}>Reload</Button></Empty></Page>
  }
  return <Page title="This page broke"><Failure error={asProblem(error)} retry={reset} /></Page>
}

export function Missing() {
  return <Page title="No such page"><Empty title="There is nothing at this address."><Link to="/overview">Go to the overview</Link></Empty></Page>
}
