import './usage.css'
import { useMemo } from 'react'
import { iso, minute, useStep } from '../../api/window'
import { useCan, useSession } from '../../api/session'
import { AccountPicker, Field, Icon, Input, ModelPicker, Note, OwnerPicker, Page as Frame, Select, useUrlState } from '../../ui'
import { Chart } from './Chart'
import { Groups } from './Groups'
import { rangeOf, spans } from './range'
import { Rows } from './Rows'
import { Totals } from './Totals'

/** Page is what was used: how much, how fast, how well, by whom. */
export function Page() {
  const can = useCan()
  const session = useSession()
  const [account, setAccount] = useUrlState('account')
  const [span, setSpan] = useUrlState('span')
  const [from, setFrom] = useUrlState('from')
  const [to, setTo] = useUrlState('to')
  const [model, setModel] = useUrlState('model')
  const [team, setTeam] = useUrlState('team')
  const [user, setUser] = useUrlState('user')
  const [key, setKey] = useUrlState('key')
  const now = useStep(minute)
  const range = rangeOf(span, from, to, now)
  const fromText = range ? iso(range.from) : ''
  const toText = range?.to ? iso(range.to) : ''
  // Steady while nothing changes: it is part of queries.
  const filter = useMemo(() => ({
    ...(account ? { account_id: account } : {}), ...(model ? { model } : {}), ...(team ? { team_id: team } : {}), ...(user ? { user_id: user } : {}), ...(key ? { key_id: key } : {}),
    ...(fromText ? { from: fromText } : {}), ...(toText ? { to: toText } : {}),
  }), [account, model, team, user, key, fromText, toText])
  return (
    <Frame title="Usage" lead="How much was used, how fast it was, and how often it failed." actions={<AccountPicker value={account} onChange={setAccount} all="All accounts" />}>
      <div className="usage">
        <section className="filters" aria-label="Filters">
          <Field label="Time">{(f) => <Select {...f} value={span} onChange={(e) => setSpan(e.target.value)} options={[...spans.map((s) => ({ value: s.id, label: s.title })), { value: 'own', label: 'Days …' }]} />}</Field>
          {span === 'own' && <>
            <Field label="From">{(f) => <Input {...f} type="date" value={from} onChange={(e) => setFrom(e.target.value)} />}</Field>
            <Field label="To">{(f) => <Input {...f} type="date" value={to} onChange={(e) => setTo(e.target.value)} />}</Field>
          </>}
          <Field label="Model">{(f) => <ModelPicker {...f} value={model} onChange={setModel} clearable placeholder="All" />}</Field>
          {can('GET', '/api/v1/teams') && <Field label="Team">{(f) => <OwnerPicker {...f} kind="team" account={account} value={team} onChange={setTeam} />}</Field>}
          {can('GET', '/api/v1/users') && <Field label="User">{(f) => <OwnerPicker {...f} kind="user" account={account} value={user} onChange={setUser} />}</Field>}
          <Field label="Key">{(f) => <OwnerPicker {...f} kind="key" account={account} value={key} onChange={setKey} />}</Field>
        </section>
        {!range ? <Note kind="warn">Choose a first day, and a last one that is not before it. Days are those of UTC.</Note> : (
          <>
            <Totals filter={filter} />
            <Chart filter={filter} range={range} />
            <Groups filter={filter} accounts={session.role === 'super_admin'} />
            <Rows filter={filter} aside={can('GET', '/api/v1/usage/export') && <Exports filter={filter} />} />
          </>
        )}
      </div>
    </Frame>
  )
}

/** Filter is what the API narrows usage by. */
export type Filter = { account_id?: string; model?: string; team_id?: string; user_id?: string; key_id?: string; from?: string; to?: string }

function Exports({ filter }: { filter: Filter }) {
  const address = (format: string) => `/api/v1/usage/export?${new URLSearchParams({ ...filter, format }).toString()}`
  return (
    <>
      <a className="button button-plain button-small" href={address('csv')} download="usage.csv"><Icon name="download" size={14} />Export CSV</a>
      <a className="button button-plain button-small" href={address('json')} download="usage.json"><Icon name="download" size={14} />Export JSON</a>
    </>
  )
}
