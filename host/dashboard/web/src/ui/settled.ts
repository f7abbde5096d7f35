import { useEffect, useState } from 'react'

/** useSettled is a value once it has not changed for a moment: what is typed asks once. */
export function useSettled<T>(value: T, ms = 300): T {
  const [settled, settle] = useState(value)
  useEffect(() => {
    const t = setTimeout(() => settle(value), ms)
    return () => clearTimeout(t)
  }, [value, ms])
  return settled
}
