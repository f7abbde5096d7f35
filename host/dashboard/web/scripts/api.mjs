// Makes the types of the API from its document: src/api/schema.ts. With --empty it also empties
// ../dist of what an earlier build left.
//
// The document comes from POINTSMAN_OPENAPI (a file or an address), else the program that `make`
// built, else what an earlier run left in src/api/openapi.json.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import openapiTS, { astToString } from 'openapi-typescript'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const stored = here('../src/api/openapi.json')

async function document() {
  const named = process.env.POINTSMAN_OPENAPI
  if (named?.startsWith('http')) {
    const answer = await fetch(named)
    if (!answer.ok) throw new Error(`${named} answers ${answer.status}`)
    return answer.text()
  }
  if (named) return readFileSync(named, 'utf8')
  const program = here('../../../../bin/pointsman')
  if (existsSync(program)) {
    try {
      return execFileSync(program, ['openapi'], { encoding: 'utf8', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'ignore'] })
    } catch {
      // An older program has no such verb.
    }
  }
  if (existsSync(stored)) return readFileSync(stored, 'utf8')
  throw new Error('no API document: run `make build`, or set POINTSMAN_OPENAPI to the /openapi.json of a running server')
}

const api = JSON.parse(await document())
writeFileSync(stored, JSON.stringify(api))

const header = '// Made by scripts/api.mjs. DO NOT EDIT.\n'
writeFileSync(here('../src/api/schema.ts'), header + astToString(await openapiTS(structuredClone(api), { alphabetize: true })))

if (process.argv.includes('--empty')) {
  const dist = process.env.POINTSMAN_UI_OUT ?? here('../../dist')
  const kept = new Set(['.gitkeep', '.gitignore', 'README.md', 'placeholder.html'])
  if (existsSync(dist)) for (const name of readdirSync(dist)) if (!kept.has(name)) rmSync(`${dist}/${name}`, { recursive: true })
}
