import { readFile } from 'node:fs/promises'
import type { Locator, Page } from '@playwright/test'
import { providers, tenants } from '@stipend/core'
import { close, connect } from '@stipend/db'
import OpenAI from 'openai'
import { test as base, expect, expectNoViolations, hydrated } from './fixtures.ts'
import { named, operatorOf, type Seeded, type SeededPerson } from './scenario.ts'

/** What keys may be used with, in a school of its own with a second provider, `tweede`, which serves one model of its own. */
const test = base.extend<{ keeper: Seeded & { named: (name: string) => SeededPerson } }, { furnished: Seeded }>({
  furnished: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of what a fixture needs from its parameter
    async ({}, use) => {
      const { database_url, sandbox_url, keeper } = JSON.parse(process.env.E2E_WORLD ?? '{}')
      const database = connect(database_url)
      const operate = operatorOf(database, keeper.tenant_id)
      // A test that fails brings a new worker, which finds it furnished.
      const { data } = await operate(providers.list, {})
      if (!data.some((one) => one.name === 'tweede')) {
        const { id } = await operate(providers.create, {
          name: 'tweede',
          kind: 'openai_compatible',
          base_url: `${sandbox_url}/v1`,
        })
        const price = { input_usd_per_million: '1.00', output_usd_per_million: '4.00' }
        await operate(providers.setModels, {
          id,
          models: [{ name: 'klein', upstream_name: 'sandbox-small', aliases: ['snel'], price }],
        })
        const own_keys = { kinds: ['student'], keys_max: 9, budget_max_usd: '2', days_max: null, may_renew: false }
        await operate(tenants.update, { own_keys })
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

async function openForm(page: Page, slug: string, memberId: string): Promise<Locator> {
  await page.goto(`/t/${slug}/coding/${memberId}/new`)
  await hydrated(page)
  const panel = page.getByRole('dialog', { name: /Create a key/ })
  await panel.getByRole('button', { name: 'More' }).click()
  return panel
}

const fieldOf = (panel: Locator, label: string): Locator =>
  panel
    .getByRole('combobox', { name: label })
    .or(panel.getByRole('textbox', { name: label }))
    .first()

async function pick(panel: Locator, page: Page, label: string, typed: string, option: RegExp): Promise<void> {
  const field = panel
    .getByRole('combobox', { name: label })
    .or(panel.getByRole('textbox', { name: label }))
    .first()
  await field.click()
  if (typed !== '') await field.fill(typed)
  await page.getByRole('option', { name: option }).click()
  // The list of a field that takes several stays open.
  if (label === 'Models') await page.keyboard.press('Escape')
}

async function askOf(gateway_url: string, apiKey: string, model: string): Promise<string> {
  const client = new OpenAI({ baseURL: gateway_url, apiKey, maxRetries: 0 })
  return client.chat.completions.create({ model, max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] }).then(
    () => 'answered',
    (error) => `${error.status} ${error.code}`,
  )
}

test.describe('the form', () => {
  test.use({ expectedErrors: [/status of 4\d\d/] })

  test('limits a key to models and addresses, and the gateway holds it to them', async ({
    page,
    keeper,
    world,
    signIn,
  }) => {
    await signIn(keeper.owner, keeper)
    const panel = await openForm(page, keeper.slug, keeper.named('Daan Jansen').id)
    await pick(panel, page, 'Models', 'small', /sandbox-small\s*\$0\.15 in, \$0\.60 out/)
    await expect(panel.getByTestId('sentence')).toHaveText(
      'Daan can spend $5.00, from now on. Not renewed. Only with sandbox-small.',
    )
    // Each bad line is named, and nothing is lost.
    const addresses = panel.getByRole('textbox', { name: 'Addresses' })
    await addresses.fill('127.0.0.0/8\n10.0.0.999\n::1\nthe school')
    await panel.getByRole('button', { name: 'Create key' }).click()
    await expect(panel.getByText(/Line 2: “10.0.0.999”/).first()).toContainText('Line 4: “the school”')
    await expectNoViolations(page)
    await addresses.fill('127.0.0.0/8\n::1\n')
    await expect(panel.getByTestId('sentence')).toHaveText(
      'Daan can spend $5.00, from now on. Not renewed. Only with sandbox-small, from 127.0.0.0/8 or ::1.',
    )
    await panel.getByRole('button', { name: 'Create key' }).click()
    const secret = (await page.getByTestId('secret').textContent()) ?? ''
    expect(await askOf(world.gateway_url, secret, 'sandbox-small')).toBe('answered')
    expect(await askOf(world.gateway_url, secret, 'sandbox-large')).toBe('403 model_not_allowed')
    await page.getByRole('button', { name: 'Copy', exact: true }).click()
    await page.getByRole('button', { name: 'Done' }).click()

    // The panel of the key says so, and the form that changes it begins there.
    await page.getByRole('link', { name: 'Key of Daan Jansen' }).click()
    const key = page.getByRole('dialog', { name: /Daan Jansen/ })
    await expect(key).toContainText('sandbox-small')
    await expect(key).toContainText('127.0.0.0/8')
    await key.getByRole('link', { name: 'Change' }).click()
    const change = page.getByRole('dialog', { name: /Change the key of Daan Jansen/ })
    await expect(change.getByTestId('sentence')).toContainText('Only with sandbox-small, from 127.0.0.0/8 or ::1.')
    await change.getByRole('textbox', { name: 'Addresses' }).fill('192.0.2.7')
    await pick(change, page, 'Models', 'large', /sandbox-large/)
    await change.getByLabel('Requests per minute').fill('60')
    await expect(change.getByTestId('sentence')).toContainText(
      'Only with sandbox-small or sandbox-large, from 192.0.2.7. At most 60 requests a minute.',
    )
    await change.getByRole('button', { name: 'Save' }).click()
    await expect(page.getByRole('dialog', { name: /Daan Jansen/ })).toContainText('192.0.2.7')
    await expect(page.getByRole('dialog', { name: /Daan Jansen/ })).toContainText('60 requests a minute')
    await expect
      .poll(() => askOf(world.gateway_url, secret, 'sandbox-large'), { timeout: 3_000 })
      .toBe('403 ip_not_allowed')
  })

  test('links a key to one provider, and offers what that one serves', async ({ page, keeper, world, signIn }) => {
    await signIn(keeper.owner, keeper)
    const panel = await openForm(page, keeper.slug, keeper.named('Noor Bakker').id)
    await pick(panel, page, 'Models', 'sandbox-l', /sandbox-large/)
    await pick(panel, page, 'Provider', '', /^tweede$/)
    await panel.getByRole('button', { name: 'Create key' }).click()
    await expect(panel.getByText('tweede serves none of these models').first()).toBeVisible()
    const models = fieldOf(panel, 'Models')
    await models.press('Backspace')
    await models.click()
    await expect(page.getByRole('option')).toHaveText([/klein/])
    await page.keyboard.press('Escape')
    await expect(panel.getByTestId('sentence')).toHaveText(/Not renewed\. Only through tweede\.$/)
    await panel.getByRole('button', { name: 'Create key' }).click()
    const secret = (await page.getByTestId('secret').textContent()) ?? ''
    expect(await askOf(world.gateway_url, secret, 'snel')).toBe('answered')
    expect(await askOf(world.gateway_url, secret, 'sandbox-small')).toMatch(/^40\d model_not/)
  })
})

test('the same limits hold for every key of a class, and the teacher who makes them sets them', async ({
  page,
  context,
  keeper,
  world,
  signIn,
}) => {
  await signIn(keeper.teacher ?? keeper.owner, keeper)
  await page.goto(`/t/${keeper.slug}/coding/groups/${keeper.groups[0]}/keys/new`)
  await hydrated(page)
  await page.getByLabel('Also for those who have a key that works').check()
  await page.getByRole('button', { name: 'More' }).click()
  const form = page.locator('main')
  await pick(form, page, 'Models', 'klein', /klein\s*\$1\.00 in, \$4\.00 out/)
  await expect(page.getByTestId('sentence')).toHaveText('Creates 6 keys, at most $30.00. Only with klein.')
  const opened = context.waitForEvent('page')
  await page.getByRole('button', { name: 'Create 6 keys' }).click()
  await opened
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'CSV' }).click()
  const csv = await readFile(await (await download).path(), 'utf8')
  const secrets = csv.match(/sk-stp-[0-9A-Za-z]{34}/g) ?? []
  expect(secrets).toHaveLength(6)
  for (const secret of [secrets[0], secrets[5]]) {
    expect(await askOf(world.gateway_url, secret ?? '', 'klein')).toBe('answered')
    expect(await askOf(world.gateway_url, secret ?? '', 'sandbox-small')).toBe('403 model_not_allowed')
  }
})

test('a student limits a key of their own', async ({ page, keeper, world, signIn }) => {
  await signIn(keeper.named('Aylin Öztürk'), keeper)
  await page.goto(`/t/${keeper.slug}/my-keys/new`)
  await hydrated(page)
  const panel = page.getByRole('dialog', { name: 'Create a key for yourself' })
  await panel.getByText('$2', { exact: true }).click()
  await panel.getByRole('button', { name: 'More' }).click()
  await pick(panel, page, 'Models', 'small', /sandbox-small/)
  await expect(panel.getByTestId('sentence')).toHaveText(
    'You can spend $2.00, from now on. Not renewed. Only with sandbox-small.',
  )
  await panel.getByRole('button', { name: 'Create key' }).click()
  const secret = (await page.getByTestId('secret').textContent()) ?? ''
  expect(await askOf(world.gateway_url, secret, 'sandbox-large')).toBe('403 model_not_allowed')
})

test('a location admin limits keys too, without seeing what the providers’ page shows', async ({
  page,
  keeper,
  signIn,
}) => {
  await signIn(keeper.admin, keeper)
  const panel = await openForm(page, keeper.slug, keeper.named('Mohammed El Amrani').id)
  await pick(panel, page, 'Provider', '', /^tweede$/)
  await pick(panel, page, 'Models', '', /klein/)
  await expect(panel.getByTestId('sentence')).toHaveText(/Only with klein, through tweede\.$/)
})
