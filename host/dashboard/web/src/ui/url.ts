import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback } from 'react'

/** useUrlState is a piece of state that lives in the address, so that a link carries it:
 *  `const [model, setModel] = useUrlState('model')`. The default is left out of the address. */
export function useUrlState(name: string, fallback = ''): [value: string, set: (value: string) => void] {
  const search: Record<string, unknown> = useSearch({ strict: false })
  const navigate = useNavigate()
  const v = search[name]
  const set = useCallback(
    (value: string) => {
      void navigate({
        to: '.', replace: true, resetScroll: false,
        search: (old: Record<string, unknown>) => {
          const next = { ...old }
          if (value === fallback) delete next[name]
          else next[name] = value
          return next
        },
      } as never)
    },
    [navigate, name, fallback],
  )
  return [typeof v === 'string' ? v : fallback, set]
}
