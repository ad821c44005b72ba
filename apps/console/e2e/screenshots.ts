import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { chromium, type Page } from '@playwright/test'
import config from '../playwright.config.ts'
import { writeHistory } from './history.ts'
import { named, PASSWORD } from './scenario.ts'
import { startWorld, type World } from './world.ts'

const FOLDER = path.join(import.meta.dirname, '../../../docs/images')

/** `pnpm screenshots` in this folder: the pictures of the README, of a system that exists for nothing else. */
const { world, stop } = await startWorld((database, masterKey, school) =>
  writeHistory(database, masterKey, school, new Date()),
)
const browser = await chromium.launch(config.use?.launchOptions ?? {})
try {
  mkdirSync(FOLDER, { recursive: true })
  await shoot(world)
} finally {
  await browser.close()
  await stop()
}

async function shoot({ console_url, school }: World): Promise<void> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    timezoneId: 'Europe/Amsterdam',
    locale: 'en-GB',
    colorScheme: 'light',
  })
  const page = await context.newPage()
  await page.goto(`${console_url}/login`)
  await page.getByLabel('E-mail address').fill(school.owner.email)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  const base = `${console_url}/t/${school.slug}`
  await page.waitForURL(base)

  await settled(page)
  await keep(page, 'overview')
  await page.goto(`${base}/coding`)
  await settled(page)
  await keep(page, 'coding')
  await page.goto(`${base}/import`)
  await settled(page)
  const roster = `Voornaam;Achternaam;E-mail;Klas;School
Lieke;Smit;lieke.smit@lindenhof.example;Klas 3A;Lindenhof Noord
Amir;Haddad;amir.haddad@lindenhof.example;Klas 3A;Lindenhof Noord
Amir;Haddad;amir.haddad@lindenhof.example;Robotica;Lindenhof Noord
Fenna;de Boer;;Klas 3B;Lindenhof Zuid
`
  const file = { name: 'leerlingen.csv', mimeType: 'text/csv', buffer: Buffer.from(roster) }
  await page.locator('input[type=file]').setInputFiles(file)
  await page.getByRole('button', { name: 'Look at what would happen' }).click()
  await page.waitForURL(/import\/imp_/)
  await settled(page)
  await keep(page, 'import')
  await page.goto(`${base}/usage`)
  await settled(page)
  await keep(page, 'usage')
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.goto(base)
  await settled(page)
  await keep(page, 'overview-dark')
  await page.emulateMedia({ colorScheme: 'light' })

  await page.goto(`${base}/coding/${named(school.people, 'Daan Jansen').id}/new`)
  await settled(page)
  await page.getByRole('dialog').getByText('This lesson').click()
  await keep(page, 'create-key')
  await page.getByRole('button', { name: 'Create key' }).click()
  await page.getByTestId('secret').waitFor()
  // The key belongs to a database that is gone in a moment; the picture shows another that never was one.
  const secret = (await page.getByTestId('secret').textContent()) ?? ''
  await page.evaluate((real) => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      node.textContent = (node.textContent ?? '').replaceAll(real, 'sk-stp-THISxISxNOTxAxKEYxITxISxAxPICTURE')
    }
  }, secret)
  await keep(page, 'key-created')
  await context.close()
}

async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => document.documentElement.dataset.hydrated === 'true')
  await page.waitForLoadState('networkidle').catch(() => undefined)
  await page.waitForFunction(() => document.getAnimations().every((animation) => animation.playState !== 'running'))
}

async function keep(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 0)
  await page.screenshot({ path: path.join(FOLDER, `${name}.png`) })
}
