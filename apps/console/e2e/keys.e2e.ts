import type { Locator, Page } from '@playwright/test'
import OpenAI from 'openai'
import { expect, hydrated, test } from './fixtures.ts'

test.use({ permissions: ['clipboard-read', 'clipboard-write'] })

const rowOf = (page: Page, name: string): Locator => page.getByRole('row').filter({ hasText: name })

async function openForm(page: Page, slug: string, name: string): Promise<Locator> {
  await page.goto(`/t/${slug}/coding`)
  await hydrated(page)
  await page.getByRole('link', { name: `Create a key for ${name}` }).click()
  const panel = page.getByRole('dialog', { name: new RegExp(`Create a key for ${name}`) })
  await expect(panel).toBeVisible()
  return panel
}

test('a key, from the form to its end', async ({ page, context, school, world, signIn }) => {
  await signIn(school.owner)
  const panel = await openForm(page, school.slug, 'Mohammed El Amrani')
  await expect(panel.getByTestId('sentence')).toHaveText('Mohammed can spend $5.00, from now on. Not renewed.')
  await panel.getByText('Other', { exact: true }).click()
  await panel.getByLabel('Amount').fill('0.05')
  await panel.getByText('Today', { exact: true }).click()
  await expect(panel.getByTestId('sentence')).toHaveText(
    'Mohammed can spend $0.05, from now until the end of today. Not renewed.',
  )
  await panel.getByRole('button', { name: 'Create key' }).click()

  const secret = (await page.getByTestId('secret').textContent()) ?? ''
  expect(secret).toMatch(/^sk-stp-/)
  await expect(page.getByText('a key in a mailbox is a lost key')).toBeVisible()

  // Leaving before it is copied asks; staying keeps it.
  await page.keyboard.press('Escape')
  const asks = page.getByRole('dialog', { name: 'Leave without the key?' })
  await asks.getByRole('button', { name: 'Back to the key' }).click()
  await expect(page.getByTestId('secret')).toHaveText(secret)

  await page.getByRole('tab', { name: 'OpenCode' }).click()
  await expect(page.getByText(`"baseURL": "${world.gateway_url}"`)).toBeVisible()
  await expect(page.getByText(/"model": "stipend\/sandbox-\w+"/)).toBeVisible()
  await page.getByRole('button', { name: 'Copy', exact: true }).click()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secret)
  await page.getByRole('button', { name: 'Done' }).click()
  await expect(page.getByTestId('secret')).toHaveCount(0)
  const row = rowOf(page, 'Mohammed El Amrani')
  await expect(row).toContainText('Active')
  await expect(row).toContainText('$0.00 / $0.05')

  // It is nowhere any more: not in the address, nor in what the server sends or the browser keeps.
  await row.getByRole('link', { name: 'Key of Mohammed El Amrani' }).click()
  await expect(page.getByRole('dialog', { name: /Mohammed El Amrani/ })).toContainText('Created by')
  const keyUrl = page.url()
  const kept = await page.evaluate(
    () => document.documentElement.outerHTML + JSON.stringify(window.history.state) + JSON.stringify(localStorage),
  )
  const sent = await (await context.request.get(keyUrl)).text()
  for (const text of [keyUrl, kept, sent]) expect(text).not.toContain(secret)

  // Used in a tool: the request shows up by itself within two seconds.
  const client = new OpenAI({ baseURL: world.gateway_url, apiKey: secret, maxRetries: 0 })
  await page.goto(`/t/${school.slug}/usage`)
  await hydrated(page)
  const answer = await client.chat.completions
    .create({ model: 'sandbox-large', max_tokens: 2_000, messages: [{ role: 'user', content: 'Explain loops.' }] })
    .withResponse()
  const requestId = answer.response.headers.get('x-request-id') ?? ''
  const line = page.locator(`[data-request="${requestId}"]`)
  await expect(line).toBeVisible({ timeout: 2_000 })
  await expect(line).toContainText('Mohammed El Amrani')
  await expect(line).toContainText('sandbox-large')
  await expect(line).toContainText('Succeeded')
  await expect(line).toContainText(answer.data.usage?.completion_tokens.toLocaleString('en-US') ?? 'usage')
  await line.getByRole('link').click()
  await expect(page).toHaveURL(new RegExp(`/usage/${requestId}`))
  const cost =
    (await page
      .getByRole('dialog')
      .getByText(/^\$0\.\d+$/)
      .textContent()) ?? ''
  const charged = (answer.data.usage?.prompt_tokens ?? 0) * 2.5e-6 + (answer.data.usage?.completion_tokens ?? 0) * 10e-6
  expect(Number(cost.slice(1))).toBeCloseTo(charged, 9)

  // The budget moved by exactly that.
  await page.goto(`/t/${school.slug}/coding`)
  await expect(rowOf(page, 'Mohammed El Amrani').locator(`data[value="${cost.slice(1)}"]`)).toBeVisible()
  await expect(rowOf(page, 'Mohammed El Amrani').getByRole('progressbar')).not.toHaveAttribute('aria-valuenow', '0')

  // Disabled, it is refused; enabled, it works; revoked, never again.
  const codeOf = () =>
    client.chat.completions
      .create({ model: 'sandbox-small', max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] })
      .then(
        () => 'answered',
        (error) => `${error.status} ${error.code}`,
      )
  await page.goto(keyUrl)
  await hydrated(page)
  await page.getByRole('button', { name: 'Disable' }).click()
  await expect(page.getByRole('button', { name: 'Enable' })).toBeVisible()
  await expect.poll(codeOf, { timeout: 3_000 }).toBe('401 key_disabled')
  await page.getByRole('button', { name: 'Enable' }).click()
  await expect(page.getByRole('button', { name: 'Disable' })).toBeVisible()
  await expect.poll(codeOf, { timeout: 3_000 }).toBe('answered')
  await page.getByRole('button', { name: 'Revoke' }).click()
  const confirm = page.getByRole('dialog', { name: 'Revoke the key of Mohammed El Amrani?' })
  await expect(confirm).toContainText('can’t be undone')
  await confirm.getByRole('button', { name: 'Revoke key' }).click()
  await expect(page.getByText('This key was revoked')).toBeVisible()
  await expect.poll(codeOf, { timeout: 3_000 }).toBe('401 key_revoked')
})

test('a double click makes one key, and a form sent again makes none', async ({ page, context, school, signIn }) => {
  await signIn(school.owner)
  const panel = await openForm(page, school.slug, 'Zoë van der Meer')
  const idempotency_key = await panel.locator('[name=idempotency_key]').inputValue()
  const { pathname } = new URL(page.url())
  // Both in one task, faster than anything can be drawn in between.
  await panel.getByRole('button', { name: 'Create key' }).evaluate((button: HTMLButtonElement) => {
    button.click()
    button.click()
  })
  await expect(page.getByTestId('secret')).toBeVisible()
  const secret = (await page.getByTestId('secret').textContent()) ?? ''

  const again = await context.request.post(pathname, {
    headers: { origin: new URL(page.url()).origin },
    form: {
      idempotency_key,
      name: 'Coding',
      budget_usd: '5.00',
      renewal: 'never',
      valid_from: '',
      valid_until: '',
      allocation_id: '',
    },
  })
  expect(again.status()).toBe(200)
  const html = await again.text()
  expect(html).not.toContain(secret)

  await page.getByRole('button', { name: 'Copy', exact: true }).click()
  await page.goto(`/t/${school.slug}/coding/${school.named('Zoë van der Meer').id}`)
  await expect(page.getByRole('dialog').getByRole('link', { name: 'Coding' })).toHaveCount(1)
})

test.describe('what is wrong', () => {
  test.use({ expectedErrors: [/status of 4\d\d/] })

  test('is said at the field, and leaving with changes asks', async ({ page, school, signIn }) => {
    await signIn(school.owner)
    const panel = await openForm(page, school.slug, 'Daan Jansen')
    await panel.getByText('Other', { exact: true }).click()
    await panel.getByLabel('Amount').fill('a lot')
    await panel.getByRole('button', { name: 'Create key' }).click()
    await expect(panel.getByText(/Write a decimal number/).first()).toBeVisible()
    await panel.getByLabel('Amount').fill('1')
    await panel.getByRole('button', { name: 'More' }).click()
    await panel.getByLabel('Name').fill('')
    await panel.getByRole('button', { name: 'Create key' }).click()
    await expect(panel.getByText('Give a name.')).toBeVisible()
    await page.keyboard.press('Escape')
    await page
      .getByRole('dialog', { name: 'Leave without making the key?' })
      .getByRole('button', { name: 'Leave' })
      .click()
    await expect(page).toHaveURL(/\/coding$/)
    // The focus is back on what opened the panel.
    await expect(page.getByRole('link', { name: 'Create a key for Daan Jansen' })).toBeFocused()
  })
})

test('nobody without an account gets a key, and the page says why', async ({ page, school, signIn }) => {
  await signIn(school.owner)
  await page.goto(`/t/${school.slug}/coding?q=Finn`)
  await hydrated(page)
  const reason = /Finn Smit has no account yet/
  await page.getByRole('link', { name: reason }).focus()
  await expect(page.getByRole('tooltip')).toContainText(reason)
  await page.goto(`/t/${school.slug}/coding/${school.named('Finn Smit').id}/new`)
  await expect(page.getByRole('dialog')).toContainText(reason)
  await expect(page.getByRole('button', { name: 'Create key' })).toHaveCount(0)
})

test('with the keyboard alone', async ({ page, school, signIn }) => {
  await signIn(school.owner)
  await page.goto(`/t/${school.slug}/coding`)
  await hydrated(page)
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused()
  await page.keyboard.press('Enter')
  const opener = page.getByRole('link', { name: 'Create a key for Noor Bakker' })
  await tabTo(page, opener)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('radio', { name: '$5' })).toBeFocused()
  await page.keyboard.press('ArrowLeft')
  await expect(page.getByTestId('sentence')).toContainText('$2.00')
  await tabTo(page, page.getByRole('button', { name: 'Create key' }))
  await page.keyboard.press('Enter')
  const copy = page.getByRole('button', { name: 'Copy', exact: true })
  await expect(copy).toBeVisible()
  await tabTo(page, copy)
  await page.keyboard.press('Enter')
  await tabTo(page, page.getByRole('button', { name: 'Done' }))
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expect(page.getByRole('link', { name: 'Key of Noor Bakker' })).toBeFocused()
})

async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let step = 0; step < 80; step++) {
    if (await target.evaluate((element) => element === document.activeElement)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`the keyboard does not reach ${target}`)
}
