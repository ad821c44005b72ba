import { readFile } from 'node:fs/promises'
import type { Locator, Page } from '@playwright/test'
import { type Actor, execute, newId, tenants } from '@stipend/core'
import { close, connect } from '@stipend/db'
import { expect, expectNoViolations, hydrated } from './fixtures.ts'
import { codeOf, test } from './place.ts'

const section = (page: Page, name: string): Locator => page.getByRole('region', { name: new RegExp(`^${name}`) })
const rowOf = (within: Page | Locator, name: string): Locator => within.getByRole('row').filter({ hasText: name })

test('students are by class, with what each has used, in the location that is chosen', async ({
  page,
  school,
  place,
  signIn,
}) => {
  await signIn(school.owner)
  await page.goto(`/t/${school.slug}/coding`)
  await hydrated(page)
  await page.getByRole('textbox', { name: 'Location' }).click()
  await page.getByRole('option', { name: place.location.name }).click()
  await expect(page).toHaveURL(new RegExp(`location=${place.location.id}`))
  await expect(section(page, 'Klas 3A')).toHaveCount(0)
  await expect(section(page, 'Klas 5A')).toContainText('3 students · 3 keys · $0.00 of $15.00')
  const row = rowOf(section(page, 'Klas 5A'), 'Lotte Kuipers')
  await expect(row).toContainText('Linked')
  await expect(row).toContainText('Active')
  await expect(row).toContainText('$0.00 / $5.00')
  // Folding is in the address, and the navigation takes the location along.
  await page.getByRole('button', { name: /^Klas 5A/ }).click()
  await expect(rowOf(page, 'Lotte Kuipers')).toHaveCount(0)
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Keys', exact: true }).click()
  await expect(page).toHaveURL(new RegExp(`/keys\\?location=${place.location.id}`))
  await expect(page.getByRole('row')).toHaveCount(5)
})

test('people are filtered, sorted and exported as they are shown', async ({ page, school, place, signIn }) => {
  await signIn(school.owner)
  await page.goto(`/t/${school.slug}/coding?location=${place.location.id}&view=names`)
  await hydrated(page)
  await page.getByRole('button', { name: 'Key', exact: true }).click()
  await page.getByRole('checkbox', { name: 'No key' }).click()
  await expect(page.getByText('Nothing matches')).toBeVisible()
  await page.getByRole('link', { name: 'Clear the filters' }).click()
  await expect(page).not.toHaveURL(/key=none/)
  await page.getByRole('columnheader', { name: /^Name/ }).getByRole('link').click()
  await expect(page).toHaveURL(/sort=-name/)
  const names = page.locator('tbody tr td:nth-child(2) a')
  await expect(names).toHaveText(['Thijs de Boer', 'Lotte Kuipers', 'Jayden Visser', 'Fatima Benali'])
  await page.getByRole('button', { name: 'Choose columns' }).click()
  await page.getByRole('checkbox', { name: 'Requests' }).click()
  await expect(page.getByRole('columnheader', { name: 'Requests' })).toHaveCount(0)
  await page.keyboard.press('Escape')
  // Kept for this person, from the first rendering on.
  await page.reload()
  await expect(page.getByRole('columnheader', { name: 'Requests' })).toHaveCount(0)
  const downloading = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Export what is shown as CSV' }).click()
  const csv = await readFile(await (await downloading).path(), 'utf8')
  const lines = csv.trim().split('\r\n')
  expect(lines).toHaveLength(5)
  expect(lines[0]).not.toContain('Requests')
  expect(lines[1]).toMatch(/^Thijs de Boer,/)
  expect(csv).not.toContain('sk-stp-0')
})

test('a class’s keys are disabled, undone, and revoked, and the gateway knows at once', async ({
  page,
  school,
  world,
  place,
  signIn,
}) => {
  await signIn(school.owner)
  await page.goto(`/t/${school.slug}/coding?location=${place.location.id}`)
  await hydrated(page)
  const [first = '', , , last = ''] = place.secrets
  expect(await codeOf(world.gateway_url, first)).toBe('answered')
  const act = async (name: string) => {
    await page.getByRole('button', { name: 'More for Klas 5A' }).click()
    await page.getByRole('menuitem', { name }).click()
  }
  await act('Disable all keys')
  const dialog = page.getByRole('dialog', { name: 'Disable the keys of Klas 5A?' })
  await expect(dialog).toContainText('3 keys of 3 people stop working at once')
  await expect(dialog).toContainText('1 key was used a moment ago')
  await dialog.getByRole('button', { name: 'Disable 3 keys' }).click()
  await expect(rowOf(page, 'Lotte Kuipers')).toContainText('Disabled')
  await expect.poll(() => codeOf(world.gateway_url, first), { timeout: 3_000 }).toBe('401 key_disabled')
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(rowOf(page, 'Lotte Kuipers')).toContainText('Active')
  await expect.poll(() => codeOf(world.gateway_url, first), { timeout: 3_000 }).toBe('answered')

  await act('Revoke all keys')
  const revoking = page.getByRole('dialog', { name: 'Revoke the keys of Klas 5A?' })
  await expect(revoking).toContainText('This can’t be undone')
  await expectNoViolations(page)
  await revoking.getByRole('button', { name: 'Revoke 3 keys' }).click()
  await expect(rowOf(page, 'Lotte Kuipers')).toContainText('No key')
  await expect.poll(() => codeOf(world.gateway_url, first), { timeout: 3_000 }).toBe('401 key_revoked')
  expect(await codeOf(world.gateway_url, last)).toBe('answered')
})

test('a lost key is replaced in one flow, with what is left', async ({ page, school, world, place, signIn }) => {
  await signIn(school.owner)
  const thijs = place.pupils[3] ?? school.member
  await page.goto(`/t/${school.slug}/coding?location=${place.location.id}&q=Thijs`)
  await hydrated(page)
  await page.getByRole('link', { name: 'Key of Thijs de Boer' }).click()
  await page.getByRole('link', { name: 'Replace it with a new one' }).click()
  const panel = page.getByRole('dialog', { name: /Replace the key of Thijs de Boer/ })
  await expect(panel).toContainText('stays spent')
  await panel.getByRole('button', { name: 'Revoke it and make a new one' }).click()
  const secret = (await page.getByTestId('secret').textContent()) ?? ''
  expect(secret).toMatch(/^sk-stp-/)
  expect(secret).not.toBe(place.secrets[3])
  await expect.poll(() => codeOf(world.gateway_url, place.secrets[3] ?? ''), { timeout: 3_000 }).toBe('401 key_revoked')
  expect(await codeOf(world.gateway_url, secret)).toBe('answered')
  // Leaving before it is copied asks.
  await page.keyboard.press('Escape')
  await page
    .getByRole('dialog', { name: 'Leave without the key?' })
    .getByRole('button', { name: 'Leave without it' })
    .click()
  await page.goto(`/t/${school.slug}/coding/${thijs.id}`)
  const record = page.getByRole('dialog')
  await expect(record.getByText('Revoked')).toHaveCount(1)
  await expect(record.getByText('Active')).toHaveCount(1)
})

test('a key is changed, with ends at a click', async ({ page, school, place, signIn }) => {
  await signIn(school.owner)
  const thijs = place.pupils[3] ?? school.member
  await page.goto(`/t/${school.slug}/coding/${thijs.id}`)
  await hydrated(page)
  await page.getByRole('dialog').getByRole('link', { name: 'Lesson' }).first().click()
  await page.getByRole('link', { name: 'Change' }).click()
  const panel = page.getByRole('dialog', { name: /Change the key of Thijs/ })
  await panel.getByRole('textbox', { name: 'Amount' }).fill('7.50')
  await panel.getByText('One day', { exact: true }).click()
  await expect(panel.getByTestId('sentence')).toContainText(
    /^\$7\.50, .* of it spent\. Not renewed\. Works until tomorrow/,
  )
  await expectNoViolations(page)
  await panel.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('dialog')).toContainText('/ $7.50')
  await expect(page.getByRole('dialog')).toContainText('Until tomorrow')
})

test('the report adds up by person and by class, and can be had as a file', async ({ page, school, place, signIn }) => {
  await signIn(school.owner)
  await page.goto(`/t/${school.slug}/coding/report?location=${place.location.id}`)
  await hydrated(page)
  await expect(rowOf(page, 'Thijs de Boer')).toContainText('$0.0')
  await page.getByText('Groups', { exact: true }).last().click()
  await expect(rowOf(page, 'Klas 5B')).toContainText(place.location.name)
  await expectNoViolations(page)
})

test('everything is found with a slash', async ({ page, school, place, signIn }) => {
  await signIn(school.owner)
  await page.goto(`/t/${school.slug}/connect`)
  await hydrated(page)
  await page.keyboard.press('/')
  const field = page.getByRole('textbox', { name: 'Search everything' })
  await field.fill('Fatima')
  await expect(page.getByRole('option', { name: /Fatima Benali/ })).toBeVisible()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(new RegExp(`/coding/${place.pupils[2]?.id}`))
})

test('a teacher sees the classes they lead, and nobody else', async ({ page, context, school, place, signIn }) => {
  await signIn(place.teacher)
  await page.goto(`/t/${school.slug}/coding`)
  await hydrated(page)
  await expect(section(page, 'Klas 5A')).toBeVisible()
  await expect(page.getByText('Klas 5B')).toHaveCount(0)
  await expect(page.getByText('Klas 3A')).toHaveCount(0)
  for (const id of [place.pupils[3]?.id, school.member.id]) {
    const response = await context.request.get(`/t/${school.slug}/coding/${id}`)
    expect(response.status()).toBe(404)
  }
  const found = await context.request.get(
    `/trpc/${school.slug}/search.all?input=${encodeURIComponent(JSON.stringify({ text: 'Thijs' }))}`,
  )
  expect(await found.json()).toMatchObject({ result: { data: { members: [], keys: [], groups: [], requests: [] } } })
  const act = await context.request.post(`/trpc/${school.slug}/keys.revokeMany`, {
    headers: { origin: new URL(page.url()).origin },
    data: { member_ids: [place.pupils[3]?.id] },
  })
  expect(act.status()).toBe(404)
})

test('whoever may makes a key for themselves, within the limits', async ({ page, school, world, place, signIn }) => {
  const database = connect(world.database_url)
  const actor: Actor = { kind: 'operator', tenant_id: school.tenant_id, name: 'e2e' }
  const own_keys = { kinds: ['student'], keys_max: 3, budget_max_usd: '2', days_max: null, may_renew: false }
  const request = { request_id: newId('request'), ip: null }
  await execute(tenants.update, { database }, actor, { own_keys }, { request })
  await close(database)
  await signIn(place.pupils[2] ?? school.member)
  await page.getByRole('link', { name: 'Create a key' }).first().click()
  const panel = page.getByRole('dialog', { name: 'Create a key for yourself' })
  await expect(panel).toContainText('At most $2.00, not renewed. You may have 3 keys.')
  await panel.getByText('$2', { exact: true }).click()
  await expect(panel.getByTestId('sentence')).toHaveText('You can spend $2.00, from now on. Not renewed.')
  await panel.getByRole('button', { name: 'Create key' }).click()
  const secret = (await page.getByTestId('secret').textContent()) ?? ''
  expect(await codeOf(world.gateway_url, secret)).toBe('answered')
})
