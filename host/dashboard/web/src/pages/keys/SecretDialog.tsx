import { useState } from 'react'
import { Button, CopyButton, Dialog, Note } from '../../ui'
import { curlLine, type Key } from './key'

/** SecretDialog shows a new key's text, once: only its own button closes it. */
export function SecretDialog({ of, onClose }: { of: Key; onClose: () => void }) {
  const [warned, setWarned] = useState(false)
  const secret = of.secret ?? ''
  const line = curlLine(window.location.origin, secret, of.scopes ?? [])
  return (
    <Dialog wide title={`The key “${of.name}”`} onClose={() => setWarned(true)} actions={<Button kind="primary" onClick={onClose}>I have kept it</Button>}>
      <Note kind="warn">This is the only time that it is shown. Put it where it is used, or into a password store, now.</Note>
      {warned && <p className="field-error" role="alert">Once this is closed nobody can read the key again. Keep it, then press “I have kept it”.</p>}
      <div className="field">
        <span className="field-label">Key</span>
        <code className="secret" data-secret="">{secret}</code>
        <div><CopyButton text={secret} label="Copy key" /></div>
      </div>
      <div className="field">
        <span className="field-label">Try it</span>
        <pre className="secret">{line}</pre>
        <div><CopyButton text={line} label="Copy command" /></div>
      </div>
    </Dialog>
  )
}
