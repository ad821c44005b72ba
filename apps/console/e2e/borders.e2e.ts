import { expect, hydrated, test } from './fixtures.ts'

test.use({ expectedErrors: [/status of 40[34]/] })

test('another tenant’s pages read like pages that don’t exist', async ({ page, school, world, signIn }) => {
  await signIn(world.company.owner, world.company)
  const read = async (path: string) => {
    const response = await page.goto(path)
    const main = await page.getByRole('main').innerText()
    return { status: response?.status(), words: main.replace(/req_\w+/, '') }
  }
  const madeUp = await read('/t/no-such-tenant/coding')
  expect(madeUp.status).toBe(404)
  expect(await read(`/t/${school.slug}/coding`)).toEqual(madeUp)
  const member = await read(`/t/${world.company.slug}/coding/mem_01m7ytd0000000000000000000`)
  expect(member.status).toBe(404)
  for (const id of [school.member.id, 'no-id-at-all']) {
    expect(await read(`/t/${world.company.slug}/coding/${id}`)).toEqual(member)
  }
  expect((await read(`/t/${world.company.slug}/usage?after=made-up`)).status).toBe(404)
})

test('a member sees their own keys and how to connect, nothing else', async ({ page, school, signIn }) => {
  await signIn(school.member)
  await expect(page).toHaveURL(/\/my-keys$/)
  await expect(page.getByRole('navigation', { name: 'Main' }).getByRole('link')).toHaveText([
    'My keys',
    'Connect tools',
  ])
  await expect(page.getByRole('row').filter({ hasText: 'Homework' })).toContainText('$5.00')
  await page.getByRole('link', { name: 'Connect tools' }).click()
  const row = page.getByRole('table', { name: 'Models' }).getByRole('row').filter({ hasText: 'sandbox-small' })
  await expect(row.getByRole('cell')).toHaveText([/^sandbox-small/, '1M', '$0.15', '$0.15', '$0.60'])
  await expect(page.getByRole('tabpanel')).toContainText('sandbox-large')
  for (const path of ['coding', 'usage', 'api', `coding/${school.owner.id}`]) {
    const response = await page.goto(`/t/${school.slug}/${path}`)
    expect(response?.status(), path).toBe(403)
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('This page is not for you')
    await expect(page.getByRole('link', { name: 'My keys' })).toBeVisible()
  }
})

test('an administrator of one location sees that location', async ({ page, school, signIn }) => {
  await signIn(school.admin)
  await page.goto(`/t/${school.slug}/coding`)
  await hydrated(page)
  await expect(page.getByRole('link', { name: 'Sanne de Vries', exact: true })).toBeVisible()
  await expect(page.getByText('Klas 3B')).toHaveCount(0)
  const elsewhere = await page.goto(`/t/${school.slug}/coding/${school.named('Emma Willems').id}/new`)
  expect(elsewhere?.status()).toBe(404)
})
