// Searches a palette by the rule of src/theme/RULE (see RATIONALE.md): for every set, colours within
// hue windows that keep the least contrast and distances, with a little to spare, and are otherwise
// as vivid and as near one contrast as can be: without the last wish the search ends at black and white.
import { apart, contrast, distance, hex, visions, type RGB } from '../src/theme/colour'

type Wanted = { name: string; hue: [number, number]; sat: [number, number] }
type Set = { name: string; least: number; colours: Wanted[] }

const sets: Set[] = [
  {
    name: 'family', least: 3.2,
    colours: [
      { name: 'gpt', hue: [150, 172], sat: [0.5, 1] },
      { name: 'codex', hue: [285, 315], sat: [0.5, 1] },
      { name: 'claude', hue: [18, 34], sat: [0.6, 1] },
      { name: 'gemini', hue: [212, 232], sat: [0.6, 1] },
      { name: 'raptor', hue: [335, 352], sat: [0.5, 1] },
    ],
  },
  {
    name: 'band', least: 4.6,
    colours: [
      { name: 'critical', hue: [338, 358], sat: [0.6, 1] },
      { name: 'high', hue: [24, 50], sat: [0.6, 1] },
      { name: 'medium', hue: [208, 236], sat: [0.6, 1] },
      { name: 'low', hue: [200, 220], sat: [0.03, 0.14] },
    ],
  },
  {
    name: 'status', least: 4.6,
    colours: [
      { name: 'up', hue: [132, 172], sat: [0.4, 1] },
      { name: 'degraded', hue: [34, 52], sat: [0.6, 1] },
      { name: 'down', hue: [345, 364], sat: [0.6, 1] },
      { name: 'unknown', hue: [205, 220], sat: [0.03, 0.12] },
    ],
  },
]
const grounds = { light: ['#f6f8fa', '#ffffff'], dark: ['#0d1117', '#161b22'] } as const

function hsl(h: number, s: number, l: number): RGB {
  const k = (n: number) => (n + (((h % 360) + 360) % 360) / 30) % 12
  const a = s * Math.min(l, 1 - l)
  const f = (n: number) => l - a * Math.max(-1, Math.min(k(n) - 3, 9 - k(n), 1))
  return [f(0), f(8), f(4)].map((c) => Math.round(c * 255) / 255) as unknown as RGB
}
const text = (c: RGB) => '#' + c.map((x) => Math.round(x * 255).toString(16).padStart(2, '0')).join('')

// A small generator of numbers, so that a search can be repeated.
let seed = 7
const random = () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
const between = ([a, b]: readonly [number, number]) => a + (b - a) * random()

/** margin is how far the set is above the rule: 1 is exactly on it. */
function margin(list: RGB[], bg: RGB[], least: number): number {
  let worst = Infinity
  for (const c of list) for (const g of bg) worst = Math.min(worst, contrast(c, g) / least)
  if (worst < 1) return worst - 1
  worst = Math.min(worst, 1.6)
  list.forEach((a, i) => list.slice(i + 1).forEach((b) => {
    for (const v of visions) worst = Math.min(worst, distance(a, b, v) / apart[v])
  }))
  return worst
}

for (const set of sets) {
  for (const [theme, bgs] of Object.entries(grounds)) {
    const bg = bgs.map(hex)
    const wished = theme === 'light' ? 5.5 : 7
    /** worth ranks a try: below 0 it breaks the rule, above it the nicer is the greater. */
    const worth = (at: [number, number, number][]) => {
      const list = at.map((x) => hsl(...x))
      const m = margin(list, bg, set.least)
      if (m < 1.03) return m - 1.03
      const off = list.map((c) => Math.abs(Math.log(Math.min(...bg.map((g) => contrast(c, g))) / wished)))
      return 10 - Math.max(...off) * 2 - off.reduce((a, b) => a + b, 0) + at.reduce((a, x) => a + x[1], 0) / at.length
    }
    let best: { hsl: [number, number, number][]; worth: number } = { hsl: [], worth: -Infinity }
    for (let restart = 0; restart < 60; restart++) {
      let at = set.colours.map((c): [number, number, number] => [between(c.hue), between(c.sat), theme === 'light' ? between([0.1, 0.5]) : between([0.45, 0.9])])
      let m = worth(at)
      for (let step = 0, width = 1; step < 1500; step++, width *= 0.9985) {
        const i = Math.floor(random() * at.length)
        const c = set.colours[i]!
        const clamp = (x: number, [a, b]: readonly [number, number]) => Math.min(b, Math.max(a, x))
        const next = at.slice()
        next[i] = [
          clamp(at[i]![0] + (random() - 0.5) * 30 * width, c.hue),
          clamp(at[i]![1] + (random() - 0.5) * 0.6 * width, c.sat),
          clamp(at[i]![2] + (random() - 0.5) * 0.4 * width, [0.06, 0.94]),
        ]
        const n = worth(next)
        if (n >= m) [at, m] = [next, n]
      }
      if (m > best.worth) best = { hsl: at, worth: m }
    }
    console.log(`/* ${set.name}, ${theme}: margin ${margin(best.hsl.map((x) => hsl(...x)), bg, set.least).toFixed(2)} */`)
    best.hsl.forEach((x, i) => {
      const c = hsl(...x)
      console.log(`--${set.name}-${set.colours[i]!.name}: ${text(c)}; /* ${Math.min(...bg.map((g) => contrast(c, g))).toFixed(2)}:1 */`)
    })
  }
}
