// Writes a .gz twin of every text file of ../dist, which the server sends to whoever takes it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'

const out = process.env.POINTSMAN_UI_OUT
const dist = out ? pathToFileURL(`${resolve(out)}/`) : new URL('../../dist/', import.meta.url)
for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !/\.(js|css|svg|html|json)$/.test(entry.name)) continue
  if (entry.name === 'index.html') continue // the server writes a nonce into it
  const path = `${entry.parentPath ?? entry.path}/${entry.name}`
  const zipped = gzipSync(readFileSync(path), { level: 9 })
  writeFileSync(`${path}.gz`, zipped)
}
