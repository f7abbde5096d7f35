import { act, useState, type ReactNode } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Problem } from '../api/problem'
import { HealthStrip, Meter, WithTable } from './charts'
import { DataTable, type Column } from './DataTable'
import { Confirm } from './Dialog'
import { Combobox, Field, Input } from './Field'
import { FamilyMark, PriorityChip, StatusWord } from './marks'
import { Tabs } from './Tabs'
import { toast, toastFailure, Toasts } from './Toast'

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })

let root: Root
let box: HTMLDivElement
beforeEach(() => {
  box = document.createElement('div')
  document.body.append(box)
  root = createRoot(box)
})
afterEach(() => {
  act(() => root.unmount())
  box.remove()
})
const show = (node: ReactNode) => act(() => root.render(node))
const press = (el: Element | null, key: string) => act(() => void el?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })))
const click = (el: Element | null | undefined) => act(() => (el as HTMLElement).click())
const type = (el: HTMLInputElement, text: string) =>
  act(() => {
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')!.set!.call(el, text)
    el.dispatchEvent(new Event('input', { bubbles: true }))
  })

type Row = { id: string; cost: number | null }
const rows: Row[] = [{ id: 'b', cost: 2 }, { id: 'a', cost: null }, { id: 'c', cost: 10 }]
const columns: Column<Row>[] = [
  { key: 'id', title: 'Name', cell: (r) => r.id, by: (r) => r.id, narrow: 'title' },
  { key: 'cost', title: 'Cost', cell: (r) => r.cost ?? '–', by: (r) => r.cost, end: true },
]
const order = () => [...box.querySelectorAll('tr[data-id]')].map((r) => r.getAttribute('data-id')).join('')

describe('DataTable', () => {
  const table = (more: Partial<Parameters<typeof DataTable<Row>>[0]> = {}) => <DataTable label="Things" rows={rows} columns={columns} id={(r) => r.id} {...more} />

  it('sorts by a column, figures greatest first, the unknown last either way', () => {
    show(table())
    expect(order()).toBe('bac')
    const [name, cost] = box.querySelectorAll('.th-button')
    click(name)
    expect(order()).toBe('abc')
    click(cost)
    expect(order()).toBe('cba')
    expect(box.querySelectorAll('th')[1]!.getAttribute('aria-sort')).toBe('descending')
    click(cost)
    expect(order()).toBe('bca')
  })

  it('is walked with j and k, and opens with Enter', () => {
    const opened = vi.fn()
    show(table({ onOpen: opened }))
    const at = () => document.activeElement?.getAttribute('data-id')
    act(() => box.querySelector<HTMLElement>('tr[tabindex="0"]')!.focus())
    expect(at()).toBe('b')
    press(document.activeElement, 'j')
    press(document.activeElement, 'j')
    expect(at()).toBe('c')
    press(document.activeElement, 'j') // the end
    press(document.activeElement, 'k')
    expect(at()).toBe('a')
    press(document.activeElement, 'Enter')
    expect(opened).toHaveBeenCalledExactlyOnceWith(rows[1])
    expect(box.querySelectorAll('tr[tabindex="0"]')).toHaveLength(1)
  })

  it('says that it loads, failed or is empty, and keeps old rows beside a failure', () => {
    show(table({ rows: [], loading: true }))
    expect(box.querySelector('[role=status]')?.textContent).toContain('Things')
    const retry = vi.fn()
    show(table({ rows: [], error: new Problem(503, 'x', 'The database is away.'), retry }))
    expect(box.querySelector('[role=alert]')?.textContent).toContain('The database is away.')
    click(box.querySelector('button'))
    expect(retry).toHaveBeenCalledOnce()
    show(table({ rows: [] }))
    expect(box.textContent).toContain('Nothing here yet')
    show(table({ error: new Problem(503, 'x', 'The database is away.') }))
    expect(order()).toBe('bac')
    expect(box.querySelector('[role=alert]')).not.toBeNull()
  })
})

describe('Combobox', () => {
  function Picker({ free = false }: { free?: boolean }) {
    const [value, setValue] = useState('')
    return <><Combobox aria-label="Model" free={free} value={value} onChange={setValue} options={[{ value: 'gpt-4o', label: 'gpt-4o' }, { value: 'claude-opus', label: 'claude-opus' }, { value: 'gpt-5', label: 'gpt-5', disabled: true }]} /><output>{value}</output></>
  }
  const input = () => box.querySelector('input')!
  const value = () => box.querySelector('output')!.textContent
  const shown = () => [...box.querySelectorAll('[role=option]')].map((o) => o.textContent)

  it('finds by words, and chooses by keys', () => {
    show(<Picker />)
    expect(shown()).toEqual([])
    type(input(), 'gpt')
    expect(shown()).toEqual(['gpt-4o', 'gpt-5'])
    expect(input().getAttribute('aria-expanded')).toBe('true')
    press(input(), 'ArrowDown')
    press(input(), 'Enter') // is disabled
    expect(value()).toBe('')
    press(input(), 'ArrowDown') // round to the first
    expect(box.querySelector(`#${CSS.escape(input().getAttribute('aria-activedescendant')!)}`)?.textContent).toBe('gpt-4o')
    press(input(), 'Enter')
    expect(value()).toBe('gpt-4o')
    expect(input().getAttribute('aria-expanded')).toBe('false')
  })

  it('forgets what was typed at Escape, and takes it when it is free', () => {
    show(<Picker free />)
    type(input(), 'mine')
    press(input(), 'Escape')
    expect(value()).toBe('')
    act(() => input().focus())
    type(input(), 'mine')
    act(() => input().blur())
    expect(value()).toBe('mine')
  })
})

it('Field ties a control to its label, hint and error', () => {
  show(<Field label="Name" hint="Short." error="Too long.">{(f) => <Input {...f} />}</Field>)
  const i = box.querySelector('input')!
  expect(box.querySelector('label')!.htmlFor).toBe(i.id)
  expect(i.getAttribute('aria-invalid')).toBe('true')
  const said = i.getAttribute('aria-describedby')!.split(' ').map((id) => document.getElementById(id)?.textContent?.trim())
  expect(said).toEqual(['Short.', 'Too long.'])
})

it('Tabs move by arrow keys, round and round', () => {
  function Two() {
    const [at, setAt] = useState('one')
    return <Tabs label="Parts" at={at} onChange={setAt} tabs={[{ id: 'one', title: 'One', panel: 'first' }, { id: 'two', title: 'Two', panel: 'second' }]} />
  }
  show(<Two />)
  press(box.querySelector('[aria-selected=true]'), 'ArrowLeft')
  expect(box.querySelector('[role=tabpanel]')!.textContent).toBe('second')
  expect(document.activeElement?.textContent).toBe('Two')
  press(document.activeElement, 'ArrowRight')
  expect(box.querySelector('[role=tabpanel]')!.textContent).toBe('first')
})

it('Confirm waits for what must be typed', () => {
  const go = vi.fn()
  show(<Confirm title="Delete?" verb="Delete" danger typed="acme" onConfirm={go} onClose={() => {}}>Gone for ever.</Confirm>)
  const button = () => [...box.querySelectorAll('button')].find((b) => b.textContent === 'Delete')!
  expect(button().disabled).toBe(true)
  type(box.querySelector('input')!, 'acme')
  expect(button().disabled).toBe(false)
  click(button())
  expect(go).toHaveBeenCalledOnce()
})

it('toasts are told politely: news leave by themselves, failures stay', () => {
  vi.useFakeTimers()
  show(<Toasts />)
  act(() => { toast('Saved'); toastFailure(new Problem(412, 'x', 'It was changed.')) })
  expect(box.querySelector('[aria-live=polite]')!.textContent).toContain('Saved')
  act(() => void vi.advanceTimersByTime(10_000))
  expect(box.textContent).not.toContain('Saved')
  expect(box.textContent).toContain('Reload to see the newer version')
  click(box.querySelector('button'))
  expect(box.textContent).toBe('')
  vi.useRealTimers()
})

it('marks say in words what they show in colour', () => {
  show(<><PriorityChip priority={95} bare /><FamilyMark family="Claude">claude-opus-4.5</FamilyMark><StatusWord status="healthy" /><StatusWord status={undefined} /></>)
  expect(box.textContent).toBe('95CriticalClClaude: claude-opus-4.5UpUnknown')
})

it('HealthStrip tells the day in a sentence, and leaves what is not known blank', () => {
  const now = Date.parse('2026-11-23T12:03:00Z')
  show(<HealthStrip
    of="openai" now={now} twin={false}
    data={[{ at: '2026-11-23T12:00:00Z', status: 'healthy' }, { at: '2026-11-23T11:55:00Z', status: 'down' }, { at: '2026-11-22T11:00:00Z', status: 'down' }]}
  />)
  expect(box.querySelector('svg')!.getAttribute('aria-label')).toBe('openai, last 24 hours in 288 cells of five minutes: up in 1, down in 1, 286 without traffic or probe.')
  expect([...box.querySelectorAll('path')].map((p) => p.getAttribute('d'))).toEqual(['M0 19h288v1H0z', 'M287 8h1V20h-1z', '', 'M286 0h1V20h-1z'])
})

it.each([
  [null, 'not known'], [10, '10 %, within the limit'], [85, '85 %, close to the limit'], [120, '120 %, used up'],
])('Meter at %s of 100 says %s', (value, want) => {
  show(<Meter label="Budget" value={value} max={100} marks={[0.5, 0.8, 1]} text="" />)
  const m = box.querySelector('[role=meter]')!
  expect(m.getAttribute('aria-valuetext')).toBe(want)
})

it('a picture has a table', () => {
  show(<WithTable label="Costs" picture={<svg />} table={<table><tbody><tr><td>7</td></tr></tbody></table>} />)
  expect(box.querySelector('td')).toBeNull()
  click(box.querySelector('button'))
  expect(box.querySelector('td')!.textContent).toBe('7')
})
