import { AxeBuilder } from '@axe-core/playwright'
import { test as base, expect, type Page } from '@playwright/test'
import { named, PASSWORD, type Seeded, type SeededPerson } from './scenario.ts'
import type { World } from './world.ts'

type Fixtures = {
  world: World
  school: Seeded & { named: (name: string) => SeededPerson }
  signIn: (person: SeededPerson, tenant?: Seeded) => Promise<void>
  /** Words of console errors a test expects; any other fails it. */
  expectedErrors: RegExp[]
  quiet: undefined
}

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of what a fixture needs from its parameter
  world: async ({}, use) => {
    await use(JSON.parse(process.env.E2E_WORLD ?? '{}') as World)
  },
  school: async ({ world }, use) => {
    await use({ ...world.school, named: (name) => named(world.school.people, name) })
  },
  baseURL: async ({ world }, use) => {
    await use(world.console_url)
  },
  signIn: async ({ page, world }, use) => {
    await use(async (person, tenant = world.school) => {
      await page.goto('/login')
      await page.getByLabel('E-mail address').fill(person.email)
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.waitForURL(new RegExp(`/t/${tenant.slug}`))
      await hydrated(page)
    })
  },
  expectedErrors: [[], { option: true }],
  // Errors in the browser's console (hydration's among them) and requests that leave the machine fail every test.
  quiet: [
    async ({ page, context, expectedErrors }, use) => {
      const heard: string[] = []
      const left: string[] = []
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') heard.push(message.text())
      })
      page.on('pageerror', (error) => heard.push(String(error)))
      context.on('request', (request) => {
        const { protocol, hostname } = new URL(request.url())
        if (protocol.startsWith('http') && hostname !== '127.0.0.1') left.push(request.url())
      })
      await use(undefined)
      expect(heard.filter((words) => !expectedErrors.some((expected) => expected.test(words)))).toEqual([])
      expect(left).toEqual([])
    },
    { auto: true },
  ],
})

export { expect }

/** Waits until the page's scripts have taken over. */
export async function hydrated(page: Page): Promise<void> {
  await page.waitForFunction(() => document.documentElement.dataset.hydrated === 'true')
}

export async function expectNoViolations(page: Page): Promise<void> {
  // A tooltip that happens to open under the pointer belongs to no region of the page.
  await page.mouse.move(0, 0)
  await expect(page.getByRole('tooltip')).toHaveCount(0)
  const { violations } = await new AxeBuilder({ page }).analyze()
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`)
  expect(found).toEqual([])
}
