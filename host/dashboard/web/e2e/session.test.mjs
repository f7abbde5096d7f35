// Who may see what: login, logout, cross-site requests, and what a role is not offered.
import { test } from 'node:test'
import { assert, chat, go, inBrowser, keys, logIn, open, pages, url } from './browser.mjs'

inBrowser()

test('a wrong key is refused in words, and the right one opens the page that was asked for', async () => {
  const { context, page } = await open()
  await page.goto(`${url}/ui/models`)
  await page.getByLabel('Key', { exact: true }).fill('pm_not_a_key_of_this_server_at_all')
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Key', { exact: true }).fill(keys.super_admin)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Models' }).waitFor()
  await context.close()
})

test('the session is a cookie that no script reads, and ends with the logout', async () => {
  const { context, page } = await open()
  await logIn(page, keys.super_admin)
  const [cookie] = (await context.cookies()).filter((c) => c.name.endsWith('pointsman-session'))
  assert.ok(cookie.httpOnly)
  assert.equal(cookie.sameSite, 'Strict')
  assert.ok(!(await page.evaluate(() => document.cookie)).includes(cookie.value))
  const stored = await page.evaluate(() => JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }))
  assert.ok(!stored.includes(keys.super_admin) && !stored.includes(cookie.value), 'nothing secret is stored')
  await page.getByRole('button', { name: 'Log out' }).first().click()
  await page.getByRole('button', { name: 'Log in' }).waitFor()
  const again = await fetch(`${url}/api/v1/keys`, { headers: { Cookie: `${cookie.name}=${cookie.value}` } })
  assert.equal(again.status, 401, 'the old cookie')
  await context.close()
})

test('a change without the token, from elsewhere, or with the cookie as a key is refused', async () => {
  const { context, page } = await open()
  await logIn(page, keys.super_admin)
  const [cookie] = (await context.cookies()).filter((c) => c.name.endsWith('pointsman-session'))
  const with_ = (headers, path = '/api/v1/teams', method = 'POST') =>
    fetch(url + path, { method, headers: { 'Content-Type': 'application/json', ...headers }, ...(method === 'GET' ? {} : { body: '{"id":"stolen","name":"Stolen"}' }) })
  const jar = { Cookie: `${cookie.name}=${cookie.value}` }
  assert.equal((await with_(jar)).status, 403, 'no token')
  assert.equal((await with_({ ...jar, 'x-csrf-token': 'guess' })).status, 403, 'a wrong token')
  const { csrf } = await page.evaluate(() => fetch('/ui/session').then((r) => r.json()))
  assert.equal((await with_({ ...jar, 'x-csrf-token': csrf, Origin: 'https://elsewhere.example' })).status, 403, 'another origin')
  assert.equal((await with_({ Authorization: `Bearer ${cookie.value}` })).status, 401, 'the cookie as a key')
  assert.equal((await with_(jar, '/v1/models', 'GET')).status, 401, 'the cookie for models')
  await context.close()
})

test('the policy forbids what a page does not need', async () => {
  const { headers } = await fetch(`${url}/ui/`)
  const policy = headers.get('content-security-policy') ?? ''
  for (const want of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) assert.ok(policy.includes(want), `${want} in ${policy}`)
  assert.ok(!/unsafe-(inline|eval)/.test(policy), policy)
})

test('what a role may not do is not offered', async () => {
  const seen = {}
  for (const role of ['super_admin', 'account_admin', 'user']) {
    const { context, page, complaints } = await open()
    await logIn(page, keys[role])
    const menu = page.getByRole('navigation').first()
    seen[role] = await menu.getByRole('link').allInnerTexts()
    for (const name of pages) {
      if (!seen[role].some((title) => title.trim().toLowerCase().startsWith(name === 'keys' ? 'keys' : name))) continue
      await go(page, name)
      assert.equal(await page.getByText('You may not', { exact: false }).count(), 0, `${role} is offered ${name}`)
    }
    assert.deepEqual(complaints.filter((c) => /40[13]/.test(c)), [], `${role} asks for what it may not see`)
    await context.close()
  }
  assert.ok(seen.super_admin.length >= pages.length, `a super admin sees ${seen.super_admin}`)
  assert.ok(!seen.user.includes('Plugins'), `a user sees ${seen.user}`)
  assert.ok(seen.user.length < seen.super_admin.length)
  const { context, page } = await open()
  await logIn(page, keys.user, 'routing')
  assert.equal(await page.getByRole('button', { name: /new rule/i }).count(), 0, 'a user is offered no new rule')
  await context.close()
})

test('a request made with a key shows up without a reload', async () => {
  const { context, page } = await open()
  await logIn(page, keys.super_admin, 'requests')
  const { status, headers } = await chat(keys.super_admin, 'please help me with a question', { metadata: { session_id: 'live' } })
  assert.equal(status, 200)
  const id = headers.get('x-request-id')
  const told = page.getByText(/\bnew\b/i).or(page.getByText(id.slice(0, 8), { exact: false })).first()
  await told.waitFor()
  await context.close()
})
