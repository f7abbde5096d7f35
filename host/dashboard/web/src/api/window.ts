import { useNow } from '../ui/Figures'

export const minute = 60_000
export const hour = 60 * minute
export const dayLength = 24 * hour

/** floor is the begin of the step of that length, of UTC, in which a time is. */
export const floor = (ms: number, step: number): number => Math.floor(ms / step) * step

export const iso = (ms: number): string => new Date(ms).toISOString()

/** useStep is the begin of the current step, in ms since 1970: it changes as time passes, and
 *  not in between, so it can be part of a query. */
export function useStep(step: number): number {
  return floor(useNow(), step)
}
