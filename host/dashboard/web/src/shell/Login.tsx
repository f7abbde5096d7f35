import { useState, type FormEvent } from 'react'
import { asProblem, type Problem } from '../api/problem'
import { logIn } from '../api/session'
import { Button } from '../ui/Button'
import { Failure, Note } from '../ui/Card'
import { Field, Input } from '../ui/Field'
import { Logo } from './Logo'

/** Login exchanges a key for the session cookie. The key is kept nowhere. */
export function Login({ expired }: { expired: boolean }) {
  const [key, setKey] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Problem | null>(null)
  const submit = async (e: FormEvent) => {
    e.preventDefault()
    if (key.trim() === '') return
    setBusy(true)
    setError(null)
    try {
      await logIn(key.trim())
    } catch (thrown) {
      setError(asProblem(thrown))
      setBusy(false)
    }
  }
  return (
    <main className="login">
      <title>Log in · Pointsman</title>
      <form className="login-box" onSubmit={(e) => void submit(e)}>
        <Logo />
        <h1>Log in</h1>
        {expired && !error && <Note>Your session has ended. Log in to go on where you were.</Note>}
        {error && <Failure error={error} />}
        <Field label="Key" hint={<>An administrator’s or a user’s key. The server printed the first one when it started: <code>pm_…</code></>}>
          {(f) => <Input {...f} type="password" name="key" value={key} onChange={(e) => setKey(e.target.value)} autoComplete="current-password" autoFocus required spellCheck={false} />}
        </Field>
        <Button kind="primary" type="submit" busy={busy}>Log in</Button>
      </form>
    </main>
  )
}
