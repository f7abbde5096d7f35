// Fails when the first load, or all of the dashboard, has grown beyond its budget.
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'

const KB = 1024
const budget = { first: 180 * KB, all: 460 * KB }

const out = process.env.POINTSMAN_UI_OUT
const dist = out ? pathToFileURL(`${resolve(out)}/`) : new URL('../../dist/', import.meta.url)
const size = (path) => gzipSync(readFileSync(new URL(path, dist)), { level: 9 }).length
const html = readFileSync(new URL('index.html', dist), 'utf8')

// What index.html names, and what those import statically.
const first = new Set()
const follow = (path) => {
  if (first.has(path)) return
  first.add(path)
  if (!path.endsWith('.js')) return
  const source = readFileSync(new URL(path, dist), 'utf8')
  for (const m of source.matchAll(/(?:^|[;\s}])(?:import|export)(?:[\w${}*,\s]+?from)?["']\.\/([\w.-]+\.js)["']/g)) follow(`assets/${m[1]}`)
}
for (const m of html.matchAll(/(?:src|href)="\/ui\/([^"]+\.(?:js|css))"/g)) follow(m[1])

// The page that opens first is a chunk of its own: it counts.
const assets = readdirSync(new URL('assets/', dist)).filter((n) => /\.(js|css)$/.test(n))
for (const name of assets) if (/^overview-/i.test(name)) follow(`assets/${name}`)

const sum = (paths) => [...paths].reduce((n, p) => n + size(p), 0)
const figures = { first: sum(first) + size('index.html'), all: sum(assets.map((n) => `assets/${n}`)) }
let over = false
for (const [name, bytes] of Object.entries(figures)) {
  const limit = budget[name]
  over ||= bytes > limit
  console.log(`${name.padEnd(6)} ${(bytes / KB).toFixed(1).padStart(6)} KB gzip of ${limit / KB}${bytes > limit ? '  OVER BUDGET' : ''}`)
}
if (over) {
  for (const p of [...first].sort((a, b) => size(b) - size(a))) console.log(`  ${(size(p) / KB).toFixed(1).padStart(6)}  ${p}`)
  process.exit(1)
}
