import { useId, useLayoutEffect, useRef, useState, type ReactNode } from 'react'
import { Button, IconButton } from './Button'
import { Field, Input } from './Field'

type Props = { title: ReactNode; onClose: () => void; children: ReactNode; actions?: ReactNode; wide?: boolean }

function Modal({ title, onClose, children, actions, kind }: Props & { kind: string }) {
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  // Before it leaves the document: only then does closing give the focus back to where it was.
  useLayoutEffect(() => {
    const d = ref.current
    if (d && !d.open) d.showModal()
    return () => d?.close()
  }, [])
  return (
    // The key is the browser's own Escape, which makes 'cancel'; a click counts only on the veil itself.
    <dialog
      ref={ref} className={kind} aria-labelledby={id}
      onCancel={(e) => { e.preventDefault(); onClose() }}
      onMouseDown={(e) => { if (e.target === ref.current) onClose() }}
    >
      <div className="dialog-frame">
        <header className="dialog-head">
          <h2 id={id}>{title}</h2>
          <IconButton icon="close" label="Close" onClick={onClose} />
        </header>
        <div className="dialog-body" tabIndex={-1}>{children}</div>
        {actions && <footer className="dialog-foot">{actions}</footer>}
      </div>
    </dialog>
  )
}

/** Dialog is a modal in the middle. Render it while it is open. */
export const Dialog = (p: Props) => <Modal {...p} kind={`dialog${p.wide ? ' dialog-wide' : ''}`} />

/** Drawer is a modal at the side, for one row's details. Render it while it is open. */
export const Drawer = (p: Props) => <Modal {...p} kind={`drawer${p.wide ? ' drawer-wide' : ''}`} />

type ConfirmProps = {
  title: string
  children: ReactNode
  /** The verb of the button: "Delete key". */
  verb: string
  danger?: boolean
  /** Text that must be typed before the button works, for what cannot be undone. */
  typed?: string
  busy?: boolean
  onConfirm: () => void
  onClose: () => void
}

/** Confirm asks before something is done. */
export function Confirm({ title, children, verb, danger = false, typed, busy = false, onConfirm, onClose }: ConfirmProps) {
  const [text, setText] = useState('')
  return (
    <Dialog
      title={title} onClose={onClose}
      actions={<>
        <Button onClick={onClose}>Cancel</Button>
        <Button kind={danger ? 'danger' : 'primary'} busy={busy} disabled={typed !== undefined && text !== typed} onClick={onConfirm}>{verb}</Button>
      </>}
    >
      {children}
      {typed !== undefined && (
        <Field label={<>Type <code>{typed}</code> to go on</>}>
          {(f) => <Input {...f} value={text} onChange={(e) => setText(e.target.value)} autoComplete="off" />}
        </Field>
      )}
    </Dialog>
  )
}
