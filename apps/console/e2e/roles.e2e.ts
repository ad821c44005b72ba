import type { Page } from '@playwright/test'
import { keys } from '@stipend/core'
import { close, connect } from '@stipend/db'
import { expect, expectNoViolations, hydrated } from './fixtures.ts'
import { codeOf, test } from './place.ts'
import { operatorOf, type SeededPerson } from './scenario.ts'

/** Who may do what with the keys of a class, and what each must not see: an owner, an administrator of a location, a teacher, a pupil. */
test.use({ placeName: 'Zuid', expectedErrors: [/status of 40[34]/] })

const navigation = (page: Page) => page.getByRole('navigation', { name: 'Main' }).getByRole('link')
const TERMS = { name: 'Coding', budget_usd: '5.00', renewal: 'never' }

/** What a request made by hand gets: its status, and its words without the request's id. */
async function posted(page: Page, path: string, data: object | URLSearchParams) {
  const origin = new URL(page.url()).origin
  const body = data instanceof URLSearchParams ? { form: Object.fromEntries(data) } : { data }
  const answer = await page.context().request.post(path, { headers: { origin }, ...body })
  return { status: answer.status(), words: (await answer.text()).replaceAll(/req_\w+/g, '') }
}

test('a location admin who edits an address, a form or a request finds nothing of another location', async ({
  page,
  school,
  world,
  place,
  signIn,
}) => {
  const far = school.named('Daan Jansen')
  const [far_group = ''] = school.groups
  const database = connect(world.database_url)
  const operate = operatorOf(database, school.tenant_id)
  const theirs = await operate(keys.create, { member_id: far.id, ...TERMS })
  await close(database)
  await signIn(place.admin)
  const at = `/t/${school.slug}`
  for (const path of [
    `${at}/coding/${far.id}`,
    `${at}/coding/${far.id}/new`,
    `${at}/coding/${far.id}/keys/${theirs.id}`,
    `${at}/coding/${far.id}/keys/${theirs.id}/edit`,
    `${at}/coding/${far.id}/keys/${theirs.id}/replace`,
    `${at}/coding/groups/${far_group}/lesson`,
    `${at}/coding/groups/${far_group}/keys/new`,
    `${at}/keys/${theirs.id}`,
    `${at}/groups/${far_group}`,
    `${at}/members/${far.id}`,
  ]) {
    expect((await page.context().request.get(path)).status(), path).toBe(404)
  }
  // Lists that are asked for another place are empty, and say no name of it.
  await page.goto(`${at}/coding?view=names&q=Jansen`)
  await expect(page.getByText('Nothing matches')).toBeVisible()
  await expect(page.getByRole('main')).not.toContainText('Daan')

  // A form sent to where somebody else is.
  const form = new URLSearchParams({ ...TERMS, idempotency_key: 'by-hand' })
  expect((await posted(page, `${at}/coding/${far.id}/new`, form)).status).toBe(404)
  form.set('member_ids', far.id)
  form.set('expected_keys', '1')
  expect((await posted(page, `${at}/coding/groups/${place.other.id}/keys/new`, form)).status).toBe(404)
  expect((await posted(page, `${at}/coding/groups/${far_group}/keys/new`, form)).status).toBe(404)
  const act = new URLSearchParams({ intent: 'revoke' })
  expect((await posted(page, `${at}/coding/${far.id}/keys/${theirs.id}`, act)).status).toBe(404)

  // A request of the browser's own client; another's and a made-up one read alike.
  const made_up = { key: 'key_01jd4k0v8m3q6y1x2z5w7t9rbc', group: 'grp_01jd4k0v8m3q6y1x2z5w7t9rbc' }
  for (const [operation, input, other] of [
    ['keys.revoke', { id: theirs.id }, { id: made_up.key }],
    ['keys.raise', { id: theirs.id, by_usd: '1' }, { id: made_up.key, by_usd: '1' }],
    ['keys.disableMany', { ids: [theirs.id] }, { ids: [made_up.key] }],
    ['keys.createMany', { group_id: far_group, ...TERMS }, { group_id: made_up.group, ...TERMS }],
    ['lessons.pause', { group_id: far_group }, { group_id: made_up.group }],
    ['lessons.pause', { group_id: place.group.id, member_ids: [far.id] }, { group_id: made_up.group }],
    ['lessons.end', { group_id: far_group, ends_at: '2099-01-01T00:00:00Z' }, null],
  ] as const) {
    const answer = await posted(page, `/trpc/${school.slug}/${operation}`, input)
    expect(answer.status, operation).toBe(404)
    if (other === null || operation === 'lessons.pause') continue
    expect(answer, operation).toEqual(await posted(page, `/trpc/${school.slug}/${operation}`, other))
  }
  const revoked = await posted(page, `/trpc/${school.slug}/keys.revokeMany`, { filter: { group_id: far_group } })
  expect(JSON.parse(revoked.words)).toMatchObject({ result: { data: { keys_count: 0 } } })
  expect(await codeOf(world.gateway_url, theirs.secret ?? '')).toBe('answered')
  for (const name of ['Billing', 'Settings', 'API']) {
    await expect(navigation(page).filter({ hasText: name })).toHaveCount(0)
  }
})

test('a teacher hands out keys to the class they lead, once, and sees no money but the class’s', async ({
  page,
  context,
  school,
  world,
  place,
  signIn,
}) => {
  await signIn(place.teacher)
  await page.goto(`/t/${school.slug}/coding`)
  await hydrated(page)
  for (const name of ['Providers', 'Rules', 'People', 'Locations', 'Groups', 'Billing', 'Settings', 'API']) {
    await expect(navigation(page).filter({ hasText: name }), name).toHaveCount(0)
  }
  for (const path of ['billing', 'api']) {
    expect((await page.context().request.get(`/t/${school.slug}/${path}`)).status(), path).toBe(403)
  }
  for (const path of ['members', 'groups', 'locations', 'keys', 'coding/report', 'usage', 'export/keys']) {
    const words = await (await page.context().request.get(`/t/${school.slug}/${path}`)).text()
    for (const name of ['Thijs de Boer', 'Klas 5B', 'Sanne de Vries', 'Lindenhof Noord']) {
      expect(words.includes(name), `${name} on ${path}`).toBe(false)
    }
  }
  for (const path of [`groups/${place.other.id}`, `locations/${place.location.id}`]) {
    const answer = await page.context().request.get(`/t/${school.slug}/coding/${path}/keys/new`)
    if (path.startsWith('groups')) expect(answer.status()).toBe(404)
    else expect(await answer.text()).not.toContain('Thijs')
  }
  await page.getByRole('link', { name: 'Create keys for Klas 5A' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Create keys for Klas 5A')
  await page.getByLabel('Also for those who have a key that works').check()
  await page.getByText('$1', { exact: true }).click()
  // What it may cost, and nothing of the balance.
  await expect(page.getByTestId('sentence')).toHaveText('Creates 3 keys, at most $3.00.')
  const opened = context.waitForEvent('page')
  await page.getByRole('button', { name: 'Create 3 keys' }).dblclick()
  const slips = await opened
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('3 keys for Klas 5A')
  // The document opens by itself.
  await expect.poll(() => slips.evaluate(() => window.location.protocol).catch(() => '')).toBe('blob:')
  await expectNoViolations(page)
  const asked = await context.request.get(
    `/trpc/${school.slug}/keys.list?input=${encodeURIComponent(JSON.stringify({ group_id: place.group.id }))}`,
  )
  const { data } = (await asked.json()).result.data as { data: { name: string; budget: { limit_usd: string } }[] }
  expect(data.filter((one) => one.budget.limit_usd === '1.00')).toHaveLength(3)
  expect(await codeOf(world.gateway_url, place.secrets[0] ?? '')).toBe('answered')
})

test('a pupil sees their own key and none of the class', async ({ page, school, place, signIn }) => {
  const [pupil, other] = place.pupils as [SeededPerson, SeededPerson]
  await signIn(pupil)
  await expect(navigation(page)).toHaveText(['My keys', 'Connect tools'])
  const at = `/t/${school.slug}`
  for (const path of [
    `${at}/coding`,
    `${at}/coding/report`,
    `${at}/coding/${other.id}`,
    `${at}/coding/${pupil.id}/new`,
    `${at}/coding/groups/${place.group.id}/lesson`,
    `${at}/coding/groups/${place.group.id}/keys/new`,
    `${at}/coding/locations/${place.location.id}/keys/new`,
    `${at}/export/people`,
    `${at}/export/report`,
  ]) {
    const answer = await page.context().request.get(path)
    expect(answer.status(), path).toBe(403)
    expect(await answer.text(), path).not.toContain(other.name)
  }
  for (const [operation, input] of [
    ['keys.create', { member_id: pupil.id, ...TERMS }],
    ['keys.revokeMany', { member_ids: [other.id] }],
    ['lessons.pause', { group_id: place.group.id }],
  ] as const) {
    expect((await posted(page, `/trpc/${school.slug}/${operation}`, input)).status, operation).toBe(403)
  }
  await expect(page.getByRole('main')).toContainText('Lesson')
  await expect(page.getByRole('main')).not.toContainText(other.name)
})

test('keys are revoked from the list, and those of a whole location at once, with what runs now', async ({
  page,
  school,
  world,
  place,
  signIn,
}) => {
  const [first = '', second = '', , last = ''] = place.secrets
  await signIn(place.admin)
  await page.goto(`/t/${school.slug}/keys`)
  await hydrated(page)
  expect(await codeOf(world.gateway_url, second)).toBe('answered')
  await page
    .getByRole('row')
    .filter({ hasText: 'Jayden Visser' })
    .filter({ hasText: '$5.00' })
    .getByRole('checkbox')
    .check()
  await page.getByRole('button', { name: 'Revoke', exact: true }).click()
  const one = page.getByRole('dialog', { name: /^Revoke/ })
  await expect(one).toContainText('1 key of 1 person stops working at once')
  await expect(one).toContainText('1 key was used a moment ago')
  await expectNoViolations(page)
  await one.getByRole('button', { name: 'Revoke 1 key' }).click()
  await expect.poll(() => codeOf(world.gateway_url, second), { timeout: 3_000 }).toBe('401 key_revoked')
  expect(await codeOf(world.gateway_url, first)).toBe('answered')

  await page.goto(`/t/${school.slug}/coding`)
  await hydrated(page)
  await page.getByRole('button', { name: `More for ${place.location.name}` }).click()
  await page.getByRole('menuitem', { name: 'Revoke all keys' }).click()
  const all = page.getByRole('dialog', { name: `Revoke the keys of ${place.location.name}?` })
  await expect(all).toContainText(/\d keys of \d people/)
  await expect(all).toContainText('1 key was used a moment ago')
  await all.getByRole('button', { name: /^Revoke \d keys$/ }).click()
  for (const secret of [first, last]) {
    await expect.poll(() => codeOf(world.gateway_url, secret), { timeout: 3_000 }).toBe('401 key_revoked')
  }
  // The school's other places go on.
  expect(await codeOf(world.gateway_url, school.member_secret)).toBe('answered')
})
