// Opens pages of a running server in a real browser and writes what they look like to shots/:
//   POINTSMAN_KEY=pm_… [POINTSMAN_URL=http://127.0.0.1:8080] npm run look -- overview 'routing?rule=x'
// At 1440 and 390 px, in both themes. It prints what the browser and axe complain of, and fails then.
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import { chromium } from 'playwright-core'

const url = process.env.POINTSMAN_URL ?? 'http://127.0.0.1:8080'
const key = process.env.POINTSMAN_KEY
const pages = process.argv.slice(2)
if (!key || pages.length === 0) {
  console.error('usage: POINTSMAN_KEY=pm_… npm run look -- PAGE…')
  process.exit(2)
}
const shots = process.env.SHOTS ?? fileURLToPath(new URL('../shots/', import.meta.url))
mkdirSync(shots, { recursive: true })

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--headless', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})
let complaints = 0
for (const colorScheme of ['light', 'dark']) {
  for (const [width, height] of [[1440, 900], [390, 844]]) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' })
    const page = await context.newPage()
    const complain = (text) => {
      complaints++
      console.log(`${colorScheme} ${width}: ${text}`)
    }
    page.on('console', (m) => {
      if (['error', 'warning'].includes(m.type()) && !/status of 401/.test(m.text())) complain(m.text())
    })
    page.on('pageerror', (e) => complain(e.message))
    await page.goto(`${url}/ui/`)
    await page.getByLabel('Key').fill(key)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.locator('.shell').waitFor()
    for (const p of pages) {
      await page.goto(`${url}/ui/${p}`)
      await page.locator('main h1').waitFor()
      await page.waitForTimeout(Number(process.env.WAIT ?? 2500))
      for (const w of width < 400 ? [320, width] : [width]) {
        await page.setViewportSize({ width: w, height })
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        if (over > 0) complain(`${p} is ${over} px wider than ${w}`)
      }
      const { violations } = await page.evaluate(`${axe.source}; axe.run()`)
      for (const v of violations) complain(`${p}: axe ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(', ')}`)
      await page.screenshot({ path: `${shots}/${p.replace(/[^\w.-]+/g, '-')}-${width}-${colorScheme}.png`, fullPage: true })
    }
    await context.close()
  }
}
await browser.close()
process.exit(complaints > 0 ? 1 : 0)
