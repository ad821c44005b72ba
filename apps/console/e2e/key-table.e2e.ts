import type { Page } from '@playwright/test'
import { keys, members } from '@stipend/core'
import { close, connect } from '@stipend/db'
import { test as base, expect, expectNoViolations, hydrated } from './fixtures.ts'
import { named, operatorOf, type Seeded, type SeededPerson } from './scenario.ts'

type Place = Seeded & { named: (name: string) => SeededPerson }

/** The list of keys, in a school of its own: one key of each person of the second class, and one limited to a model. */
const test = base.extend<{ keeper: Place }, { furnished: Seeded }>({
  furnished: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of what a fixture needs from its parameter
    async ({}, use) => {
      const { database_url, keeper } = JSON.parse(process.env.E2E_WORLD ?? '{}') as {
        database_url: string
        keeper: Seeded
      }
      const database = connect(database_url)
      const operate = operatorOf(database, keeper.tenant_id)
      // A test that fails brings a new worker, which finds it furnished.
      const { data } = await operate(keys.list, { search: 'Table' })
      if (data.length === 0) {
        for (const name of ['Emma Willems', 'Bram Peters', 'Yusuf Demir', 'Anaïs Lefèvre']) {
          const limits =
            name === 'Bram Peters' ? { allowed_models: ['sandbox-large'], allowed_ips: ['192.0.2.0/24', '::1'] } : {}
          await operate(keys.create, {
            member_id: named(keeper.people, name).id,
            name: `Table ${name.split(' ')[0]}`,
            budget_usd: '3.00',
            ...limits,
          })
        }
        await operate(members.deactivate, { member_ids: [named(keeper.people, 'Anaïs Lefèvre').id] })
      }
      await close(database)
      await use(keeper)
    },
    { scope: 'worker' },
  ],
  keeper: async ({ furnished }, use) => {
    await use({ ...furnished, named: (name) => named(furnished.people, name) })
  },
})
test.use({ permissions: ['clipboard-read', 'clipboard-write'] })

const rowOf = (page: Page, name: string) => page.getByRole('row').filter({ hasText: name })

async function open(page: Page, slug: string, search: string): Promise<void> {
  await page.goto(`/t/${slug}/keys${search}`)
  await hydrated(page)
}

test('columns are chosen, and say what a key is limited to', async ({ page, keeper, signIn }) => {
  await signIn(keeper.owner, keeper)
  await open(page, keeper.slug, '?q=Table')
  await page.getByRole('button', { name: 'Choose columns' }).click()
  for (const column of ['Models', 'Provider', 'Addresses', 'Left of budget', 'Made by', 'Tokens', 'Cost in all']) {
    await page.getByRole('checkbox', { name: column, exact: true }).check()
  }
  await page.keyboard.press('Escape')
  const row = rowOf(page, 'Bram Peters')
  await expect(row).toContainText('sandbox-large')
  await expect(row).toContainText('192.0.2.0/24 +1')
  await expect(row).toContainText('$3.00 / $3.00')
  await expect(row).toContainText('Never expires')
  await expect(rowOf(page, 'Emma Willems')).toContainText('Anywhere')
  await expectNoViolations(page)
})

test('is filtered by owner, by model and by state, and the address says so', async ({ page, keeper, signIn }) => {
  await signIn(keeper.owner, keeper)
  await open(page, keeper.slug, '')
  const filters = page.getByRole('search', { name: 'Filters' })
  await filters.getByRole('button', { name: 'Owner' }).click()
  await page.getByRole('textbox', { name: 'Find in Owner' }).fill('Bram')
  await page.getByRole('checkbox', { name: 'Bram Peters', exact: true }).click()
  await expect(page).toHaveURL(new RegExp(`owner=${keeper.named('Bram Peters').id}`))
  await expect(page.getByRole('row').filter({ hasText: 'Table Bram' })).toBeVisible()
  await expect(page.getByText('Table Emma')).toHaveCount(0)
  // Sent to somebody else, the address names the person again.
  await open(page, keeper.slug, new URL(page.url()).search)
  await expect(page.getByRole('button', { name: 'Owner Bram Peters' })).toBeVisible()

  await open(page, keeper.slug, '')
  await page.getByRole('button', { name: 'Limited to model' }).click()
  await page.getByRole('checkbox', { name: 'sandbox-large' }).click()
  await expect(page.getByText('Table Bram')).toBeVisible()
  await expect(page.getByText('Table Emma')).toHaveCount(0)

  // The key of somebody deactivated is refused, and doesn't show as active.
  await open(page, keeper.slug, '?q=Table&status=active')
  await expect(page.getByText('Table Emma')).toBeVisible()
  await expect(page.getByText('Table Anaïs')).toHaveCount(0)
  await open(page, keeper.slug, '?q=Table&status=disabled')
  await rowOf(page, 'Anaïs Lefèvre').click()
  await expect(page.getByRole('dialog')).toContainText('Anaïs Lefèvre is deactivated')
})

test('what is selected is copied: names and masked keys, no secret', async ({ page, keeper, signIn }) => {
  await signIn(keeper.owner, keeper)
  await open(page, keeper.slug, '?q=Table&sort=member_name')
  for (const name of ['Bram Peters', 'Emma Willems']) {
    await page.getByRole('checkbox', { name: new RegExp(`Select the key .* of ${name}`) }).check()
  }
  const copied = async (message: RegExp) => {
    await page.getByRole('button', { name: 'Copy', exact: true }).click()
    await expect(page.getByText(message)).toBeVisible()
    return (await page.evaluate(() => navigator.clipboard.readText())).split('\n')
  }
  const two = await copied(/2 keys copied/)
  expect(two[0]).toBe('Owner,E-mail,Name,Key,Status')
  expect(two.slice(1).map((line) => line.split(',')[0])).toEqual(['Bram Peters', 'Emma Willems'])
  expect(two[1]).toMatch(/^Bram Peters,[^,]+@[^,]+,Table Bram,sk-stp-…\w{4},active$/)
  await page.getByRole('checkbox', { name: 'Select all on this page' }).check()
  const all = await copied(/4 keys copied/)
  expect(all).toHaveLength(5)
})

test('all that match a filter is exactly what is shown', async ({ page, keeper, world, signIn }) => {
  const database = connect(world.database_url)
  const operate = operatorOf(database, keeper.tenant_id)
  const shown = await operate(keys.list, { search: 'Table', used_min: 0 })
  const meant = await operate(keys.previewMany, { act: 'disable', filter: { search: 'Table', used_min: 50 } })
  await close(database)
  expect(shown.data).toHaveLength(4)
  // Nothing of these budgets is spent: nothing is over the mark, and nothing is meant.
  expect(meant).toMatchObject({ keys_count: 0, unchanged_count: 0 })
  await signIn(keeper.owner, keeper)
  await open(page, keeper.slug, '?q=Table&used=50')
  await expect(page.getByText('Nothing matches')).toBeVisible()
})

test('a key is ended at this moment, after a question, and works again with another end', async ({
  page,
  keeper,
  signIn,
}) => {
  await signIn(keeper.owner, keeper)
  await open(page, keeper.slug, '?q=Table')
  await rowOf(page, 'Yusuf Demir').click()
  const panel = page.getByRole('dialog', { name: /Yusuf Demir/ })
  await panel.getByRole('button', { name: 'End now' }).click()
  const asks = page.getByRole('dialog', { name: 'End the key of Yusuf Demir now?' })
  await asks.getByRole('button', { name: 'End key' }).click()
  await expect(panel.getByText('Ended').first()).toBeVisible()
  await panel.getByRole('link', { name: 'Change' }).click()
  const change = page.getByRole('dialog', { name: /Change the key of Yusuf Demir/ })
  await change.getByText('One month', { exact: true }).click()
  await change.getByRole('button', { name: 'Save' }).click()
  await expect(
    page
      .getByRole('dialog', { name: /Yusuf Demir/ })
      .getByText('Active')
      .first(),
  ).toBeVisible()
})

test('everyone has the same table of their own keys, with what each is limited to', async ({
  page,
  keeper,
  signIn,
}) => {
  await signIn(keeper.named('Bram Peters'), keeper)
  await expect(page).toHaveURL(/\/my-keys$/)
  await expect(page.getByRole('table', { name: 'My keys' })).toContainText('Table Bram')
  await expect(page.getByText('Table Emma')).toHaveCount(0)
  await expectNoViolations(page)
  await rowOf(page, 'Table Bram').click()
  const panel = page.getByRole('dialog', { name: /^Table Bram/ })
  await expect(panel).toContainText('sandbox-large')
  await expect(panel).toContainText('192.0.2.0/24')
  await expectNoViolations(page)
  await panel.getByRole('button', { name: 'Revoke' }).click()
  const asks = page.getByRole('dialog', { name: 'Revoke Table Bram?' })
  await asks.getByRole('button', { name: 'Revoke key' }).click()
  await expect(panel).toContainText('This key was revoked')
})

test.describe('somebody else’s key', () => {
  test.use({ expectedErrors: [/404/] })
  test('is not found among one’s own', async ({ page, keeper, world, signIn }) => {
    const database = connect(world.database_url)
    const { data } = await operatorOf(database, keeper.tenant_id)(keys.list, { search: 'Table Emma' })
    await close(database)
    await signIn(keeper.named('Yusuf Demir'), keeper)
    const response = await page.goto(`/t/${keeper.slug}/my-keys/${data[0]?.id}`)
    expect(response?.status()).toBe(404)
  })
})

test('the location that is chosen filters Overview and Usage, and acts stand on the page of locations', async ({
  page,
  keeper,
  world,
  signIn,
}) => {
  await signIn(keeper.owner, keeper)
  const spend = async (model: string) =>
    await fetch(`${world.gateway_url}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keeper.member_secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] }),
    })
  // Sanne is in the first location.
  expect((await spend('sandbox-large')).status).toBe(200)
  const path = (page_: string, location: number) =>
    `/t/${keeper.slug}${page_}?location=${keeper.location_ids[location]}`
  await expect
    .poll(
      async () => {
        await page.goto(path('/usage', 0))
        return page.getByText('Sanne de Vries').count()
      },
      { timeout: 10_000 },
    )
    .toBeGreaterThan(0)
  await hydrated(page)
  await page
    .getByRole('combobox', { name: 'Location' })
    .or(page.getByRole('textbox', { name: 'Location' }))
    .first()
    .click()
  await page.getByRole('option', { name: keeper.locations[1] ?? '' }).click()
  await expect(page).toHaveURL(new RegExp(`location=${keeper.location_ids[1]}`))
  await expect(page.getByText('Sanne de Vries')).toHaveCount(0)
  // The choice goes along to the next page.
  await page.getByRole('link', { name: 'Overview' }).first().click()
  await expect(page).toHaveURL(new RegExp(`location=${keeper.location_ids[1]}`))
  await expect(page.getByText('What Lindenhof Zuid spends on AI')).toBeVisible()
  await expect(page.getByText('Sanne de Vries')).toHaveCount(0)

  await page.goto(`/t/${keeper.slug}/locations`)
  await hydrated(page)
  await page.getByRole('button', { name: `Actions for ${keeper.locations[0]}` }).click()
  await page.getByRole('menuitem', { name: 'Disable all keys' }).click()
  const asks = page.getByRole('dialog', { name: `Disable the keys of ${keeper.locations[0]}?` })
  await expect(asks).toContainText(/stops? working at once/)
  await asks.getByRole('button', { name: 'Cancel' }).click()
})

test('a location admin sees the use of their location alone, whatever the address says', async ({
  page,
  keeper,
  signIn,
}) => {
  await signIn(keeper.admin, keeper)
  await page.goto(`/t/${keeper.slug}/usage?location=${keeper.location_ids[1]}`)
  await hydrated(page)
  await expect(page.getByText('Sanne de Vries')).toHaveCount(0)
  await page.goto(`/t/${keeper.slug}/keys?q=Table`)
  await expect(page.getByText('Nothing matches')).toBeVisible()
})
