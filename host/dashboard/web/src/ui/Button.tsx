import { useState, type ButtonHTMLAttributes, type ReactNode } from 'react'
import { Icon, type IconName } from './Icon'

type ButtonProps = Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'className'> & {
  kind?: 'primary' | 'plain' | 'quiet' | 'danger'
  icon?: IconName
  /** Shows that it is at work, and keeps it from being pressed twice. */
  busy?: boolean
  small?: boolean
}

export function Button({ kind = 'plain', icon, busy = false, small = false, children, type = 'button', disabled, ...rest }: ButtonProps) {
  return (
    <button {...rest} type={type} disabled={disabled || busy} aria-busy={busy || undefined} className={`button button-${kind}${small ? ' button-small' : ''}`}>
      {busy ? <span className="spinner" aria-hidden="true" /> : icon && <Icon name={icon} size={16} />}
      {children}
    </button>
  )
}

type IconButtonProps = Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'className' | 'children'> & { icon: IconName; label: string }

/** IconButton is an icon with a name for everybody: a tooltip, and an accessible label. */
export function IconButton({ icon, label, type = 'button', ...rest }: IconButtonProps) {
  return (
    <button {...rest} type={type} className="icon-button" aria-label={label} title={label}>
      <Icon name={icon} />
    </button>
  )
}

/** CopyButton puts text on the clipboard and says so. */
export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [said, setSaid] = useState('')
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setSaid('Copied')
    } catch {
      setSaid('Copying is not allowed here: select the text')
    }
    setTimeout(() => setSaid(''), 2500)
  }
  return (
    <>
      <Button small icon={said === 'Copied' ? 'check' : 'copy'} onClick={() => void copy()}>{said || label}</Button>
      <span className="sr" role="status">{said}</span>
    </>
  )
}

export function ButtonRow({ children }: { children: ReactNode }) {
  return <div className="button-row">{children}</div>
}
