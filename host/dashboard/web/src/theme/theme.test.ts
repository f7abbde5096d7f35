import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { apart, contrast, distance, hex, visions } from './colour'
import { bandOf, bands, families, familyOf, familyOfModel, statuses, statusOf } from './families'

const css = readFileSync(new URL('./tokens.css', import.meta.url).pathname.replace(/^.*\/src\//, 'src/'), 'utf8')

/** tokens reads the colours of the block that begins with that text. */
function tokens(begin: string): Record<string, string> {
  const at = css.indexOf(begin)
  expect(at, `tokens.css has ${begin}`).toBeGreaterThan(-1)
  const block = css.slice(at, css.indexOf('}', at))
  return Object.fromEntries([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/g)].map((m) => [m[1]!, m[2]!]))
}

const themes = { light: tokens(":root, [data-theme='light']"), dark: tokens("[data-theme='dark'] {") }
const system = tokens(":root:not([data-theme='light'])")

const sets = {
  family: { names: Object.keys(families).filter((f) => f !== 'other'), least: 3 },
  band: { names: Object.keys(bands), least: 4.5 },
  status: { names: Object.keys(statuses), least: 4.5 },
}

it('has one dark theme, written twice', () => {
  expect(system).toEqual(themes.dark)
})

describe.each(Object.entries(themes))('%s theme', (_, t) => {
  const colour = (name: string) => {
    if (!t[name]) throw new Error(`tokens.css lacks --${name}`)
    return hex(t[name])
  }

  it.each(Object.entries(sets))('%s: contrast on page and card', (set, { names, least }) => {
    for (const n of names) {
      for (const ground of ['page', 'card']) {
        const got = contrast(colour(`${set}-${n}`), colour(ground))
        expect(got, `contrast(${set}-${n}, ${ground})`).toBeGreaterThanOrEqual(least)
      }
    }
  })

  it.each(Object.entries(sets))('%s: every pair apart for everybody', (set, { names }) => {
    expect(names.length).toBeGreaterThan(3)
    names.forEach((a, i) => {
      for (const b of names.slice(i + 1)) {
        for (const v of visions) {
          const got = distance(colour(`${set}-${a}`), colour(`${set}-${b}`), v)
          expect(got, `distance(${a}, ${b}, ${v})`).toBeGreaterThanOrEqual(apart[v])
        }
      }
    })
  })

  it('text can be read on every ground', () => {
    for (const text of ['text', 'soft', 'link']) {
      for (const ground of ['page', 'card', 'sunk', 'hover', 'chosen']) {
        expect(contrast(colour(text), colour(ground)), `contrast(${text}, ${ground})`).toBeGreaterThanOrEqual(4.5)
      }
    }
    expect(contrast(colour('on-accent'), colour('accent')), 'button text').toBeGreaterThanOrEqual(4.5)
  })

  it('borders of controls and the focus ring can be seen', () => {
    for (const c of ['edge', 'focus', 'family-other']) {
      for (const ground of ['page', 'card']) expect(contrast(colour(c), colour(ground)), `contrast(${c}, ${ground})`).toBeGreaterThanOrEqual(3)
    }
  })
})

it('knows the arithmetic', () => {
  expect(contrast(hex('#000000'), hex('#ffffff'))).toBeCloseTo(21, 5)
  expect(distance(hex('#ffffff'), hex('#000000'))).toBeCloseTo(100, 1)
  // Red and green of one lightness are alike to a deuteranope, and are not to others.
  expect(distance(hex('#b35900'), hex('#7a7a00'), 'deuteran')).toBeLessThan(distance(hex('#b35900'), hex('#7a7a00')))
})

it('reads what the API says', () => {
  expect(familyOf('Raptor (internal)')).toBe('raptor')
  expect(familyOf('Somebody')).toBe('other')
  expect(familyOf('constructor')).toBe('other')
  expect(familyOfModel('gpt-5.1-codex-max')).toBe('codex')
  expect(familyOfModel('gpt-4o')).toBe('gpt')
  expect([100, 95, 94, 90, 89, 85, 84, 0].map(bandOf)).toEqual(['critical', 'critical', 'high', 'high', 'medium', 'medium', 'low', 'low'])
  expect(statusOf('healthy')).toBe('up')
  expect(statusOf('')).toBe('unknown')
})
