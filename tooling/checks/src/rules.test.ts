import { randomBytes } from 'node:crypto'
import { newSecret, parseSecret } from '@stipend/core/secrets'
import { describe, expect, it } from 'vitest'
import {
  codeFindings,
  LINES_MAX,
  lengthFindings,
  nameFindings,
  packageFindings,
  registryFindings,
  textFindings,
} from './rules.ts'
import { isCode, packages, projectFiles, ROOT, read, sources } from './tree.ts'

/** Where a rule is broken on purpose, and why. One that is no longer needed fails as well. */
const EXCEPTIONS: Record<string, string> = {
  'packages/core/src/execute.ts: new Date()': 'the door through which operations are given the time',
  'packages/core/src/execute.ts: randomBytes': 'the door through which operations are given chance',
  'packages/core/src/id.ts: Date.now': 'what the door gives as newId',
  'packages/core/src/id.ts: randomFillSync': 'as Date.now',
  'packages/core/src/providers/credential.ts: randomBytes': 'a nonce that a caller could choose could be chosen twice',
  'packages/core/src/keys/operations.ts: now()': 'a period is found by the clock that draws from it: the database’s',
  'packages/core/src/providers/catalogue.ts: now()': 'asked by gateways, whose clocks may differ from the database’s',
  'packages/core/src/providers/health.ts: clock_timestamp()': 'as the catalogue',
  'packages/core/src/providers/view.ts: now()':
    'what is in force and how old a report is: by the clock that stamped them',
  'packages/core/src/providers/trying.ts: performance.now': 'how long an answer takes is what is asked',
  'packages/money/src/cost.ts: Number': 'a count of tokens, no longer money, and small enough to be exact',
  'packages/money/src/usage.ts: Math.ceil': 'a count of tokens that a provider gave with a fraction',
  'apps/console/app/money.ts: Number(usd)': 'the height of a bar in a chart',
  'apps/console/app/money.ts: Number((spent * 100n) / limit)': 'a percentage, worked out in whole numbers',
  'apps/console/app/features/keys/terms-fields.tsx: Number(usd)':
    'the words on a button for one of our own round amounts',
  'tooling/tsc/package.json: typescript is 7.0.2 and not catalog:': 'the second TypeScript: see decision 9 and stack',
}

const files = projectFiles()
const code = sources(isCode)
const texts = sources((file) => !/\.(?:png|ico|jpe?g|woff2?)$/.test(file))
const place = { root: ROOT, isOurSecret: (text: string) => parseSecret(text) !== null }

const findings = [
  ...code.flatMap(codeFindings),
  ...code.flatMap(lengthFindings),
  ...files.flatMap(nameFindings),
  ...texts.flatMap((one) => textFindings(one, place)),
  ...texts.flatMap(registryFindings),
  ...packages().flatMap((one) => packageFindings(one, new Set(files))),
]

describe('this project', () => {
  it('keeps its rules', () => {
    expect(findings.filter((one) => EXCEPTIONS[one] === undefined)).toEqual([])
  })

  it('has no exception that nothing needs', () => {
    expect(Object.keys(EXCEPTIONS).filter((one) => !findings.includes(one))).toEqual([])
  })

  it('is strict, and no package is less so', () => {
    const { compilerOptions } = JSON.parse(read('tooling/typescript/base.json'))
    const strict = {
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      verbatimModuleSyntax: true,
      erasableSyntaxOnly: true,
    }
    expect(compilerOptions).toMatchObject(strict)
    const configs = files.filter((file) => /\/tsconfig\.json$/.test(file) && !file.startsWith('tooling/typescript/'))
    expect(configs.length).toBeGreaterThan(10)
    for (const file of configs) {
      const config = JSON.parse(read(file))
      expect(config.extends, file).toMatch(/^(?:@stipend\/typescript\/base\.json|\.\.\/tsconfig\.json)$/)
      for (const name of Object.keys(config.compilerOptions ?? {})) {
        expect([...Object.keys(strict), 'skipLibCheck', 'noEmit'], file).not.toContain(name)
      }
    }
  })

  it('has one exact version of everything', () => {
    const catalog = /^catalog:\n((?: {2}.*\n)+)/m.exec(read('pnpm-workspace.yaml'))?.[1] ?? ''
    const versions = catalog.split('\n').filter((line) => /^ {2}[^#\s]/.test(line))
    expect(versions.length).toBeGreaterThan(40)
    for (const line of versions) expect(line).toMatch(/: \d+\.\d+\.\d+(?:-[\w.]+)?$/)
  })
})

describe('what code may not say', () => {
  const inFile = (path: string, text: string) => codeFindings({ path, text }).map((one) => one.slice(path.length + 2))
  const CORE = 'packages/core/src/keys/a.ts'
  const MONEY = 'packages/money/src/a.ts'

  it.each([
    ['const a = process.env.A'],
    ["const a = process['env']"],
    ['const { env } = process'],
    ['const { env: mine } = process'],
    ["import { env } from 'node:process'"],
    ['const a = globalThis.process.env'],
  ])('the environment: %s', (text) => {
    expect(inFile('apps/api/src/server.ts', text)).toEqual(['process.env'])
    expect(inFile('apps/api/src/env.ts', text)).toEqual([])
    expect(inFile('apps/console/vite.config.ts', text)).toEqual([])
  })

  it.each([
    ['const a = new Date()', 'new Date()'],
    ['const a = new Date', 'new Date()'],
    ['const a = Date()', 'Date()'],
    ['const a = Date.now()', 'Date.now'],
    ['const a = [1].map(Math.random)', 'Math.random'],
    ['const a = performance.now()', 'performance.now'],
    ['const a = crypto.randomUUID()', 'crypto.randomUUID'],
    ["import { randomBytes } from 'node:crypto'", 'randomBytes'],
    ["import { randomUUID as id } from 'node:crypto'", 'randomUUID'],
    ['const a = sql`now()`', 'now()'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: code under test
    ['const a = sql`x < ${b} and clock_timestamp() > y`', 'clock_timestamp()'],
  ])('time and chance: %s', (text, what) => {
    expect(inFile(CORE, text)).toEqual([what])
    expect(inFile('apps/gateway/src/a.ts', text)).toEqual([])
    expect(inFile('packages/core/src/keys/a.test.ts', text)).toEqual([])
  })

  it('but a moment that is given, and a type', () => {
    expect(inFile(CORE, 'const a = new Date(now)')).toEqual([])
    expect(inFile(CORE, "import type { randomBytes } from 'node:crypto'")).toEqual([])
    expect(inFile(CORE, "import { createHash, type randomBytes as R } from 'node:crypto'")).toEqual([])
    expect(inFile(CORE, '// new Date() and process.env\nconst a = "Date.now()"')).toEqual([])
  })

  it.each([
    ['parseFloat(a)', 'parseFloat'],
    ['Number.parseFloat(a)', 'Number.parseFloat'],
    ['a.toFixed(2)', 'toFixed'],
    ['Math.round(a)', 'Math.round'],
    ['Number(a)', 'Number'],
    ['new Number(a)', 'Number'],
    ['+a', 'unary +'],
    ['a * 0.5', 'the number 0.5'],
    ['a * 1e-9', 'the number 1e-9'],
  ])('floats near money: %s', (text, what) => {
    expect(inFile(MONEY, text)).toEqual([what])
    expect(inFile('packages/core/src/spend/a.ts', text)).toEqual([what])
  })

  it('money made a number, anywhere', () => {
    expect(inFile('apps/api/src/a.ts', 'Number(row.cost_nanos)')).toEqual(['Number(row.cost_nanos)'])
    expect(inFile('apps/api/src/a.ts', 'parseFloat(key.budget.limit_usd)')).toHaveLength(1)
    expect(inFile('apps/api/src/a.ts', 'Number(row.requests)')).toEqual([])
  })

  it.each([
    ['const a = b as any', 'as any'],
    ['const a = <any>b', 'as any'],
    ['// @ts-' + 'ignore\na()', '@ts-' + 'ignore'],
    ['// TO' + 'DO: later', 'TO' + 'DO'],
    ['// FIX' + 'ME', 'FIX' + 'ME'],
    ["it.only('a', () => {})", 'it.only'],
    ["describe.skip('a', () => {})", 'describe.skip'],
    ["it.skipIf(true)('a', () => {})", 'it.skipIf'],
    ["test.describe.only('a', () => {})", 'test.only'],
    ["it.todo('a')", 'it.todo'],
    ["xit('a')", 'xit'],
  ])('left-overs: %s', (text, what) => {
    expect(inFile('apps/api/src/a.test.ts', text)).toEqual([what])
  })
})

describe('names', () => {
  it.each([
    'packages/core/src/keyStatus.ts',
    'packages/core/src/KeyStatus.ts',
    'packages/core/src/key_status.ts',
    'packages/core/src/utils.ts',
    'packages/core/src/keys/helpers.test.ts',
    'packages/core/src/common/key.ts',
    'packages/core/src/types.ts',
    'packages/core/src/v2/key.ts',
    'apps/console/app/Frame.tsx',
    'apps/console/app/lib/frame.tsx',
    'apps/console/app/routes/utils/login.tsx',
  ])('%s is refused', (file) => {
    expect(nameFindings(file).length).toBeGreaterThan(0)
  })

  it.each([
    'README.md',
    '.env.example',
    '.ci/run',
    'docs/decisions/0001-the-ledger-is-sql-functions.md',
    'packages/core/src/keys/key-status.db.test.ts',
    'packages/db/sql/1-grants.sql',
    'packages/db/migrations/0001_tables.sql',
    'apps/console/app/routes/t.$slug.coding.$memberId._index.tsx',
    'apps/console/app/features/keys/shown-once.module.css',
  ])('%s is fine', (file) => {
    expect(nameFindings(file)).toEqual([])
  })
})

describe('what no file may hold', () => {
  const inText = (text: string, path = 'docs/a.md') => textFindings({ path, text }, place)
  const bytes = (size: number) => randomBytes(size)

  it('a secret of ours, told from a made-up one by its checksum', () => {
    const secret = newSecret('key', bytes)
    expect(inText(`key = "${secret}"`)).toEqual(['docs/a.md: a secret of ours'])
    expect(inText(newSecret('service_token', bytes))).toHaveLength(1)
    expect(inText(`${secret.slice(0, -1)}${secret.endsWith('a') ? 'b' : 'a'}`)).toEqual([])
    expect(inText('sk-stp-…x7Qa and sk-stp-example')).toEqual([])
  })

  it.each([
    `sk_${'live'}_${'a'.repeat(24)}`,
    `whsec_${'a'.repeat(24)}`,
    `sk-${'proj'}-${'a'.repeat(30)}`,
    `-----BEGIN ${'RSA PRIVATE'} KEY-----`,
    `gh${'p'}_${'a'.repeat(36)}`,
    `AKI${'A'}${'ABCD'.repeat(4)}`,
  ])('a secret of somebody else: %s', (text) => {
    expect(inText(`const a = "${text}"`)).toHaveLength(1)
  })

  it('but what a test has made up', () => {
    const made = `sk-${'proj'}-abcdefghijklmnopqrstuvwxyz`
    const real = `sk-${'proj'}-Zk3vQ9tLx81mWc0RbN5yHs7`
    expect(inText(made, 'apps/gateway/test/a.test.ts')).toEqual([])
    expect(inText(made, 'apps/gateway/src/a.ts')).toHaveLength(1)
    expect(inText(real, 'apps/gateway/test/a.test.ts')).toHaveLength(1)
  })

  it('a path of a machine', () => {
    expect(inText(`see /${'home'}/ada/notes`)).toHaveLength(1)
    expect(inText(`"/${'root'}/.npmrc"`)).toHaveLength(1)
    expect(inText(`in ${ROOT}/packages`).length).toBeGreaterThan(0)
    expect(inText('POST /work, ./tmp/a, https://a.example/home/ada')).toEqual([])
  })

  it('where one machine gets its packages', () => {
    const inLock = (text: string) => registryFindings({ path: 'pnpm-lock.yaml', text })
    expect(inLock('    resolution: {tarball: https://npm.corp.example/a/-/a-1.0.0.tgz}')).toHaveLength(1)
    expect(registryFindings({ path: '.npmrc', text: 'registry=http://10.0.0.1:4873/' })).toHaveLength(1)
    expect(inLock('    deprecated: see https://a.example/why')).toEqual([])
  })

  it('a file nobody can see whole', () => {
    const long = 'a()\n'.repeat(LINES_MAX + 1)
    expect(lengthFindings({ path: 'packages/core/src/a.ts', text: long })).toHaveLength(1)
    expect(lengthFindings({ path: 'packages/core/src/a.test.ts', text: long })).toEqual([])
    expect(lengthFindings({ path: 'packages/core/src/a.ts', text: 'a()\n'.repeat(LINES_MAX) })).toEqual([])
  })

  it('a package that lacks something', () => {
    const manifest = {
      name: '@stipend/core',
      private: true,
      type: 'module',
      exports: { '.': './src/index.ts' },
      scripts: { typecheck: 'tsc7 -p .' },
      dependencies: { zod: 'catalog:', '@stipend/db': 'workspace:*' },
    }
    const all = new Set(['packages/core/src/index.ts', 'packages/core/tsconfig.json'])
    const found = (changes: object) =>
      packageFindings({ dir: 'packages/core', manifest: { ...manifest, ...changes } }, all)
    expect(found({})).toEqual([])
    expect(found({ name: 'core' })).toHaveLength(1)
    expect(found({ scripts: {} })).toHaveLength(1)
    expect(found({ exports: {} })).toHaveLength(1)
    expect(found({ exports: { '.': './src/gone.ts' } })).toHaveLength(1)
    expect(found({ dependencies: { zod: '^4.0.0' } })).toHaveLength(1)
    expect(found({ private: false })).toHaveLength(1)
  })
})
