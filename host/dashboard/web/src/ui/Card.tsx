import { useId, type ReactNode } from 'react'
import type { Problem } from '../api/problem'
import { Button } from './Button'
import { Icon } from './Icon'

/** Page is the frame of a page: its one h1, what to do there, and the rest. */
export function Page({ title, lead, actions, children }: { title: string; lead?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <>
      <title>{`${title} · Pointsman`}</title>
      <header className="page-head">
        <div>
          <h1>{title}</h1>
          {lead && <p className="lead">{lead}</p>}
        </div>
        {actions && <div className="button-row">{actions}</div>}
      </header>
      <div className="page-body">{children}</div>
    </>
  )
}

/** Card is a titled region. flush: its content reaches the edges, as tables do. */
export function Card({ title, aside, flush = false, children, span }: { title?: ReactNode; aside?: ReactNode; flush?: boolean; children: ReactNode; span?: 'all' }) {
  const id = useId()
  return (
    <section className={`card${flush ? ' card-flush' : ''}${span ? ` span-${span}` : ''}`} {...(title ? { 'aria-labelledby': id } : {})}>
      {title && (
        <header className="card-head">
          <h2 id={id}>{title}</h2>
          {aside && <div className="card-aside">{aside}</div>}
        </header>
      )}
      <div className="card-body">{children}</div>
    </section>
  )
}

/** Tile is one figure. value is text, or null for what is not known: why says the reason. */
export function Tile({ label, value, unit, note, why = 'not known yet', children }: { label: string; value: ReactNode | null; unit?: string; note?: ReactNode; why?: string; children?: ReactNode }) {
  return (
    <section className="tile" aria-label={label}>
      <h2 className="tile-label">{label}</h2>
      <p className="tile-value">
        {value === null ? <span className="tile-unknown">{why}</span> : <>{value}{unit && <span className="tile-unit"> {unit}</span>}</>}
      </p>
      <div className="tile-foot">
        <span className="tile-note">{note}</span>
        {children}
      </div>
    </section>
  )
}

/** Failure says what went wrong, what to do, and offers to try again. */
export function Failure({ error, retry, what }: { error: Problem; retry?: () => void; what?: string }) {
  return (
    <div className="note note-bad" role="alert">
      <Icon name="triangle" />
      <div>
        <p><strong>{what ? `${what}: ` : ''}</strong>{error.message}</p>
        {error.more.caret && <pre className="caret">{error.more.caret}</pre>}
        {(error.more.errors ?? []).filter((e) => e.message && e.message !== error.message).map((e, i) => <p key={i}><code>{e.location}</code> {e.message}</p>)}
        {error.next && <p className="soft">{error.next}</p>}
        {retry && <Button small onClick={retry} icon="refresh">Try again</Button>}
      </div>
    </div>
  )
}

/** Note is a remark of the page: something to know, or to beware of. */
export function Note({ kind = 'info', children }: { kind?: 'info' | 'warn' | 'good'; children: ReactNode }) {
  return <div className={`note note-${kind}`}><Icon name={kind === 'warn' ? 'triangle' : kind === 'good' ? 'tick' : 'info'} /><div>{children}</div></div>
}

/** Empty says that there is nothing, and what would change that. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return <div className="empty"><p className="empty-title">{title}</p>{children && <div className="soft">{children}</div>}</div>
}

/** Loading is shown while something is on its way; it stays invisible for the first moments. */
export function Loading({ what = 'Loading', rows = 3 }: { what?: string; rows?: number }) {
  return (
    <div className="loading" role="status">
      <span className="sr">{what} …</span>
      {Array.from({ length: rows }, (_, i) => <span key={i} className="bone" aria-hidden="true" />)}
    </div>
  )
}

/** Facts is a list of names and values. */
export function Facts({ items }: { items: readonly (readonly [name: string, value: ReactNode])[] }) {
  return <dl className="facts">{items.map(([k, v]) => <div key={k}><dt>{k}</dt><dd>{v}</dd></div>)}</dl>
}
