import type { Problem } from '../../api/problem'

export type Outcome = 'waiting' | 'passed' | 'failed' | 'skipped' | 'unknown'
export type Step = { id: string; title: string; what: string; outcome: Outcome; note?: string }

const stages = [
  ['size', 'Size', 'There is a module, and it is not too large.'],
  ['structure', 'Structure', 'Every section can be read, and imports nothing but what Pointsman offers.'],
  ['manifest', 'Manifest', 'It says who it is, and exports what its kind must have.'],
  ['meter', 'Metering', 'Every instruction is known, so that what it spends can be counted.'],
  ['compile', 'Compilation', 'It becomes machine code within its time and memory.'],
  ['try', 'First start', 'It starts, and takes or refuses an empty config without breaking.'],
  ['fixtures', 'Fixtures', 'It does what the cases that came with it expect.'],
] as const

/** stageOf is the step of the gate that refused, '' when the server does not say. */
export function stageOf(problem: Problem): string {
  for (const e of problem.more.errors ?? []) {
    const m = /^body\.module\.([a-z]+)$/.exec(e.location)
    if (m && stages.some(([id]) => id === m[1])) return m[1]!
  }
  return ''
}

/** stepsOf is how a module did at each step. What was not reached is not said to have passed. */
export function stepsOf(result: { state: 'idle' | 'running' } | { state: 'passed'; known: boolean } | { state: 'failed'; problem: Problem }, fixtures: boolean): Step[] {
  const failed = result.state === 'failed' ? stages.findIndex(([id]) => id === stageOf(result.problem)) : -1
  return stages.map(([id, title, what], i) => {
    const none = id === 'fixtures' && !fixtures
    let outcome: Outcome = 'waiting'
    let note: string | undefined
    if (result.state === 'passed') {
      outcome = none || result.known ? 'skipped' : 'passed'
      if (result.known) note = 'These bytes were there already, so they were not tried again.'
      else if (none) note = 'No cases came with it.'
    } else if (result.state === 'failed') {
      outcome = failed < 0 ? 'unknown' : i < failed ? 'passed' : i === failed ? 'failed' : 'skipped'
      if (i === failed) note = result.problem.message
      else if (failed >= 0 && i > failed) note = 'Not reached.'
    } else if (none) note = 'Only when cases come with it.'
    return { id, title, what, outcome, ...(note ? { note } : {}) }
  })
}

/** looksLikeWasm tells a module from another file by its first bytes. */
export const looksLikeWasm = (head: Uint8Array): boolean => head.length >= 4 && head[0] === 0 && head[1] === 0x61 && head[2] === 0x73 && head[3] === 0x6d
