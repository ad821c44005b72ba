import type { Locator, Page } from '@playwright/test'
import { sendDueMails } from '@stipend/auth'
import { close, connect } from '@stipend/db'
import { expect, expectNoViolations, hydrated, test } from './fixtures.ts'
import type { World } from './world.ts'

const row = (page: Page, name: string): Locator => page.getByRole('row').filter({ hasText: name })
/** What a page that isn't there and one that isn't theirs both say. */
const NOT_THERE = 'There is nothing here'
// What a form is refused is told by the browser as well.
test.use({ expectedErrors: [/status of 4(?:00|03|04|09)/] })

const panel = (page: Page): Locator => page.getByRole('dialog')

async function open(page: Page, path: string): Promise<void> {
  await page.goto(path)
  await hydrated(page)
}

/** Does what the worker does: "sends" what is due, which here is kept. */
async function deliver(world: World): Promise<void> {
  const database = connect(world.database_url, { applicationName: 'stipend e2e' })
  try {
    await sendDueMails(database, { console_url: world.console_url, transport: 'keep', now: new Date() })
  } finally {
    await close(database)
  }
}

/** The newest link to an address, as somebody would click it in their mail. */
async function linkTo(page: Page, world: World, email: string): Promise<string> {
  await deliver(world)
  await open(page, '/mails')
  const mail = page
    .getByRole('article')
    .filter({ hasText: `To ${email}` })
    .first()
  return (await mail.getByRole('link').getAttribute('href')) ?? ''
}

test('somebody is added, invited, and comes in with the link, once', async ({
  page,
  browser,
  school,
  world,
  signIn,
}) => {
  await signIn(school.owner)
  await open(page, `/t/${school.slug}/members`)
  await page.getByRole('link', { name: 'Add a person' }).click()
  const form = panel(page)
  await form.getByLabel('Name', { exact: true }).fill('Lotte Bos')
  await form.getByLabel('E-mail address').fill('marijke.van.dijk@nowhere')
  await form.getByRole('button', { name: 'Add a person' }).click()
  await expect(form.getByText('Give an e-mail address')).toBeVisible()
  await form.getByLabel('E-mail address').fill('Lotte.Bos@Mail.example')
  await form.getByRole('textbox', { name: 'Location' }).click()
  await page.getByRole('option', { name: 'Lindenhof Noord' }).click()
  await form.getByRole('button', { name: 'Add a person' }).click()
  await expect(panel(page).getByText('lotte.bos@mail.example')).toBeVisible()
  await expect(panel(page).getByText('Invited', { exact: true }).first()).toBeVisible()

  const link = await linkTo(page, world, 'lotte.bos@mail.example')
  expect(link).toContain('/invitation?token=')
  const hers = await browser.newContext({ baseURL: world.console_url, viewport: { width: 390, height: 844 } })
  const phone = await hers.newPage()
  await open(phone, link)
  await expect(phone.getByRole('heading', { name: 'Welcome to Lindenhof Schools' })).toBeVisible()
  await expect(phone.getByText('Marijke van Dijk invited you')).toBeVisible()
  await expectNoViolations(phone)
  await phone.getByLabel('New password').fill('een lang wachtwoord')
  await phone.getByRole('button', { name: 'Create your account' }).click()
  await phone.waitForURL(new RegExp(`/t/${school.slug}`))
  await hers.clearCookies()
  await open(phone, link)
  await expect(phone.getByRole('heading', { name: 'This link has ended' })).toBeVisible()
  await hers.close()

  await open(page, `/t/${school.slug}/members?q=lotte`)
  await expect(row(page, 'Lotte Bos')).toContainText('Active')
})

test.describe('a forgotten password', () => {
  test('is chosen anew from a link', async ({ page, school, world }) => {
    const person = school.named('Emma Willems')
    await open(page, '/login')
    await page.getByRole('link', { name: 'Forgotten your password?' }).click()
    await page.getByLabel('E-mail address').fill(person.email)
    await page.getByRole('button', { name: 'Send me a link' }).click()
    await expect(page.getByRole('status')).toContainText('a mail with a link is on its way')
    await page.goto(await linkTo(page, world, person.email))
    await hydrated(page)
    await page.getByLabel('New password').fill('een heel nieuw wachtwoord')
    await page.getByRole('button', { name: 'Save the new password' }).click()
    await page.waitForURL(new RegExp(`/t/${school.slug}`))
  })
})

test('a domain lets people in who confirm their address, and nobody else', async ({
  page,
  school,
  world,
  signIn,
  context,
}) => {
  await signIn(school.owner)
  await open(page, `/t/${school.slug}/settings`)
  const part = page.getByRole('region', { name: 'Who may join by themselves' })
  await part.getByLabel('Mail domain').fill('gmail.com')
  await part.getByRole('button', { name: 'Add the domain' }).click()
  await expect(part.getByText('Anybody can have an address')).toBeVisible()
  await part.getByLabel('Mail domain').fill('leerling.example')
  await part.getByRole('button', { name: 'Add the domain' }).click()
  await expect(part.getByRole('cell', { name: 'leerling.example', exact: true })).toBeVisible()
  await expectNoViolations(page)

  await context.clearCookies()
  for (const email of ['nina@leerling.example', 'nina@elders.example']) {
    await open(page, '/sign-up')
    await page.getByLabel('E-mail address').fill(email)
    await page.getByRole('button', { name: 'Send me a link' }).click()
    await expect(page.getByRole('status')).toContainText('a mail with a link is on its way')
  }
  const link = await linkTo(page, world, 'nina@leerling.example')
  await expect(page.getByText('nina@elders.example')).toHaveCount(0)
  await open(page, link)
  await page.getByLabel('Your name').fill('Nina Kok')
  await page.getByLabel('New password').fill('nog een lang wachtwoord')
  await page.getByRole('button', { name: 'Create your account' }).click()
  await page.waitForURL(new RegExp(`/t/${school.slug}`))
})

test('an import is looked at, corrected and done; the same file again changes nothing', async ({
  page,
  school,
  signIn,
}) => {
  await signIn(school.owner)
  const file = {
    name: 'brugklas.csv',
    mimeType: 'text/csv',
    buffer: Buffer.concat([
      Buffer.from('Voornaam;Achternaam;Login;Klas;School\r\nRo'),
      // Windows-1252
      Buffer.from([0xeb, 0x6c]),
      Buffer.from(
        ';Smit;rsmit;1A;Lindenhof Noord\r\nTess;Vos;tvos;1A;Lindenhof Noord\r\nTess;Vos;TVOS;Schaken;Lindenhof Noord\r\n;;leeg;1A;Lindenhof Noord\r\n',
      ),
    ]),
  }
  const upload = async () => {
    await open(page, `/t/${school.slug}/import`)
    await page.locator('input[type=file]').setInputFiles(file)
    await page.getByRole('button', { name: 'Look at what would happen' }).click()
    await page.waitForURL(/\/import\/imp_/)
    await hydrated(page)
  }
  await upload()
  await expect(page.getByText('4 rows, WINDOWS-1252, cut at semicolons')).toBeVisible()
  // User names need a domain: said at each row, and mended in one place.
  await expect(page.getByText('If it is a user name, give the mail domain above').first()).toBeVisible()
  await page.getByLabel('Mail domain, for user names').fill('brugklas.example')
  await page.getByLabel('Mail domain, for user names').blur()
  await expect(page.getByTestId('sentence')).toHaveText(
    'Adds 2 people and makes 2 new groups. 1 row can’t be used: look at them below.',
  )
  await expect(row(page, 'Roël Smit')).toContainText('Added')
  await expectNoViolations(page)
  await page.getByRole('link', { name: 'Left out 1' }).click()
  await expect(page.getByRole('row').filter({ hasText: 'There is no name.' })).toHaveCount(1)
  await page.getByRole('button', { name: 'Import 2 people' }).click()
  await expect(page.getByRole('heading', { name: 'Imported' })).toBeVisible()
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download the rows left out' }).click(),
  ])
  expect(download.suggestedFilename()).toBe('rows-left-out.csv')

  await upload()
  await page.getByLabel('Mail domain, for user names').fill('brugklas.example')
  await page.getByLabel('Mail domain, for user names').blur()
  await expect(page.getByTestId('sentence')).toContainText('Changes nothing: everybody in the file is here already.')
  await expect(page.getByRole('button', { name: 'Nothing to import' })).toBeDisabled()

  await open(page, `/t/${school.slug}/members?q=brugklas`)
  await expect(row(page, 'Tess Vos')).toContainText('1A, Schaken')
})

test('removing says first what happens to keys, and then does it', async ({ page, school, signIn }) => {
  await signIn(school.owner)
  const person = school.named('Sanne de Vries')
  await open(page, `/t/${school.slug}/members/${person.id}`)
  await expectNoViolations(page)
  await panel(page).getByRole('button', { name: 'Deactivate' }).click()
  const asks = page.getByRole('dialog', { name: 'Deactivate Sanne de Vries?' })
  await expect(asks.getByTestId('consequences')).toContainText('1 key is refused at once, and kept.')
  await asks.getByRole('button', { name: 'Deactivate 1 person' }).click()
  await expect(page.getByText('1 person deactivated.')).toBeVisible()
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(page.getByText('1 person reactivated.')).toBeVisible()

  const gone = school.named('Bram Peters')
  await open(page, `/t/${school.slug}/members/${gone.id}`)
  await panel(page).getByRole('button', { name: 'Remove' }).click()
  const removing = page.getByRole('dialog', { name: 'Remove Bram Peters?' })
  await expect(removing.getByTestId('consequences')).toContainText('This can’t be undone.')
  await removing.getByText('Under no name').click()
  await expect(removing.getByTestId('consequences')).toContainText('stays in the books under no name')
  await removing.getByRole('button', { name: 'Remove 1 person' }).click()
  await page.waitForURL(/\/members(\?.*)?$/)
  await expect(row(page, 'Bram Peters')).toHaveCount(0)
})

test('groups and locations are made, led and filled with the keyboard alone', async ({ page, school, signIn }) => {
  await signIn(school.owner)
  await open(page, `/t/${school.slug}/groups`)
  await page.getByRole('link', { name: 'Add a group' }).focus()
  await page.keyboard.press('Enter')
  await expect(panel(page).getByLabel('Name')).toBeFocused()
  await page.keyboard.type('Robotica')
  await page.keyboard.press('Tab')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect(panel(page).getByText('0 people')).toBeVisible()
  await expectNoViolations(page)
  await panel(page).getByRole('button', { name: 'Edit' }).focus()
  await page.keyboard.press('Enter')
  await panel(page).getByLabel('Led by').focus()
  await page.keyboard.type('jeroen')
  await expect(page.getByRole('option', { name: 'Jeroen Hendriks' })).toBeVisible()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await panel(page).getByRole('button', { name: 'Save who leads' }).focus()
  await page.keyboard.press('Enter')
  await expect(panel(page).getByRole('region', { name: 'Led by' })).toHaveText(/Jeroen Hendriks/)
  await page.keyboard.press('Escape')
  await expect(row(page, 'Robotica')).toContainText('Jeroen Hendriks')

  await open(page, `/t/${school.slug}/locations`)
  await page.getByRole('button', { name: 'Add a location' }).click()
  await panel(page).getByLabel('Name').fill('Lindenhof Oost')
  await page.keyboard.press('Enter')
  await expect(row(page, 'Lindenhof Oost')).toContainText('0')
  await page.getByRole('button', { name: 'Actions for Lindenhof Noord' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await panel(page).getByRole('button', { name: 'Delete' }).click()
  await expect(panel(page).getByRole('alert')).toContainText('here still. Move or remove them first.')
  await expectNoViolations(page)
})

test.describe('what each may not see', () => {
  test('an administrator of one location sees and reaches that one only', async ({ page, school, signIn }) => {
    await signIn(school.admin)
    await open(page, `/t/${school.slug}/members`)
    await expect(row(page, 'Daan Jansen')).toBeVisible()
    await expect(row(page, 'Emma Willems')).toHaveCount(0)
    const nav = page.getByRole('navigation', { name: 'Main' })
    await expect(nav.getByRole('link', { name: 'Locations' })).toBeVisible()
    await expect(nav.getByRole('link', { name: 'Settings' })).toHaveCount(0)

    // Another's address and a made-up one get the same page.
    const [theirs, made_up] = [school.named('Emma Willems').id, 'mem_01jd4k0v8m3q6y1x2z5w7t9rbc']
    for (const id of [theirs, made_up]) {
      await page.goto(`/t/${school.slug}/members/${id}`)
      await expect(page.getByRole('heading', { name: NOT_THERE })).toBeVisible()
    }
    // Nor does a request made by hand reach them.
    const asked = async (id: string) => {
      const answer = await page.evaluate(
        async ([slug, member]) => {
          const response = await fetch(`/trpc/${slug}/members.deactivate`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ member_ids: [member] }),
          })
          return { status: response.status, body: await response.text() }
        },
        [school.slug, id] as const,
      )
      return { ...answer, body: answer.body.replaceAll(/req_\w+/g, '') }
    }
    const missing = await asked(made_up)
    expect(missing.status).toBe(404)
    expect(await asked(theirs)).toEqual(missing)
    // The owner can't be changed by them either.
    await open(page, `/t/${school.slug}/members/${school.admin.id}`)
    await expect(panel(page).getByText('Only an owner can change or remove')).toBeVisible()
  })

  test('an auditor reads people and changes none', async ({ page, school, signIn }) => {
    await signIn(school.owner)
    const auditor = school.named('Yusuf Demir')
    await open(page, `/t/${school.slug}/members/${auditor.id}`)
    await panel(page).getByRole('button', { name: 'Edit' }).click()
    await panel(page).getByRole('textbox', { name: 'Role' }).click()
    await page.getByRole('option', { name: 'Auditor' }).click()
    await panel(page).getByRole('button', { name: 'Save' }).click()
    await expect(page.getByText('Yusuf Demir is saved.')).toBeVisible()
    await page.context().clearCookies()
    await signIn(auditor)
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'People' }).click()
    await expect(row(page, 'Marijke van Dijk')).toBeVisible()
    await expect(page.getByRole('link', { name: 'Add a person' })).toHaveCount(0)
    await expect(page.getByRole('checkbox', { name: 'Select all on this page' })).toHaveCount(0)
    await open(page, `/t/${school.slug}/members/${school.owner.id}`)
    await expect(panel(page).getByRole('button', { name: /Edit|Remove|Deactivate/ })).toHaveCount(0)
  })

  test('a teacher sees their class on Coding, and none of the pages of people', async ({ page, school, signIn }) => {
    if (school.teacher === undefined) throw new Error('the school has no teacher')
    await signIn(school.teacher)
    await open(page, `/t/${school.slug}/coding`)
    await expect(page.getByText('Daan Jansen').first()).toBeVisible()
    await expect(page.getByText('Emma Willems')).toHaveCount(0)
    const nav = page.getByRole('navigation', { name: 'Main' })
    for (const name of ['People', 'Locations', 'Groups', 'Settings', 'API']) {
      await expect(nav.getByRole('link', { name, exact: true })).toHaveCount(0)
    }
    await page.goto(`/t/${school.slug}/members/${school.named('Emma Willems').id}`)
    await expect(page.getByRole('heading', { name: NOT_THERE })).toBeVisible()
  })

  test('a student sees nobody', async ({ page, school, signIn }) => {
    await signIn(school.named('Noor Bakker'))
    for (const path of ['members', 'groups', 'locations', 'import', 'settings', `members/${school.owner.id}`]) {
      await page.goto(`/t/${school.slug}/${path}`)
      await expect(page.getByRole('heading', { name: 'This page is not for you' })).toBeVisible()
      await expect(page.getByText('Marijke van Dijk')).toHaveCount(0)
    }
  })
})

test('on a phone, and in the dark', async ({ page, school, signIn }) => {
  await signIn(school.owner)
  await page.setViewportSize({ width: 390, height: 844 })
  for (const path of ['members', 'groups', 'locations', 'settings', 'import']) {
    await open(page, `/t/${school.slug}/${path}`)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
    await expectNoViolations(page)
  }
  await page.emulateMedia({ colorScheme: 'dark' })
  for (const path of ['members', 'settings']) {
    await open(page, `/t/${school.slug}/${path}`)
    await expectNoViolations(page)
  }
})

test('a company’s words are its own', async ({ page, world, signIn }) => {
  await signIn(world.company.owner, world.company)
  await open(page, `/t/${world.company.slug}/members`)
  await expect(page.getByRole('heading', { level: 1, name: 'Employees' })).toBeVisible()
  const nav = page.getByRole('navigation', { name: 'Main' })
  for (const name of ['Employees', 'Offices', 'Teams']) await expect(nav.getByRole('link', { name })).toBeVisible()
})
