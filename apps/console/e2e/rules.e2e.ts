import type { Page } from '@playwright/test'
import { keys } from '@stipend/core'
import { close, connect } from '@stipend/db'
import OpenAI from 'openai'
import { expect, expectNoViolations, hydrated, test } from './fixtures.ts'
import { named, operatorOf } from './scenario.ts'

async function askOf(gateway_url: string, apiKey: string): Promise<string> {
  const client = new OpenAI({ baseURL: gateway_url, apiKey, maxRetries: 0 })
  const asked = { model: 'sandbox-small', max_tokens: 5, messages: [{ role: 'user' as const, content: 'Hi' }] }
  return client.chat.completions.create(asked).then(
    () => 'answered',
    (error) => `${error.status} ${error.code}`,
  )
}

async function choosePerson(page: Page, within: ReturnType<Page['getByRole']>, label: string, name: string) {
  const field = within
    .getByRole('combobox', { name: label })
    .or(within.getByRole('textbox', { name: label }))
    .first()
  await field.click()
  await field.fill(name)
  await page.getByRole('option', { name }).click()
  await page.keyboard.press('Escape')
}

test('a rule is tried, made, moved by the keyboard, switched off and deleted, and the gateway keeps it', async ({
  page,
  world,
  signIn,
}) => {
  const { keeper } = world
  const yusuf = named(keeper.people, 'Yusuf Demir')
  const database = connect(JSON.parse(process.env.E2E_WORLD ?? '{}').database_url)
  const key = await operatorOf(database, keeper.tenant_id)(keys.create, {
    member_id: yusuf.id,
    name: 'Rules',
    budget_usd: '1',
  })
  await close(database)
  const ask = () => askOf(world.gateway_url, key.secret ?? '')

  await signIn(keeper.owner, keeper)
  await page.getByRole('link', { name: 'Rules', exact: true }).click()
  await expect(page.getByText('No rules yet')).toBeVisible()
  await expectNoViolations(page)

  // What it would do is known before it is saved.
  await page.getByRole('link', { name: 'Add rule' }).click()
  const form = page.getByRole('dialog', { name: 'Add a rule' })
  await form.getByLabel('Name').fill('Not Yusuf')
  await choosePerson(page, form, 'Only these people', 'Yusuf Demir')
  await expect(form.getByTestId('sentence')).toHaveText(
    'Block · Yusuf Demir · all models · always. It holds within a second.',
  )
  const trial = form.getByRole('region', { name: 'Try it' })
  await choosePerson(page, trial, 'Who asks', 'Yusuf Demir')
  await trial
    .getByRole('combobox', { name: 'For which model' })
    .or(trial.getByLabel('For which model'))
    .first()
    .fill('sandbox-small')
  await page.keyboard.press('Escape')
  await trial.getByRole('button', { name: 'Try it' }).click()
  await expect(trial.getByRole('status')).toContainText('The rule “Not Yusuf” decides.')
  await expect(trial.getByRole('status')).toContainText('Ask an administrator of your organisation.')
  await expectNoViolations(page)
  expect(await ask()).toBe('answered')

  await form.getByRole('button', { name: 'Create rule' }).click()
  const list = page.getByRole('list', { name: 'Rules, in the order they are asked' })
  await expect(list.getByRole('listitem')).toHaveText([/Not Yusuf/])
  await expect.poll(ask, { timeout: 3_000 }).toBe('403 blocked_by_rule')

  // An exception goes above it, by the keyboard alone.
  await page.getByRole('link', { name: 'Add rule' }).click()
  await form.getByLabel('Name').fill('But Yusuf')
  await form.getByText('Allow', { exact: true }).click()
  await choosePerson(page, form, 'Only these people', 'Yusuf Demir')
  await form.getByRole('button', { name: 'Create rule' }).click()
  await expect(list.getByRole('listitem')).toHaveText([/Not Yusuf/, /But Yusuf/])
  await page.getByRole('button', { name: 'Move But Yusuf up' }).focus()
  await page.keyboard.press('Enter')
  await expect(list.getByRole('listitem')).toHaveText([/But Yusuf/, /Not Yusuf/])
  await expect(page.getByRole('button', { name: 'Move But Yusuf down' })).toBeFocused()
  await expect.poll(ask, { timeout: 3_000 }).toBe('answered')

  await expectNoViolations(page)

  await page.getByRole('switch', { name: 'But Yusuf is on' }).press('Space')
  await expect(page.getByText('“But Yusuf” is off.')).toBeVisible()
  await expect.poll(ask, { timeout: 3_000 }).toBe('403 blocked_by_rule')

  for (const name of ['Not Yusuf', 'But Yusuf']) {
    await page.getByRole('link', { name, exact: true }).click()
    await page.getByRole('dialog', { name }).getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('button', { name: 'Delete the rule' }).click()
    await expect(list.getByRole('link', { name, exact: true })).toHaveCount(0)
  }
  await expect.poll(ask, { timeout: 3_000 }).toBe('answered')
})

test('whoever may not read rules isn’t shown them', async ({ page, world, signIn }) => {
  const { keeper } = world
  await signIn(named(keeper.people, 'Emma Willems'), keeper)
  await hydrated(page)
  await expect(page.getByRole('link', { name: 'My keys' }).first()).toBeVisible()
  await expect(page.getByRole('link', { name: 'Rules', exact: true })).toHaveCount(0)
})
