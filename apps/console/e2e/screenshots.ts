import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type Browser, chromium, type Page } from '@playwright/test'
import { z } from 'zod'
import { paths } from '../app/paths.ts'
import config from '../playwright.config.ts'

const ROOT = path.join(import.meta.dirname, '../../..')
const FOLDER = path.join(ROOT, 'docs/images')
const DEMO_FILE = path.join(ROOT, process.env.STIPEND_DATA_DIR ?? '.stipend', 'demo.json')

const DESKTOP = { width: 1280, height: 800 }
const PHONE = { width: 390, height: 844 }

const Person = z.object({ id: z.string(), email: z.string(), password: z.string().optional() })
const Tenant = z.object({
  slug: z.string(),
  owner: Person.omit({ id: true }),
  members: z.array(Person),
  lesson: z.object({ group_id: z.string() }).optional(),
})
const Demo = z.object({ console_url: z.url(), tenants: z.tuple([Tenant]).rest(Tenant) })
type Demo = z.infer<typeof Demo>

type Shot = {
  name: string
  /** Where to, in the school. */
  path: string
  /** What to do there before the picture is taken. */
  act?: (page: Page) => Promise<void>
  look?: { viewport?: typeof DESKTOP; colorScheme?: 'dark' }
}

/**
 * Beside an `npm start -- --fresh` that has just come up: takes the pictures of the documents, or those named. Node of the project
 * runs it.
 */
const demo = Demo.parse(JSON.parse(readFileSync(DEMO_FILE, 'utf8')))
const wanted = process.argv.slice(2)
const browser = await chromium.launch(config.use?.launchOptions ?? {})
try {
  mkdirSync(FOLDER, { recursive: true })
  const [school] = demo.tenants
  const teacher = known(school.members, 'pieter.bosman')
  const student = known(school.members, 'lars.hoekstra')
  await shoot(browser, demo, school.owner, ownerShots(demo))
  await shoot(browser, demo, teacher, teacherShots(demo))
  await shoot(browser, demo, student, studentShots(demo))
} finally {
  await browser.close()
}

function ownerShots({ tenants: [school] }: Demo): Shot[] {
  const { slug } = school
  const pupil = known(school.members, 'daan.jansen').id
  const dark = { colorScheme: 'dark' } as const
  const phone = { viewport: PHONE }
  return [
    { name: 'overview', path: paths.overview(slug) },
    { name: 'overview-dark', path: paths.overview(slug), look: dark },
    { name: 'coding', path: paths.coding(slug) },
    { name: 'coding-dark', path: paths.coding(slug), look: dark },
    { name: 'person', path: paths.person(slug, pupil) },
    { name: 'create-key', path: paths.newKey(slug, pupil), act: chooseLesson },
    { name: 'key-created', path: paths.newKey(slug, pupil), act: createKey },
    { name: 'class-keys', path: paths.coding(slug), act: openClassKeys },
    { name: 'report', path: paths.report(slug) },
    { name: 'keys', path: paths.keys(slug) },
    { name: 'usage', path: paths.usage(slug) },
    { name: 'request', path: paths.usage(slug), act: openFirstRow },
    { name: 'providers', path: paths.providers(slug) },
    { name: 'rules', path: paths.rules(slug) },
    { name: 'new-provider', path: paths.newProvider(slug, 'openai') },
    { name: 'people', path: paths.members(slug) },
    { name: 'import', path: paths.newImport(slug), act: previewRoster },
    { name: 'locations', path: paths.locations(slug) },
    { name: 'groups', path: paths.groups(slug) },
    { name: 'billing', path: paths.billing(slug) },
    { name: 'settings', path: paths.settings(slug) },
    { name: 'api', path: paths.tokens(slug) },
    { name: 'connect', path: paths.connect(slug) },
    // Phones are for looking something up, and for the lesson.
    { name: 'overview-phone', path: paths.overview(slug), look: phone },
    { name: 'coding-phone', path: paths.coding(slug), look: phone },
  ]
}

function teacherShots({ tenants: [school] }: Demo): Shot[] {
  const { slug } = school
  const group = school.lesson?.group_id ?? ''
  return [
    { name: 'lesson', path: paths.lesson(slug, group) },
    {
      name: 'lesson-costs',
      path: paths.lesson(slug, group),
      act: (page) => page.getByRole('switch', { name: 'Show costs' }).click(),
    },
    { name: 'lesson-phone', path: paths.lesson(slug, group), look: { viewport: PHONE } },
    { name: 'slips', path: paths.coding(slug), act: createClassKeys },
  ]
}

function studentShots({ tenants: [school] }: Demo): Shot[] {
  const { slug } = school
  return [
    { name: 'my-keys', path: paths.myKeys(slug) },
    { name: 'my-keys-phone', path: paths.myKeys(slug), look: { viewport: PHONE } },
  ]
}

async function shoot(
  browser: Browser,
  { console_url, tenants: [school] }: Demo,
  person: { email: string; password?: string | undefined },
  shots: readonly Shot[],
): Promise<void> {
  const chosen = shots.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
  if (chosen.length === 0) return
  const context = await browser.newContext({
    viewport: DESKTOP,
    timezoneId: 'Europe/Amsterdam',
    locale: 'en-GB',
    colorScheme: 'light',
  })
  const page = await context.newPage()
  await page.goto(`${console_url}${paths.login()}`)
  await page.getByLabel('E-mail address').fill(person.email)
  await page.getByLabel('Password', { exact: true }).fill(person.password ?? '')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(new RegExp(`/t/${school.slug}`))
  for (const { name, path: to, act, look } of chosen) {
    await page.setViewportSize(look?.viewport ?? DESKTOP)
    await page.emulateMedia({ colorScheme: look?.colorScheme ?? 'light' })
    await page.goto(`${console_url}${to}`)
    await settled(page)
    await act?.(page)
    await settled(page)
    await hideSecrets(page)
    await page.mouse.move(0, 0)
    await page.screenshot({ path: path.join(FOLDER, `${name}.png`) })
    console.log(name)
  }
  await context.close()
}

function known(people: Demo['tenants'][0]['members'], begins: string) {
  const person = people.find(({ email }) => email.startsWith(`${begins}@`))
  if (person === undefined) throw new Error(`${begins} is not in the demo`)
  return person
}

async function settled(page: Page): Promise<void> {
  await page.waitForFunction(() => document.documentElement.dataset.hydrated === 'true')
  await page.waitForLoadState('networkidle').catch(() => undefined)
  await page.waitForFunction(() => {
    const finite = document.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations !== Infinity)
    return finite.every((animation) => animation.playState !== 'running')
  })
}

/** The pictures show a key that never was one. */
async function hideSecrets(page: Page): Promise<void> {
  await page.evaluate(() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      node.textContent = (node.textContent ?? '').replace(
        /sk-stp-[0-9A-Za-z]{20,}/g,
        'sk-stp-THISxISxNOTxAxKEYxITxISxAxPICTURE',
      )
    }
  })
}

// --- what is done on a page before its picture is taken ---------------------------------------------------------------

async function chooseLesson(page: Page): Promise<void> {
  await page.getByRole('dialog').getByText('This lesson').click()
}

async function createKey(page: Page): Promise<void> {
  await chooseLesson(page)
  await page.getByRole('button', { name: 'Create key' }).click()
  await page.getByTestId('secret').waitFor()
}

/** Of the last class: everybody in the first has a key already. */
async function openClassKeys(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Create keys' }).last().click()
  await page.getByRole('heading', { level: 1, name: /^Create keys/ }).waitFor()
}

async function createClassKeys(page: Page): Promise<void> {
  await openClassKeys(page)
  await page.getByRole('button', { name: /^Create \d+ keys?$/ }).click()
  await page.getByRole('heading', { level: 1, name: /keys? for/ }).waitFor()
}

async function openFirstRow(page: Page): Promise<void> {
  await page.getByRole('table').last().locator('tbody tr').first().click()
  await page.getByRole('dialog').waitFor()
}

async function previewRoster(page: Page): Promise<void> {
  const roster = `Voornaam;Achternaam;E-mail;Klas;School
Lieke;Smit;lieke.smit@leerling.lindenhof.example;Klas 3A;Lindenhof College Noord
Amir;Haddad;amir.haddad@leerling.lindenhof.example;Klas 3A;Lindenhof College Noord
Amir;Haddad;amir.haddad@leerling.lindenhof.example;Robotica;Lindenhof College Noord
Fenna;de Boer;;Klas 3B;Lindenhof College Noord
`
  const file = { name: 'leerlingen.csv', mimeType: 'text/csv', buffer: Buffer.from(roster) }
  await page.locator('input[type=file]').setInputFiles(file)
  await page.getByRole('button', { name: 'Look at what would happen' }).click()
  await page.waitForURL(/import\/imp_/)
}
