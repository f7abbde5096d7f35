import { RouterProvider } from '@tanstack/react-router'
import { useEffect } from 'react'
import { queries } from '../api/query'
import { resumeSession, useSessionState } from '../api/session'
import { router } from '../router'
import { Button } from '../ui/Button'
import { Icon } from '../ui/Icon'
import { Toasts } from '../ui/Toast'
import { Login } from './Login'

/** Gate is the login page until somebody is logged in, and the dashboard from then on. The address
 *  stays what it was, so a session that ends goes on where it was. */
export function Gate() {
  const s = useSessionState()
  useEffect(() => {
    // What one key saw is not for the next.
    if (s.state === 'out') queries.clear()
  }, [s.state])
  useEffect(() => {
    if (s.state !== 'failed') return
    const t = setInterval(() => void resumeSession(), 5_000)
    return () => clearInterval(t)
  }, [s.state])
  return (
    <>
      {s.state === 'in' && <RouterProvider key={`${s.session.account?.id ?? ''} ${s.session.user?.id ?? ''} ${s.session.role}`} router={router} />}
      {s.state === 'out' && <Login expired={s.reason === 'expired'} />}
      {s.state === 'unknown' && <p className="sr" role="status">Loading …</p>}
      {s.state === 'failed' && (
        <main className="login">
          <div className="login-box">
            <h1><Icon name="triangle" /> {s.message}</h1>
            <p>{s.next}</p>
            <Button onClick={() => void resumeSession()}>Try again</Button>
          </div>
        </main>
      )}
      <Toasts />
    </>
  )
}
