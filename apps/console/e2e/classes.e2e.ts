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
  await expect(page.getByRole('link', { name: 'Invite Finn Smit' })).toBeVisible()
  await expect(page.getByTestId('sentence')).toHaveText('Creates 5 keys, at most $25.00 of $150.00.')
  await expectNoViolations(page)

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
