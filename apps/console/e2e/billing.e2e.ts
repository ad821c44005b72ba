import { keys } from '@stipend/core'
import { close, connect } from '@stipend/db'
import OpenAI from 'openai'
import { expect, expectNoViolations, hydrated, test } from './fixtures.ts'
import { operatorOf } from './scenario.ts'

// A refused form is an answer with its own status, which the browser notes.
test.use({ expectedErrors: [/status of 40[03]/] })
test.describe.configure({ mode: 'serial' })

test('the tool says 402, somebody tops up, and the next request works', async ({ page, world, signIn }) => {
  const { payer: company } = world
  const database = connect(world.database_url)
  const run = operatorOf(database, company.tenant_id)
  const key = await run(keys.create, { member_id: company.member.id, name: 'Aider', budget_usd: '20' })
  await close(database)
  const client = new OpenAI({ baseURL: world.gateway_url, apiKey: key.secret ?? '', maxRetries: 0 })
  const ask = () =>
    client.chat.completions.create({ model: 'sandbox-small', messages: [{ role: 'user', content: 'Hello' }] })
  await expect(ask()).rejects.toMatchObject({ status: 402, code: 'balance_exhausted' })

  await signIn(company.owner, company)
  await page.goto(`/t/${company.slug}/billing`)
  await hydrated(page)
  await expect(page.getByText('The balance is used up')).toBeVisible()
  await expect(page.getByTestId('balance')).toHaveText('$0.00')
  await expectNoViolations(page)
  await page.getByText('$25', { exact: true }).click()
  await expect(page.getByTestId('sentence')).toContainText('The balance will be $25.00 once it has arrived.')
  await page.getByLabel('Keep this way to pay').check()
  await page.getByRole('button', { name: 'Pay $25.00' }).click()

  // Stripe's page: a card that is declined, then one that isn't.
  await page.waitForURL(/\/pay\/cs_test/)
  await page.getByLabel('Card number').fill('4000 0000 0000 0002')
  await page.getByRole('button', { name: 'Pay', exact: true }).click()
  await expect(page.getByRole('alert')).toHaveText('Your card was declined.')
  await page.getByLabel('Card number').fill('4242 4242 4242 4242')
  await page.getByRole('button', { name: 'Pay', exact: true }).click()

  await page.waitForURL(/\/billing\/top-ups\/pay_/)
  await expect(page.getByTestId('top-up-state')).toHaveText('Paid')
  await expectNoViolations(page)
  expect((await ask()).choices[0]?.message.content).toBeTruthy()

  await page.goto(`/t/${company.slug}/billing`)
  await hydrated(page)
  await expect(page.getByTestId('balance')).toHaveText(/^\$2[45]\.\d\d$/)
  await expect(page.getByRole('table', { name: 'Ledger' }).getByRole('row').nth(1)).toContainText('Visa ending in 4242')
  await expect(page.getByRole('table', { name: 'Top-ups' })).toContainText('Paid')
  await expect(page.getByRole('link', { name: 'Receipt' })).toHaveAttribute('href', /\/receipts\//)
})

test('coming back without having paid shows that nothing was charged', async ({ page, world, signIn }) => {
  const { payer: company } = world
  await signIn(company.owner, company)
  await page.goto(`/t/${company.slug}/billing`)
  await hydrated(page)
  await page.getByText('Other', { exact: true }).click()
  await page.getByLabel('Other amount').fill('3')
  await page.getByRole('button', { name: 'Pay $3.00' }).click()
  await expect(page.getByText('The least is "5.00".')).toBeVisible()
  await page.getByLabel('Other amount').fill('12.50')
  await page.getByRole('button', { name: 'Pay $12.50' }).click()
  await page.waitForURL(/\/pay\/cs_test/)
  await page.getByRole('link', { name: 'Back' }).click()
  await page.waitForURL(/\/billing\/top-ups\/pay_/)
  await hydrated(page)
  await expect(page.getByTestId('top-up-state')).toHaveText('Not paid yet')
  await page.getByRole('button', { name: 'Give it up' }).click()
  await expect(page.getByTestId('top-up-state')).toHaveText('Canceled')
})

test('automatic top-up is switched on with the saved card, and off again', async ({ page, world, signIn }) => {
  const { payer: company } = world
  await signIn(company.owner, company)
  await page.goto(`/t/${company.slug}/billing/automatic`)
  await hydrated(page)
  const panel = page.getByRole('dialog', { name: /Automatic top-up/ })
  await expect(panel.getByTestId('payment-method')).toHaveText('Visa ending in 4242')
  await panel.getByLabel('When less is left than').fill('2')
  await panel.getByLabel('At most in a month').fill('10')
  await panel.getByRole('button', { name: 'Switch on' }).click()
  await expect(panel.getByText('The most for a month is less than one top-up.')).toBeVisible()
  await panel.getByLabel('At most in a month').fill('100')
  await expect(panel.getByTestId('sentence')).toContainText('Charges $50.00 when less than $2.00 is left')
  await expectNoViolations(page)
  await panel.getByRole('button', { name: 'Switch on' }).click()
  await page.waitForURL(/\/billing$/)
  await expect(page.getByText('$50.00 from Visa ending in 4242 when less than $2.00 is left.')).toBeVisible()
  await page.getByRole('link', { name: 'Change' }).click()
  await page.getByRole('button', { name: 'Switch it off' }).click()
  await expect(page.getByText('Off. Switch it on')).toBeVisible()
})

test('statements and the comparison', async ({ page, context, world, signIn }) => {
  const { payer: company } = world
  await signIn(company.owner, company)
  await page.goto(`/t/${company.slug}/billing`)
  const month = new Date().toISOString().slice(0, 7)
  const at = `/t/${company.slug}/export/statement/${month}`
  const pdf = await context.request.get(`${world.console_url}${at}?format=pdf`)
  expect([pdf.status(), pdf.headers()['content-type']]).toEqual([200, 'application/pdf'])
  expect((await pdf.body()).subarray(0, 5).toString()).toBe('%PDF-')
  const csv = await context.request.get(`${world.console_url}${at}?format=csv`)
  expect(await csv.text()).toContain('top_up,Visa ending in 4242,25.00,25.00')
  await page.goto(`/t/${company.slug}/billing/reconciliation`)
  await hydrated(page)
  await expect(page.getByText('Everything agrees')).toBeVisible()
})

test('others learn whether there is enough, not how much', async ({ page, world, signIn }) => {
  await signIn(world.school.admin)
  await page.goto(`/t/${world.school.slug}`)
  await expect(page.getByRole('link', { name: 'Billing' })).toHaveCount(0)
  const answer = await page.goto(`/t/${world.school.slug}/billing`)
  expect(answer?.status()).toBe(403)
})
