import { readFile } from 'node:fs/promises'
import type { Locator, Page } from '@playwright/test'
import { groups, keys, members, newId, tenants } from '@stipend/core'
import { linkAccount } from '@stipend/core/testing'
import { close, connect } from '@stipend/db'
import { expect, expectNoViolations, hydrated } from './fixtures.ts'
import { codeOf, test } from './place.ts'
import { operatorOf } from './scenario.ts'

/** What a school does with keys from morning to evening, in a location of its own. */
test.use({ placeName: 'West', permissions: ['clipboard-read', 'clipboard-write'] })

async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let step = 0; step < 80; step++) {
    const isThere = (await target.count()) === 1
    if (isThere && (await target.evaluate((element) => element === document.activeElement))) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`the keyboard does not reach ${target}`)
}

/** Everything that moves has come to its place. */
const still = (page: Page) =>
  page.waitForFunction(
    () =>
      document
        .getAnimations()
        .every(
          (animation) => animation.playState !== 'running' || animation.effect?.getTiming().iterations === Infinity,
        ) &&
      [...document.querySelectorAll('[role=dialog]')].every((dialog) => getComputedStyle(dialog).opacity === '1'),
  )

test('the whole life of a key by the keyboard alone', async ({ page, school, world, place, signIn }) => {
  await signIn(place.admin)
  const pupil = place.pupils[2] ?? school.member
  await page.goto(`/t/${school.slug}/coding`)
  await hydrated(page)
  await page.keyboard.press('/')
  await expect(page.getByRole('textbox', { name: 'Search everything' })).toBeFocused()
  await page.keyboard.type('Fatima')
  await expect(page.getByRole('option', { name: /Fatima Benali/ }).first()).toBeVisible()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(new RegExp(`/coding/${pupil.id}`))
  const another = page.getByRole('dialog').getByRole('link', { name: /Another key|Create a key/ })
  await tabTo(page, another)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('radio', { name: '$5' })).toBeFocused()
  await page.keyboard.press('ArrowLeft')
  await tabTo(page, page.getByRole('button', { name: 'Create key' }))
  await page.keyboard.press('Enter')
  await tabTo(page, page.getByRole('button', { name: 'Copy', exact: true }))
  await page.keyboard.press('Enter')
  const secret = await page.evaluate(() => navigator.clipboard.readText())
  expect(await codeOf(world.gateway_url, secret)).toBe('answered')
  await tabTo(page, page.getByRole('button', { name: 'Done' }))
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog')).toHaveCount(0)

  await page.goto(`/t/${school.slug}/coding/${pupil.id}`)
  await hydrated(page)
  const newest = page.getByRole('dialog').locator('a[href*="/keys/"]').first()
  await tabTo(page, newest)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog')).toContainText('$2.00')
  await tabTo(page, page.getByRole('dialog').getByRole('button', { name: 'Revoke' }))
  await page.keyboard.press('Enter')
  const sure = page.getByRole('dialog', { name: /^Revoke/ })
  await tabTo(page, sure.getByRole('button', { name: /^Revoke/ }))
  await page.keyboard.press('Enter')
  await expect.poll(() => codeOf(world.gateway_url, secret), { timeout: 3_000 }).toBe('401 key_revoked')
})

test('500 keys for a class, document included', async ({ page, context, school, world, place, signIn }) => {
  test.setTimeout(120_000)
  const database = connect(world.database_url)
  const operate = operatorOf(database, school.tenant_id)
  const { id: group_id } = await operate(groups.create, { name: 'Everybody', location_id: place.location.id })
  for (let at = 0; at < 500; at += 10) {
    await Promise.all(
      Array.from({ length: 10 }, async (_, n) => {
        const { id } = await operate(members.create, {
          name: `Pupil ${String(at + n + 1).padStart(3, '0')}`,
          email: `${newId('member').slice(-12)}@many.example`,
          kind: 'student',
          location_id: place.location.id,
          group_ids: [group_id],
        })
        await linkAccount(database, school.tenant_id, id)
      }),
    )
  }
  await close(database)
  await signIn(place.admin)
  await page.goto(`/t/${school.slug}/coding/groups/${group_id}/keys/new`)
  await hydrated(page)
  await page.getByText('$1', { exact: true }).click()
  await expect(page.getByTestId('sentence')).toHaveText('Creates 500 keys, at most $500.00.')
  const opened = context.waitForEvent('page')
  const began = performance.now()
  await page.getByRole('button', { name: 'Create 500 keys' }).dblclick()
  const slips = await opened
  await slips.waitForURL(/^blob:/, { waitUntil: 'commit' })
  console.log(`      500 keys and their slips: ${((performance.now() - began) / 1000).toFixed(1)} s`)
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('500 keys for Everybody')
  const downloading = page.waitForEvent('download')
  await page.getByRole('button', { name: 'CSV' }).click()
  const csv = await readFile(await (await downloading).path(), 'utf8')
  const secrets = csv.match(/sk-stp-[0-9A-Za-z]{34}/g) ?? []
  expect(new Set(secrets).size).toBe(500)
  expect(await codeOf(world.gateway_url, secrets[499] ?? '')).toBe('answered')
})

test('a window across the end of daylight saving is the tenant’s, wherever the browser is', async ({
  page,
  school,
  world,
  place,
  signIn,
}) => {
  // In Amsterdam the night to 25 October 2026 had 25 hours; the next such night is that to 31 October 2027.
  await page.clock.setFixedTime('2027-10-29T08:00:00Z')
  const pupil = place.pupils[1] ?? school.member
  const database = connect(world.database_url)
  const operate = operatorOf(database, school.tenant_id)
  await signIn(place.admin)
  await page.goto(`/t/${school.slug}/coding/${pupil.id}/new`)
  await hydrated(page)
  const panel = page.getByRole('dialog')
  await panel.getByText('Choose…', { exact: true }).click()
  await expect(panel.getByText('Times are in Europe/Amsterdam.').first()).toBeVisible()
  for (const [label, day, hours, minutes] of [
    ['From', 30, '22', '00'],
    ['Until', 31, '08', '30'],
  ] as const) {
    await panel.getByLabel(label, { exact: true }).click()
    const picker = page.getByRole('dialog', { name: label, exact: true })
    await expect(picker.getByRole('button', { name: 'Next month' })).toBeVisible()
    const wanted = picker.getByRole('button', { name: new RegExp(`^${day} October 2027`) })
    for (let month = 0; month < 14 && (await wanted.count()) === 0; month++) {
      await picker.getByRole('button', { name: 'Next month' }).click()
    }
    await wanted.click()
    await picker.getByLabel('Hours').fill(hours)
    await picker.getByLabel('Minutes').fill(minutes)
    await picker.getByRole('button', { name: 'Take this time' }).click()
    await expect(picker).toHaveCount(0)
  }
  await panel.getByRole('button', { name: 'Create key' }).click()
  await expect(page.getByTestId('secret')).toBeVisible()
  const { data } = await operate(keys.list, { member_id: pupil.id, limit: 1 })
  await close(database)
  // 22:00 in summer time is 20:00 UTC; 08:30 in winter time is 07:30 UTC: eleven and a half hours that read as ten and a half.
  expect(data[0]).toMatchObject({ valid_from: '2027-10-30T20:00:00.000Z', valid_until: '2027-10-31T07:30:00.000Z' })
  await page.goto(`/t/${school.slug}/coding/${pupil.id}/keys/${data[0]?.id}`)
  await hydrated(page)
  await expect(page.getByRole('dialog')).toContainText('Tomorrow 22:00 – 31 Oct 08:30')
})

test('chats made with a key have their titles where the school keeps them', async ({
  page,
  school,
  world,
  place,
  signIn,
}) => {
  const database = connect(world.database_url)
  const operate = operatorOf(database, school.tenant_id)
  const pupil = place.pupils[3] ?? school.member
  const ask = (session: string, content: string) =>
    fetch(`${world.gateway_url}/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${place.secrets[3]}`,
        'content-type': 'application/json',
        'x-session-id': session,
      },
      body: JSON.stringify({ model: 'sandbox-small', max_tokens: 5, messages: [{ role: 'user', content }] }),
    })
  await signIn(school.owner)
  await page.goto(`/t/${school.slug}/settings`)
  await hydrated(page)
  const part = page.getByRole('region', { name: 'What is kept of chats' })
  await part.getByText('Titles', { exact: true }).click()
  await part.getByRole('button', { name: 'Save' }).click()
  await expect.poll(async () => (await operate(tenants.get, {})).content.kept).toBe('titles')
  // The gateway asks again after some seconds what is to be kept.
  const key = (await operate(keys.list, { member_id: pupil.id, limit: 1 })).data[0]
  await page.goto(`/t/${school.slug}/coding/${pupil.id}/keys/${key?.id}`)
  await hydrated(page)
  let chats = 0
  await expect
    .poll(
      async () => {
        await ask(`chat ${chats++}`, 'Why is the sky blue?')
        await page.reload()
        return page.getByRole('dialog').textContent()
      },
      { timeout: 20_000, intervals: [1_000] },
    )
    .toContain('Why is the sky blue?')
  await operate(tenants.update, { content: { kept: 'nothing', days: 30 } })
  await close(database)
  await page.reload()
  await expect(page.getByRole('dialog')).toContainText('Only counts and costs are kept of a chat')
  await expect(page.getByRole('dialog')).not.toContainText('sky')
})

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(`on a phone, ${colorScheme}`, () => {
    test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme })

    test('classes and their dialogs are accessible and fit', async ({ page, school, place, signIn }) => {
      await signIn(school.owner)
      const at = `/t/${school.slug}`
      const fits = async () => {
        await still(page)
        await expectNoViolations(page)
        const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth])
        expect(wide, page.url()).toBeLessThanOrEqual(screen ?? 0)
      }
      const open = async (path: string) => {
        await page.goto(`${at}${path}`)
        await hydrated(page)
      }
      for (const path of [
        `/coding/groups/${place.group.id}/keys/new`,
        `/coding/locations/${place.location.id}/keys/new`,
        `/coding/report?location=${place.location.id}`,
        '/settings',
        '/members',
        '/groups',
        '/locations',
        '/billing',
        '/providers',
      ]) {
        await test.step(path, async () => {
          await open(path)
          await fits()
        })
      }
      await open(`/coding?location=${place.location.id}`)
      await page.getByRole('button', { name: `More for ${place.location.name}` }).tap()
      await page.getByRole('menuitem', { name: 'Disable all keys' }).tap()
      await expect(page.getByRole('dialog', { name: /^Disable the keys/ })).toContainText('at once')
      await fits()
      await open(`/coding/groups/${place.other.id}/lesson`)
      await fits()
      await page.getByRole('button', { name: 'Pause all' }).tap()
      await expect(page.getByRole('dialog', { name: /^Pause/ })).toBeVisible()
      await fits()
      await page.keyboard.press('Escape')
      await expect(page.getByRole('dialog')).toHaveCount(0)
      await page.getByRole('button', { name: 'Ends at…' }).tap()
      await expect(page.getByRole('dialog', { name: /lesson end/ })).toBeVisible()
      await fits()
    })
  })
}
