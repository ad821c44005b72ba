import path from 'node:path'
import { ERROR_CODES } from '@stipend/core'
import { describe, expect, it } from 'vitest'
import { errorsDoc, type Project, untrueIn, variablesIn, variablesOf } from './docs.ts'
import { isCode, isTest, packages, projectFiles, read, sources } from './tree.ts'

const files = projectFiles()
const documents = sources((file) => file.endsWith('.md'))
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = '']) => found)

const project: Project = {
  files,
  code: sources((file) => isCode(file) || /\.(?:sql|json|mjs)$|^\.env\.example$/.test(file))
    .filter((one) => !one.path.startsWith('tooling/checks/'))
    .map((one) => one.text)
    .join('\n'),
  rootScripts: Object.keys(JSON.parse(read('package.json')).scripts),
  packageScripts: Object.fromEntries(
    packages().map(({ manifest }) => [manifest.name, Object.keys(manifest.scripts ?? {})]),
  ),
  tools: new Set(packages().flatMap(({ manifest }) => Object.keys(manifest.devDependencies ?? {}))),
  words: [
    ...all(read('tooling/cli/src/main.ts'), /^ {6}(\w+): \{ type: /gm).map((flag) => `--${flag}`),
    ...all(read('tooling/cli/src/test.ts'), /\bname: '([\w-]+)'/g),
  ],
  providers: Object.fromEntries(
    [...read('tooling/cli/src/providers/command.ts').matchAll(/^ {2}(\w+): \[([^\]]*)\],$/gm)].map(
      ([, command, options = '']) => [command, all(options, /'([\w-]+)'/g).map((option) => `--${option}`)],
    ),
  ),
}

describe('documents', () => {
  it('are there', () => {
    expect(files).toContain('README.md')
    expect(read('README.md')).toContain('npm start')
    expect(project.words).toEqual(expect.arrayContaining(['--fresh', 'types']))
    expect(project.providers).toMatchObject({ delete: ['--yes'], list: [] })
  })

  it('name what is there', () => {
    expect(documents.length).toBeGreaterThan(5)
    expect(documents.flatMap((one) => untrueIn(one, project))).toEqual([])
  })

  it('show every picture there is, and none that is not', () => {
    const shown = documents.flatMap(({ path: file, text }) =>
      all(text, /!\[[^\]]+\]\(([^)]+)\)/g).map((to) => path.posix.join(path.posix.dirname(file), to)),
    )
    const there = files.filter((file) => file.startsWith('docs/images/'))
    expect(there.length).toBeGreaterThan(20)
    expect([...new Set(shown)].sort()).toEqual(there.sort())
  })

  it('say of errors what the code says', () => {
    const written = read('docs/errors.md')
    expect(all(written, /^## (.+)$/gm)).toEqual([...ERROR_CODES])
    expect(written, 'run: node tooling/checks/src/write-errors-doc.ts').toBe(errorsDoc())
  })

  it('number decisions without gaps, each with its context and consequences', () => {
    const decisions = documents.filter((one) => one.path.startsWith('docs/decisions/'))
    expect(decisions.length).toBeGreaterThan(0)
    decisions.forEach(({ path, text }, n) => {
      expect(path).toMatch(new RegExp(`/${String(n + 1).padStart(4, '0')}-[a-z0-9-]+\\.md$`))
      expect(text.split('\n')[0]).toMatch(new RegExp(`^# ${n + 1}\\. \\S`))
      const sections = text.split(/^## /m).slice(1)
      const titles = sections.map((section) => section.split('\n')[0])
      expect(titles, path).toEqual(['Context', 'Decision', 'Consequences'])
      for (const section of sections) expect(section.split('\n').slice(1).join('').trim(), path).not.toBe('')
    })
  })

  it('stay short where everybody has to read them', () => {
    for (const { path: file, text } of documents) {
      if (file === 'ARCHITECTURE.md') expect(text.split('\n').length).toBeLessThanOrEqual(200)
    }
  })
})

describe('.env.example', () => {
  const schemas = sources((file) => isCode(file) && !isTest(file) && /(?:^|\/)env(?:\.server)?\.ts$/.test(file))
  const read_ = schemas.flatMap(variablesOf)
  const named = variablesIn(read('.env.example'))

  it('names the variables that programs read, each once', () => {
    expect(schemas.length).toBeGreaterThan(3)
    const names = named.map((one) => one.name)
    expect([...names].sort()).toEqual([...new Set(read_.map((one) => one.name))].sort())
  })

  it('gives their defaults', () => {
    for (const one of named) {
      if (one.default === null) continue
      expect(
        read_.filter((other) => other.name === one.name).map((other) => other.default),
        one.name,
      ).toContain(one.default)
    }
  })
})

describe('what is found', () => {
  const small: Project = {
    files: ['README.md', 'packages/db/src/scope.ts', 'packages/db/migrations/0001_tables.sql', 'tooling/run.mjs'],
    code: 'export function withTenant() {} const DATABASE_URL = 1; "demo.json"',
    rootScripts: ['start', 'test', 'providers'],
    packageScripts: { '@stipend/db': ['dump'] },
    tools: new Set(['drizzle-kit']),
    words: ['--fresh', 'types'],
    providers: { list: [], set: ['--markup'] },
  }
  const problems = (text: string) => untrueIn({ path: 'docs/a.md', text }, small)

  it.each([
    '`packages/db/src/gone.ts`',
    '`packages/gone/`',
    '`packages/*/gone/*.ts`',
    '`gone.ts`',
    '`npm run gone`',
    '`npm start -- --gone`',
    '`npm test -- gone`',
    '`npm run providers -- gone`',
    '`npm run providers -- set openai --gone 5`',
    '`pnpm --filter @stipend/db gone`',
    '`pnpm --filter @stipend/gone dump`',
    '`pnpm gone`',
    '`node tooling/gone.mjs`',
    '`GONE_URL`',
    '`withGone`',
    '`app.gone_tenant()`',
    '[here](../gone.md)',
    '[here](#gone)',
    '```sh\nnpm install && npm run gone\n```',
  ])('%s', (text) => {
    expect(problems(`# A\n\n${text}\n`).length).toBeGreaterThan(0)
  })

  it.each([
    '`packages/db/src/scope.ts` and `packages/db`',
    '`packages/*/src/scope.ts`, `packages/<name>/src`',
    '`scope.ts` and `demo.json`',
    '`npm start -- --fresh`, `npm test -- types`, `pnpm --filter @stipend/db dump`, `pnpm drizzle-kit generate`',
    '`npm run providers -- set openai --markup 5`, `npm run providers -- --help`',
    '`node tooling/run.mjs`, `DATABASE_URL=x npm start`',
    '`withTenant(...)`, `withTenant`, `sk-stp-`, `spent + leased <= limit`',
    '[there](../README.md), [web](https://example.org/gone), [down](#a)',
    '```sh\nnpm start # the demo\ncurl https://example.org/gone\n```',
  ])('but not %s', (text) => {
    expect(problems(`# A\n\n${text}\n`)).toEqual([])
  })

  it('variables and their defaults', () => {
    const text = 'z.object({ A_PORT: variable.port().default(3_000), BB: z.string().default("x"), lower: 1 })'
    expect(variablesOf({ path: 'env.ts', text: text.replaceAll('"', "'") })).toEqual([
      { name: 'A_PORT', default: '3000' },
      { name: 'BB', default: 'x' },
    ])
    expect(variablesIn('# words\nAA=1\n# BB=2\n')).toEqual([
      { name: 'AA', default: '1' },
      { name: 'BB', default: null },
    ])
  })
})
