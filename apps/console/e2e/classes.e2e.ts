import { readFile } from 'node:fs/promises'
import { newSecret } from '@stipend/core/secrets'
import { expect, expectNoViolations, hydrated, test } from './fixtures.ts'

/** Well made and never handed out. */
const UNKNOWN_KEY = newSecret('key', (size: number) => Buffer.alloc(size, 9))

test('keys for a class, from the question to the slips', async ({ page, context, school, signIn }) => {
  await signIn(school.owner)
  await page.goto(`/t/${school.slug}/coding/groups/${school.groups[1]}/keys/new`)
  await hydrated(page)
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Create keys for Klas 3B')
  await expect(page.getByText('1 person has no account yet and gets none')).toBeVisible()
  await expect(page.getByTestId('sentence')).toHaveText('Creates 5 keys, at most $25.00 of $150.00.')
  await expectNoViolations(page)

  await page.getByRole('button', { name: 'Invite Finn Smit' }).click()
  await expect(page.getByText('Invited', { exact: true })).toBeVisible()

  await page.getByLabel('Yusuf Demir').uncheck()
  await page.getByText('$10', { exact: true }).click()
  await page.getByText('Today', { exact: true }).click()
  await expect(page.getByTestId('sentence')).toHaveText('Creates 4 keys, at most $40.00 of $150.00.')
  const opened = context.waitForEvent('page')
  await page.getByRole('button', { name: 'Create 4 keys' }).dblclick()
  await opened
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('4 keys for Klas 3B')
  await expectNoViolations(page)

  const csvDownload = page.waitForEvent('download')
  await page.getByRole('button', { name: 'CSV' }).click()
  const csv = await readFile(await (await csvDownload).path(), 'utf8')
  const rows = csv.trim().split('\r\n').slice(1)
  expect(rows.map((row) => row.split(',')[0])).toEqual([
    'Anaïs Lefèvre',
    'Bram Peters',
    'Emma Willems',
    'Nguyễn Minh Anh',
  ])
  expect(csv.match(/sk-stp-[0-9A-Za-z]{34}/g)).toHaveLength(4)
  const pdfDownload = page.waitForEvent('download')
  await page.getByRole('button', { name: 'PDF, Letter' }).click()
  const pdf = await pdfDownload
  expect(pdf.suggestedFilename()).toMatch(/^Keys of Klas 3B, \d{4}-\d\d-\d\d\.pdf$/)
  expect((await readFile(await pdf.path())).subarray(0, 5).toString()).toBe('%PDF-')

  // Leaving asks, and afterwards the keys are nowhere.
  await page.getByRole('link', { name: 'Done, back to Coding' }).click()
  await page
    .getByRole('dialog', { name: 'Leave the keys behind?' })
    .getByRole('button', { name: 'Leave', exact: true })
    .click()
  await expect(page).toHaveURL(/\/coding$/)
  const secret = /sk-stp-[0-9A-Za-z]{34}/.exec(csv)?.[0] ?? 'none'
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state]))
  expect(stored).not.toContain(secret)
  await page.goto(`/t/${school.slug}/coding/groups/${school.groups[1]}/keys/new`)
  await hydrated(page)
  await expect(page.getByText('have a key that works')).toBeVisible()
  await expect(page.getByTestId('sentence')).toHaveText(/^Creates 1 key,/)
  expect(await page.content()).not.toContain(secret)
})

test.describe('in a location', () => {
  test.use({ expectedErrors: [/404/] })
  test('a location admin makes them in their location alone, without seeing the balance', async ({
    page,
    school,
    signIn,
  }) => {
    await signIn(school.admin)
    await page.goto(`/t/${school.slug}/coding/groups/${school.groups[0]}/keys/new`)
    await hydrated(page)
    await expect(page.getByTestId('sentence')).toHaveText(/^Creates \d keys?, at most \$\d+\.00\.$/)
    const elsewhere = await page.goto(`/t/${school.slug}/coding/groups/${school.groups[1]}/keys/new`)
    expect(elsewhere?.status()).toBe(404)
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  })
})

test.describe('the slip page', () => {
  test.use({ expectedErrors: [/404/] })

  test('says what is left to whoever has the key, without signing in', async ({ page, school }) => {
    await page.goto(`/c#${school.member_secret}`)
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('$5.00 left')
    await expect(page.getByText('It works, without an end.')).toBeVisible()
    // The key is neither in the address nor in what came back.
    expect(page.url()).not.toContain('sk-stp')
    expect(await page.content()).not.toContain(school.member_secret)
    await page.goBack().catch(() => null)
    expect(page.url()).not.toContain('sk-stp')
    await page.goto('/c')
    await expectNoViolations(page)
    await page.getByLabel('Your key').fill('sk-stp-nothing')
    await page.getByRole('button', { name: 'Look' }).click()
    await expect(page.getByRole('alert')).toContainText('not known here')
  })

  test('works without scripts, and keeps nothing', async ({ browser, school, world }) => {
    const context = await browser.newContext({ javaScriptEnabled: false, baseURL: world.console_url })
    const page = await context.newPage()
    const asked = await page.goto(`/c#${school.member_secret}`)
    expect(asked?.headers()['cache-control']).toBe('no-store')
    expect(asked?.headers()['content-security-policy']).not.toContain('unsafe')
    await page.getByLabel('Your key').fill(` ${school.member_secret} `)
    const answered = page.waitForResponse((response) => response.request().method() === 'POST')
    await page.getByRole('button', { name: 'Look' }).click()
    expect((await answered).headers()['cache-control']).toBe('no-store')
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('$5.00 left')
    await context.close()
  })

  test('answers a wrong key like an unknown one, and not for ever', async ({ request }) => {
    const ask = (key: string) => request.post('/c', { form: { key } })
    const wrong = await ask('sk-stp-0000000000000000000000000000000000')
    const unknown = await ask(UNKNOWN_KEY)
    expect(wrong.status()).toBe(404)
    expect(unknown.status()).toBe(404)
    expect(await unknown.text()).toBe(await wrong.text())
    const statuses = await Promise.all(Array.from({ length: 70 }, async () => (await ask('nonsense')).status()))
    expect(statuses).toContain(429)
  })
})

test('a lesson, seen live and steered', async ({ page, school, signIn, world }) => {
  await signIn(school.admin)
  await page.goto(`/t/${school.slug}/coding/groups/${school.groups[0]}/lesson`)
  await hydrated(page)
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Klas 3A')
  const tile = page.getByRole('listitem').filter({ hasText: 'Sanne de Vries' })
  await expect(tile).toContainText('Idle')
  // For a projector: no key and no amount until it is asked for.
  expect(await page.locator('main').textContent()).not.toMatch(/\$\d+\.\d\d|sk-stp/)
  await expectNoViolations(page)
  const ask = () =>
    fetch(`${world.gateway_url}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${school.member_secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'sandbox-small', messages: [{ role: 'user', content: 'Hello' }] }),
    })
  expect((await ask()).status).toBe(200)
  await expect(tile).toContainText('Working')

  await page.getByLabel('Show costs').check({ force: true })
  await expect(tile).toContainText('of $5.00')
  await tile.getByRole('button', { name: '+ $1 for Sanne de Vries' }).click()
  await expect(tile).toContainText('of $6.00')

  await tile.getByRole('button', { name: 'Pause Sanne de Vries' }).click()
  await expect(tile).toContainText('Paused')
  await expect.poll(async () => (await ask()).status, { timeout: 1_000, intervals: [50] }).toBe(401)
  await tile.getByRole('button', { name: 'Resume Sanne de Vries' }).click()
  await expect(tile).not.toContainText('Paused')
  await expect.poll(async () => (await ask()).status).toBe(200)

  await page.getByRole('button', { name: 'Pause all' }).click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^Pause \d/ })
    .click()
  await expect(tile).toContainText('Paused')
  await page.getByRole('button', { name: /^Resume \d/ }).click()
  await expect(tile).not.toContainText('Paused')

  await page.getByRole('button', { name: 'Ends at…' }).click()
  const dialog = page.getByRole('dialog', { name: 'When does the lesson end?' })
  await dialog.getByLabel('Ends at').fill('23:59')
  await expectNoViolations(page)
  await dialog.getByRole('button', { name: 'Ends at 23:59' }).click()
  await expect(dialog).toHaveCount(0)
  const phone = { width: 390, height: 844 }
  await page.setViewportSize(phone)
  await expect(tile).toBeVisible()
  // The frame takes a moment to fold its navigation away.
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(phone.width)
})

test.describe('what others get', () => {
  test.use({ expectedErrors: [/status of 40[34]/] })

  test('a student gets neither page', async ({ page, school, signIn }) => {
    await signIn(school.member)
    for (const end of ['lesson', 'keys/new']) {
      const answer = await page.goto(`/t/${school.slug}/coding/groups/${school.groups[0]}/${end}`)
      expect([403, 404]).toContain(answer?.status())
      await expect(page.getByText('Mohammed El Amrani')).toHaveCount(0)
    }
  })

  test('a stranger is asked to sign in', async ({ page, school }) => {
    for (const end of ['lesson', 'keys/new']) {
      await page.goto(`/t/${school.slug}/coding/groups/${school.groups[0]}/${end}`)
      await expect(page).toHaveURL(/\/login\?next=/)
    }
  })
})
