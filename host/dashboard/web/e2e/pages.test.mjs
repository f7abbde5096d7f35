// Every page, in both themes, on a wide and a narrow window: nothing that axe calls a violation,
// nothing wider than the window, nothing that the browser complains of. Writes what it saw.
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createRequire } from 'node:module'
import { artifacts, assert, go, inBrowser, keys, logIn, open, pages, url } from './browser.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

inBrowser()

const violations = (page) =>
  page.evaluate(async () => {
    const found = await globalThis.axe.run(document, { resultTypes: ['violations'] })
    return found.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(' | ')}`)
  })

for (const colorScheme of ['light', 'dark']) {
  for (const [width, height] of [[1440, 900], [390, 844]]) {
    test(`${colorScheme}, ${width} px`, async (t) => {
      const { context, page, complaints } = await open({ width, height, colorScheme })
      await page.goto(`${url}/ui/`)
      await page.getByRole('button', { name: 'Log in' }).waitFor()
      await page.evaluate(axe) // through the debugger, which no policy of the page concerns
      assert.deepEqual(await violations(page), [], 'login')
      await page.screenshot({ path: `${artifacts}/login-${width}-${colorScheme}.png`, fullPage: true })
      await logIn(page, keys.super_admin)
      for (const name of pages) {
        await t.test(name, async () => {
          await go(page, name)
          await page.evaluate(axe)
          const found = await violations(page)
          await page.screenshot({ path: `${artifacts}/${name}-${width}-${colorScheme}.png`, fullPage: true })
          assert.deepEqual(found, [])
          const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
          assert.ok(over <= 0, `${name} is ${over} px wider than the window`)
          assert.deepEqual(complaints, [])
        })
      }
      await context.close()
    })
  }
}

test('320 px lose nothing', async () => {
  const { context, page } = await open({ width: 320, height: 640 })
  await logIn(page, keys.super_admin)
  for (const name of pages) {
    await go(page, name)
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    assert.ok(over <= 0, `${name} is ${over} px wider than the window`)
  }
  await context.close()
})
