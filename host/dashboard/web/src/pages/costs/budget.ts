import type { Body, Data } from '../../api/query'

export type Budget = NonNullable<Data<'get', '/api/v1/budgets'>['data']>[number]
type New = Body<'post', '/api/v1/budgets'>
export type Action = NonNullable<NonNullable<Budget['thresholds']>[number]['actions']>[number]

export const periods: readonly { value: Budget['period']; label: string }[] = [
  { value: 'day', label: 'A day' }, { value: 'week', label: 'A week, from Monday' }, { value: 'month', label: 'A month' },
  { value: 'rolling_24h', label: 'Any 24 hours' }, { value: 'rolling_30d', label: 'Any 30 days' },
]
export const periodWords = (p: string): string => periods.find((x) => x.value === p)?.label.replace(', from Monday', '').toLowerCase() ?? p

export const actions: readonly { value: Action; label: string; hint: string }[] = [
  { value: 'event', label: 'Tell', hint: 'An event on the overview and an alert here.' },
  { value: 'webhook', label: 'Call webhooks', hint: 'Webhooks that take budget events.' },
  { value: 'prefer_cheaper', label: 'Prefer cheaper models', hint: 'Until the budget resets.' },
  { value: 'stop', label: 'Refuse requests', hint: 'With 429 budget_exceeded, until it resets.' },
]
export const actionWords = (a: string): string => actions.find((x) => x.value === a)?.label.toLowerCase() ?? a

/** usdOf reads dollars as nano-USD, for figures alone; NaN for what is none. */
export const usdOf = (text: string | undefined): number => (text === undefined || text.trim() === '' ? NaN : Math.round(Number(text) * 1e9))

export type DraftThreshold = { percent: string; projected: boolean; actions: readonly Action[] }
/** A Draft is a budget as its form has it. */
export type Draft = {
  name: string; amount: string; period: Budget['period']; hard: boolean; enabled: boolean
  team: string; user: string; key: string; model: string; thresholds: readonly DraftThreshold[]
}

export const emptyDraft: Draft = {
  name: '', amount: '', period: 'month', hard: false, enabled: true, team: '', user: '', key: '', model: '',
  thresholds: [{ percent: '80', projected: false, actions: ['event', 'webhook'] }, { percent: '100', projected: false, actions: ['event', 'webhook'] }],
}

export function draftOf(b: Budget): Draft {
  return {
    name: b.name ?? '', amount: b.amount, period: b.period, hard: b.hard ?? false, enabled: b.enabled !== false,
    team: b.team_id ?? '', user: b.user_id ?? '', key: b.key_id ?? '', model: b.model_id ?? '',
    thresholds: (b.thresholds ?? []).map((t) => ({ percent: String(t.percent), projected: t.projected ?? false, actions: t.actions ?? [] })),
  }
}

/** wrongWith says what is wrong with a draft, by field; empty when nothing is. */
export function wrongWith(d: Draft): { amount?: string; thresholds?: string } {
  const wrong: { amount?: string; thresholds?: string } = {}
  if (!/^\d+(\.\d{1,9})?$/.test(d.amount.trim()) || Number(d.amount) <= 0) wrong.amount = 'Dollars, more than 0: 25 or 12.50.'
  for (const t of d.thresholds) {
    const n = Number(t.percent)
    if (!Number.isInteger(n) || n < 1 || n > 1000) wrong.thresholds = 'A threshold is a whole number from 1 to 1000 percent.'
    else if (t.actions.length === 0) wrong.thresholds = `Choose what happens at ${n} %.`
  }
  if (new Set(d.thresholds.map((t) => `${Number(t.percent)}/${t.projected}`)).size < d.thresholds.length) wrong.thresholds ??= 'Two thresholds are the same.'
  return wrong
}

/** bodyOf is a draft as the API takes it. */
export function bodyOf(d: Draft, account = ''): New {
  return {
    name: d.name.trim(), amount: d.amount.trim(), period: d.period, hard: d.hard, enabled: d.enabled,
    thresholds: d.thresholds.map((t) => ({ percent: Number(t.percent), ...(t.projected ? { projected: true } : {}), actions: [...t.actions] })),
    ...(d.team ? { team_id: d.team } : {}), ...(d.user ? { user_id: d.user } : {}), ...(d.key ? { key_id: d.key } : {}), ...(d.model ? { model_id: d.model } : {}),
    ...(account ? { account_id: account } : {}),
  }
}
