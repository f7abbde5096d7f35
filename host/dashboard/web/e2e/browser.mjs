// What every end-to-end test uses: a real browser at the real server, under its real policy.
// host/cmd/pointsman/dashboard_test.go starts the server and runs `node --test e2e`, with:
//   POINTSMAN_URL, POINTSMAN_KEYS  a server and its keys by role, as JSON
//   SIMULATOR_URL                  the provider's, whose faults tests script
//   PLUGIN                         a rule plugin's module, to be uploaded
//   ARTIFACTS                      folder for screenshots
import { mkdirSync } from 'node:fs'
import { after, before } from 'node:test'
import assert from 'node:assert/strict'
import { chromium } from 'playwright-core'

const need = (name) => {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: run go test ./host/cmd/pointsman -run TestDashboard`)
  return value
}

export const url = need('POINTSMAN_URL')
export const keys = JSON.parse(need('POINTSMAN_KEYS'))
export const simulator = need('SIMULATOR_URL')
export const plugin = process.env.PLUGIN ?? ''
export const artifacts = need('ARTIFACTS')
mkdirSync(artifacts, { recursive: true })

/** Every page of the menu, and its heading. */
export const pages = ['overview', 'routing', 'requests', 'models', 'providers', 'costs', 'usage', 'plugins', 'keys', 'sessions', 'settings']

// A machine with two processors that tests share is slow at times.
export const patience = 30_000

let browser
/** Windows that are open, for a picture of what a failed test saw. */
const opened = []
/** inBrowser starts one browser for the tests of a file. */
export function inBrowser() {
  before(async () => {
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--headless', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    })
  })
  // A test closes its windows when it is done: what is open at the end, one has failed with.
  after(async () => {
    for (const [i, page] of opened.splice(0).filter((p) => !p.isClosed()).entries()) {
      await page.screenshot({ path: `${artifacts}/failed-${process.pid}-${i}.png` }).catch(() => undefined)
    }
    await browser?.close()
  })
}

/** open returns a page of a new window. complaints is all that its browser complains of. */
export async function open({ width = 1440, height = 900, colorScheme = 'light' } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce', acceptDownloads: true })
  context.setDefaultTimeout(patience)
  const page = await context.newPage()
  opened.push(page)
  const complaints = []
  page.on('console', (m) => {
    // Before the login there is no session to be found: that 401 is the browser's own line.
    if (m.type() === 'error' && !/status of 401/.test(m.text())) complaints.push(m.text())
  })
  page.on('pageerror', (e) => complaints.push(e.message))
  return { context, page, complaints }
}

/** logIn opens the dashboard with a key, at a page of it. */
export async function logIn(page, key, at = '') {
  await page.goto(`${url}/ui/${at}`)
  await page.getByLabel('Key', { exact: true }).fill(key)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('button', { name: 'Log in' }).waitFor({ state: 'hidden' })
  await page.locator('main h1').waitFor()
}

/** go opens a page and waits until it has its heading and nothing is loading any more. */
export async function go(page, at) {
  await page.goto(`${url}/ui/${at}`)
  await page.locator('main h1').waitFor()
  await quiet(page)
}

/** quiet waits until nothing says that it is loading. */
export async function quiet(page) {
  await page.waitForFunction(() => !document.querySelector('main [aria-busy="true"]'), undefined, { timeout: patience })
}

/** api calls the management API with a key, as a program would. */
export async function api(key, method, path, body) {
  const response = await fetch(url + path, {
    method,
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : null }
}

/** chat asks for a completion and returns its headers. */
export async function chat(key, text, more = {}) {
  const { status, headers, body } = await api(key, 'POST', '/v1/chat/completions', { model: 'auto', messages: [{ role: 'user', content: text }], ...more })
  return { status, headers, body }
}

/** eventually calls look until it does not throw any more. */
export async function eventually(look, within = patience) {
  for (const end = Date.now() + within; ; ) {
    try {
      return await look()
    } catch (e) {
      if (Date.now() > end) throw e
      await new Promise((r) => setTimeout(r, 200))
    }
  }
}

export { assert }
