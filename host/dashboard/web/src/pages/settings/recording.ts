import type { Body, Data } from '../../api/query'

export type Recording = NonNullable<Data<'get', '/api/v1/decision-settings'>>
export type RecordingDraft = { record: 'all' | 'sampled' | 'none'; share: string; text: boolean; days: string }

export const draftOf = (r: Recording): RecordingDraft => ({ record: r.record, share: r.share_percent === undefined ? '10' : String(r.share_percent), text: r.text, days: String(r.retention_days) })

/** bodyOf makes what the API takes, or says what is wrong: the share goes with 'sampled' alone. */
export function bodyOf(d: RecordingDraft): { body: Body<'put', '/api/v1/decision-settings'> } | { problem: string } {
  const days = /^\d+$/.test(d.days.trim()) ? Number(d.days) : NaN
  if (!(days >= 1 && days <= 90)) return { problem: 'Decisions are kept for 1 to 90 days.' }
  const share = d.share.trim() === '' ? NaN : Number(d.share.trim().replace(/ ?%$/, '').replace(',', '.'))
  if (d.record === 'sampled' && !(share >= 0 && share <= 100)) return { problem: 'The share is a number of 0 to 100, in percent.' }
  return { body: { record: d.record, text: d.text, retention_days: days, ...(d.record === 'sampled' ? { share_percent: share } : {}) } }
}
