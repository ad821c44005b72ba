import { mkdirSync } from 'node:fs'
import type { Page } from '@playwright/test'
import OpenAI from 'openai'
import { expect, expectNoViolations, hydrated, test } from './fixtures.ts'

const SECRET = 'sk-credential-of-the-school'

/** With PICTURES set: what the pages look like, for eyes. */
async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.PICTURES
  if (folder === undefined) return
  mkdirSync(folder, { recursive: true })
  const sizes = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } }
  const before = page.viewportSize()
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport)
    await page.waitForFunction(() => document.getAnimations().every((one) => one.playState !== 'running'))
    await page.screenshot({ path: `${folder}/${name}-${size}.png` })
  }
  await page.setViewportSize(sizes.desktop)
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.screenshot({ path: `${folder}/${name}-dark.png` })
  await page.emulateMedia({ colorScheme: 'light' })
  if (before !== null) await page.setViewportSize(before)
}

test('a provider of the school’s own, from its kind to a request that goes through it', async ({
  page,
  school,
  world,
  signIn,
  expectedErrors,
}) => {
  // What a form refuses.
  expectedErrors.push(/400/)
  await signIn(school.owner)
  await page.getByRole('link', { name: 'Providers' }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'Providers' })).toBeVisible()
  await expectNoViolations(page)
  await picture(page, 'providers-first')

  await page.getByRole('link', { name: 'Add provider' }).click()
  await expectNoViolations(page)
  await picture(page, 'kinds')
  await page.getByRole('link', { name: /^OpenAI-compatible/ }).click()
  await page.waitForURL(/kind=openai_compatible/)

  // An address of the platform's own network is refused, and one where nobody listens; each with words that say so.
  await page.getByLabel('Name').fill('school')
  await page.getByLabel('Address').fill('http://10.11.12.13/v1')
  await page.getByRole('textbox', { name: 'API key' }).fill(SECRET)
  await page.getByRole('button', { name: 'Test and add' }).click()
  await expect(page.getByTestId('ticks')).toContainText('not on the internet')
  await page.getByLabel('Address').fill('http://127.0.0.1:9/v1')
  await page.getByRole('button', { name: 'Test again' }).click()
  await expect(page.getByTestId('ticks')).toContainText('Nothing listens at this address')
  await expectNoViolations(page)
  await picture(page, 'test-failed')

  await page.getByLabel('Address').fill(`${world.sandbox_url}/v1`)
  await page.getByRole('button', { name: 'Test again' }).click()
  await page.waitForURL(/\/add$/)
  const add = page.getByRole('dialog', { name: /Add models/ })
  await add.getByRole('checkbox', { name: /sandbox-small/ }).check()
  await expect(add.getByTestId('sentence')).toHaveText(/^Adds 1 model\. 1 has no known price/)
  await expectNoViolations(page)
  await picture(page, 'add-models')
  await add.getByRole('button', { name: 'Add 1 model' }).click()

  await page.waitForURL(/\/share$/)
  const share = page.getByRole('dialog', { name: /Share with/ })
  await expect(share.getByTestId('sentence')).toHaveText('Every key may use it.')
  await expectNoViolations(page)
  await share.getByRole('button', { name: 'Share', exact: true }).click()

  // Without a price it is refused, and the page says which price is missing.
  await expect(page.getByRole('alert')).toContainText('Nobody has said what sandbox-small costs')
  await expectNoViolations(page)
  await picture(page, 'price-missing')
  await page.getByRole('link', { name: 'sandbox-small' }).click()
  const model = page.getByRole('dialog', { name: /sandbox-small/ })
  await model.getByLabel('Input', { exact: true }).fill('0')
  await model.getByLabel('Output', { exact: true }).fill('0')
  await model.getByRole('button', { name: 'Save' }).click()
  await expect(model).toContainText('If this model really costs nothing, say that it is free.')
  await model.getByLabel('Input', { exact: true }).fill('2.50')
  await model.getByLabel('Output', { exact: true }).fill('10')
  await expectNoViolations(page)
  await picture(page, 'price')
  await model.getByRole('button', { name: 'Save' }).click()
  await expect(page.getByRole('alert')).toHaveCount(0)
  await expect(page.getByRole('table', { name: 'Models' })).toContainText('$2.50 in, $10.00 out')

  const secret = await keyFor(page, school.slug, school.named('Sanne de Vries').id)
  const client = new OpenAI({ baseURL: world.gateway_url, apiKey: secret, maxRetries: 0 })
  const answer = await client.chat.completions.create({
    model: 'school/sandbox-small',
    max_tokens: 30,
    messages: [{ role: 'user', content: 'Good morning' }],
  })
  expect(answer.usage?.completion_tokens).toBeGreaterThan(0)

  await page.goto(`/t/${school.slug}/providers`)
  await hydrated(page)
  await expect(page.getByRole('listitem').filter({ hasText: 'school' })).toContainText('Everyone')
  await picture(page, 'providers')
  const sent = await page.content()
  expect(sent).not.toContain(SECRET)
})

test('it is shared with a class, tested, given another API key, switched off, and its health is seen', async ({
  page,
  school,
  world,
  signIn,
}) => {
  await signIn(school.owner)
  const inClass = await keyFor(page, school.slug, school.named('Noor Bakker').id)
  const elsewhere = await keyFor(page, school.slug, school.named('Emma Willems').id)
  const statusFor = async (key: string) => {
    const asked = await fetch(`${world.gateway_url}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'school/sandbox-small',
        max_tokens: 30,
        messages: [{ role: 'user', content: 'Good morning' }],
      }),
    })
    return asked.status
  }
  await page.goto(`/t/${school.slug}/providers`)
  await hydrated(page)
  await page.getByRole('link', { name: 'school', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1, name: 'school' })).toBeVisible()
  const change = async (item: string) => {
    await page.getByRole('button', { name: 'Change', exact: true }).click()
    await page.getByRole('menuitem', { name: item }).click()
    await expect(page.getByRole('menu')).toHaveCount(0)
  }

  await change('Share with…')
  const share = page.getByRole('dialog', { name: /Share with/ })
  await share.getByRole('radio', { name: /^Some/ }).check()
  await share.getByRole('checkbox', { name: /Klas 3A/ }).check()
  await expectNoViolations(page)
  await share.getByRole('button', { name: 'Share', exact: true }).click()
  await expect(share).toHaveCount(0)
  await expect.poll(() => statusFor(elsewhere)).toBe(404)
  expect(await statusFor(inClass)).toBe(200)

  await page.getByRole('button', { name: 'Test the connection' }).click()
  await expect(page.getByRole('status').filter({ hasText: 'ms' })).toBeVisible()
  await change('Change the API key…')
  const rotate = page.getByRole('dialog', { name: /Change the API key/ })
  await expectNoViolations(page)
  await rotate.getByRole('textbox', { name: 'New API key' }).fill('sk-another-of-the-school')
  await rotate.getByRole('button', { name: 'Change the API key' }).click()
  await expect(rotate).toHaveCount(0)
  expect(await page.content()).not.toContain('sk-another-of-the-school')
  expect(await statusFor(inClass)).toBe(200)

  await change('Switch off')
  await expect.poll(() => statusFor(inClass)).toBe(404)
  await expect(page.getByText('No requests go to it.')).toBeVisible()
  await change('Switch on')
  await expect.poll(() => statusFor(inClass)).toBe(200)
  await expect(async () => {
    await page.reload()
    await expect(page.getByText(/to the first byte/)).toBeVisible({ timeout: 1_000 })
  }).toPass()
  await expectNoViolations(page)
})

test('prices are imported from a public list, seen first', async ({ page, school, world, signIn }) => {
  await signIn(school.owner)
  await page.goto(`/t/${school.slug}/providers/new?kind=openai_compatible`)
  await hydrated(page)
  await page.getByLabel('Name').fill('imported')
  await page.getByLabel('Address').fill(`${world.sandbox_url}/v1`)
  await page.getByRole('button', { name: 'Test and add' }).click()
  await page.getByRole('checkbox', { name: /sandbox-large/ }).check()
  await page.getByRole('button', { name: 'Add 1 model' }).click()
  await page.getByRole('button', { name: 'Share', exact: true }).click()
  await page.getByRole('button', { name: 'Change' }).click()
  await page.getByRole('menuitem', { name: 'Import prices…' }).click()
  const panel = page.getByRole('dialog', { name: /Import prices/ })
  const list = {
    'sandbox-large': { litellm_provider: 'x', mode: 'chat', input_cost_per_token: 3e-6, output_cost_per_token: 1.2e-5 },
  }
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    panel.getByRole('button', { name: 'File' }).click(),
  ])
  await chooser.setFiles({
    name: 'prices.json',
    mimeType: 'application/json',
    buffer: Buffer.from(JSON.stringify(list)),
  })
  await panel.getByRole('button', { name: 'Show what would change' }).click()
  await expect(panel.getByRole('table')).toContainText('$3.00 in, $12.00 out')
  await expectNoViolations(page)
  await picture(page, 'import')
  await panel.getByRole('button', { name: 'Take 1 price' }).click()
  await expect(page.getByRole('table', { name: 'Models' })).toContainText('$3.00 in, $12.00 out')
  await page.getByRole('link', { name: 'sandbox-large' }).click()
  await expect(page.getByRole('table', { name: 'Prices so far' })).toContainText('litellm')
})

test('a pupil has no providers to see', async ({ page, school, signIn, expectedErrors }) => {
  expectedErrors.push(/403|404/)
  await signIn(school.named('Sanne de Vries'))
  await expect(page.getByRole('link', { name: 'Providers' })).toHaveCount(0)
  const answer = await page.goto(`/t/${school.slug}/providers`)
  expect(answer?.status()).toBe(403)
})

async function keyFor(page: Page, slug: string, memberId: string): Promise<string> {
  await page.goto(`/t/${slug}/coding/${memberId}/new`)
  await hydrated(page)
  await page.getByRole('button', { name: 'Create key' }).click()
  const secret = (await page.getByTestId('secret').textContent()) ?? ''
  await page.getByRole('button', { name: 'Copy', exact: true }).click()
  await page.getByRole('button', { name: 'Done' }).click()
  return secret
}
