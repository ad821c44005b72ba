import { expect, expectNoViolations, hydrated, test } from './fixtures.ts'

for (const scheme of ['light', 'dark'] as const) {
  test.describe(scheme, () => {
    test.use({ colorScheme: scheme })

    test('every page is accessible', async ({ page, school, signIn }) => {
      test.setTimeout(120_000)
      await page.goto('/login')
      await expectNoViolations(page)
      await signIn(school.owner)
      const someone = school.named('Aylin Öztürk').id
      const paths = [
        '',
        '/coding',
        '/coding?tab=staff',
        '/coding?view=names',
        '/coding?q=nobody-of-this-name',
        `/coding/${someone}`,
        `/coding/${someone}/new`,
        `/coding/${school.named('Finn Smit').id}/new`,
        '/keys',
        '/keys?status=revoked',
        '/coding/report',
        '/usage',
        '/usage?status=failed',
        '/api',
        '/api/new',
        '/my-keys',
        '/connect',
      ]
      for (const path of paths) {
        await test.step(path, async () => {
          await page.goto(`/t/${school.slug}${path}`)
          await hydrated(page)
          await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1)
          // A panel is as it will be once it has come in.
          await page.waitForFunction(() =>
            document.getAnimations().every((animation) => animation.playState !== 'running'),
          )
          await expectNoViolations(page)
        })
      }
    })
  })
}

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })

  test('the menu is a drawer and nothing is wider than the screen', async ({ page, school, signIn }) => {
    await signIn(school.owner)
    await page.getByRole('button', { name: 'Open the menu' }).tap()
    await page.getByRole('dialog').getByRole('link', { name: 'Coding' }).tap()
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Coding')
    await expect(page.getByRole('dialog')).toHaveCount(0)
    for (const path of [
      '',
      '/coding',
      '/keys',
      `/coding/${school.named('Aylin Öztürk').id}/new`,
      '/usage',
      '/api',
      '/connect',
      '/my-keys',
    ]) {
      await page.goto(`/t/${school.slug}${path}`)
      await hydrated(page)
      const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth])
      expect(wide, path).toBeLessThanOrEqual(screen ?? 0)
    }
    await page.goto(`/t/${school.slug}/coding`)
    await hydrated(page)
    await page.getByRole('link', { name: 'Create a key for Aylin Öztürk' }).tap()
    await expect(page.getByRole('button', { name: 'Create key' })).toBeInViewport()
  })
})

test('times are the tenant’s, and say so to a browser elsewhere', async ({ page, school, signIn }) => {
  await signIn(school.owner)
  await page.goto(`/t/${school.slug}/coding/${school.named('Aylin Öztürk').id}/new`)
  await hydrated(page)
  await expect(page.getByText('Times are in Europe/Amsterdam.')).toBeVisible()
  const panel = page.getByRole('dialog')
  await panel.getByText('Today', { exact: true }).click()
  const until = await panel.locator('[name=valid_until]').inputValue()
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Amsterdam', timeStyle: 'medium' })
  expect(clock.format(new Date(until))).toBe('00:00:00')

  await panel.getByText('Choose…', { exact: true }).click()
  await panel.getByLabel('Until').click()
  const picker = page.locator('[data-dates-dropdown]')
  await picker.getByRole('button', { name: 'Next month' }).click()
  await expectNoViolations(page)
  await picker.getByRole('button', { name: /^15 / }).click()
  await picker.getByLabel('Hours').fill('10')
  await picker.getByLabel('Minutes').fill('30')
  await page.getByRole('button', { name: 'Take this time' }).click()
  const chosen = new Date(await panel.locator('[name=valid_until]').inputValue())
  expect(clock.format(chosen)).toBe('10:30:00')
  await expect(panel.getByTestId('sentence')).toHaveText(/from now until 15 \w{3}( \d{4})? 10:30\. Not renewed\.$/)
})

test('filters are in the address and the browser’s way back undoes them', async ({ page, school, signIn }) => {
  await signIn(school.owner)
  await page.goto(`/t/${school.slug}/coding`)
  await hydrated(page)
  await page.getByRole('searchbox', { name: 'Name or e-mail' }).fill('nguy')
  await expect(page).toHaveURL(/q=nguy/)
  await expect(page.getByRole('row')).toHaveCount(2)
  await page.reload()
  await expect(page.getByRole('row')).toHaveCount(2)
  await page.getByRole('searchbox', { name: 'Name or e-mail' }).fill('xyz')
  await expect(page.getByText('Nothing matches')).toBeVisible()
  await page.getByRole('link', { name: 'Clear the filters' }).click()
  await expect(page.getByRole('button', { name: /^Klas 3A/ })).toBeVisible()
  await page.goBack()
  await expect(page.getByText('Nothing matches')).toBeVisible()
})

test('a service token is shown once and can be revoked', async ({ page, world, signIn }) => {
  await signIn(world.company.owner, world.company)
  await page.goto(`/t/${world.company.slug}/api/new`)
  await hydrated(page)
  await page.getByLabel('Name').fill('Timetable sync')
  await page.getByRole('button', { name: 'Create token' }).click()
  await expect(page.getByTestId('secret')).toHaveText(/^st-stp-/)
  await page.getByRole('button', { name: 'Done' }).click()
  await page
    .getByRole('dialog', { name: 'Leave without the token?' })
    .getByRole('button', { name: 'Leave without it' })
    .click()
  const row = page.getByRole('row').filter({ hasText: 'Timetable sync' })
  await expect(row).toContainText('Active')
  await row.getByRole('button', { name: 'Revoke Timetable sync' }).click()
  await page
    .getByRole('dialog', { name: 'Revoke Timetable sync?' })
    .getByRole('button', { name: 'Revoke token' })
    .click()
  await expect(row).toContainText('Revoked')
})

test('a company’s words are its own', async ({ page, world, signIn }) => {
  await signIn(world.company.owner, world.company)
  await expect(page.getByText('The first day')).toBeVisible()
  await page.goto(`/t/${world.company.slug}/coding`)
  await expect(page.getByRole('columnheader', { name: 'Team' })).toBeVisible()
  await expect(page.getByRole('tab')).toHaveCount(0)
  await expect(page.getByRole('table', { name: 'Employees' })).toContainText('Callum Fraser')
})
