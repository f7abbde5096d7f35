import { useSyncExternalStore } from 'react'

export type Theme = 'system' | 'light' | 'dark'

const key = 'pointsman.theme' // public/theme.js reads it before the first paint
const listeners = new Set<() => void>()
const dark = typeof matchMedia === 'function' ? matchMedia('(prefers-color-scheme: dark)') : null
dark?.addEventListener('change', () => tell())

function tell() {
  for (const l of listeners) l()
}

const chosen = (): Theme => {
  const t = document.documentElement.dataset.theme
  return t === 'light' || t === 'dark' ? t : 'system'
}

/** setTheme stores the choice in this browser; 'system' follows the system again. */
export function setTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  try {
    if (theme === 'system') localStorage.removeItem(key)
    else localStorage.setItem(key, theme)
  } catch {
    // Storage may be forbidden: the choice holds until the page is closed.
  }
  tell()
}

/** onTheme calls back when the colours change. It returns what ends that. */
export function onTheme(l: () => void): () => void {
  listeners.add(l)
  return () => listeners.delete(l)
}

export const useTheme = (): Theme => useSyncExternalStore(onTheme, chosen)
