import { expect, hydrated, test } from './fixtures.ts'
import { PASSWORD } from './scenario.ts'

test.describe('signing in', () => {
  test.use({ expectedErrors: [/status of 401/] })

  test('says what is wrong without saying which', async ({ page, school }) => {
    await page.goto('/login')
    for (const email of [school.owner.email, 'nobody@school.example']) {
      await page.getByLabel('E-mail address').fill(email)
      await page.getByLabel('Password', { exact: true }).fill('wrong')
      await page.getByRole('button', { name: 'Sign in' }).click()
      await expect(page.getByRole('alert')).toHaveText('The e-mail address or the password is wrong.')
    }
  })
})

test('leads back to where one wanted to go, and out again', async ({ page, school }) => {
  await page.goto(`/t/${school.slug}/coding?tab=staff`)
  await expect(page).toHaveURL(/\/login\?next=/)
  await page.getByLabel('E-mail address').fill(school.owner.email.toUpperCase())
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page).toHaveURL(/\/coding\?tab=staff/)
  await expect(page.getByRole('tab', { name: 'Staff' })).toHaveAttribute('aria-selected', 'true')
  await hydrated(page)

  const cookie = (await page.context().cookies()).find(({ name }) => name.includes('session'))
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax' })

  await page.getByRole('button', { name: /your account/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await expect(page).toHaveURL(/\/login$/)
  await page.goBack()
  await expect(page.getByLabel('Password', { exact: true })).toBeVisible()
})

test('a form of another site is refused', async ({ world, request }) => {
  const send = (headers: Record<string, string>) =>
    request.post(`${world.console_url}/logout`, { headers, maxRedirects: 0 }).then((response) => response.status())
  expect(await send({ origin: 'https://evil.example' })).toBe(403)
  expect(await send({ 'sec-fetch-site': 'cross-site', origin: world.console_url })).toBe(403)
  expect(await send({})).toBe(403)
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  expect(await send({ origin: world.console_url, ...form })).toBe(302)
})

test('nonsense gets an answer, not an error of ours', async ({ world, request }) => {
  const origin = world.console_url
  const send = (method: string, path: string, headers: Record<string, string> = {}, data?: string) =>
    request
      .fetch(`${origin}${path}`, { method, headers: { origin, ...headers }, ...(data === undefined ? {} : { data }) })
      .then((response) => response.status())
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  expect(await send('DELETE', '/login')).toBe(405)
  expect(await send('POST', '/login', { 'content-type': 'application/json' }, '{')).toBe(415)
  expect(await send('POST', '/login', form, 'x'.repeat(1_100_000))).toBe(413)
  expect(await send('POST', '/login', form, 'email=%E0%A4%A&password=%00')).toBe(401)
  expect(await send('GET', '/%E0%A4%A')).toBe(400)
  expect(await send('GET', '/no-such-page')).toBe(404)
})

test('every answer carries the headers that keep it safe', async ({ world, request }) => {
  const response = await request.get(`${world.console_url}/login`)
  const headers = response.headers()
  expect(headers['content-security-policy']).toMatch(/script-src 'self' 'nonce-[\w+/=]+';/)
  expect(headers).toMatchObject({
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'same-origin',
  })
  expect(headers['x-request-id']).toMatch(/^req_/)
  expect(headers['x-powered-by']).toBeUndefined()
})
