import { describe, expect, it } from 'vitest'
import { circles, folderOf, forbiddenImports, type Import, importsOf, undeclared } from './imports.ts'
import { isCode, packages, projectFiles, read, type Source, sources } from './tree.ts'

const code = sources(isCode)
const imports = code.flatMap(importsOf)
const workspace = packages()

describe('this project', () => {
  it('is read at all', () => {
    expect(workspace.length).toBeGreaterThan(10)
    // Every package with code has imports that were found.
    const folders = new Set(imports.map((one) => folderOf(one.file)))
    for (const { dir } of workspace) {
      if (code.some((one) => one.path.startsWith(`${dir}/src/`))) expect([...folders]).toContain(dir)
    }
    expect(imports.filter((one) => one.specifier.startsWith('@stipend/')).length).toBeGreaterThan(100)
  })

  it('has its arrows pointing one way, and each package where it belongs', () => {
    expect(forbiddenImports(imports)).toEqual([])
  })

  it('has no files that import one another in a circle', () => {
    expect(circles(imports, new Set(projectFiles()))).toEqual([])
  })

  it('declares every package it imports', () => {
    expect(undeclared(workspace, imports)).toEqual([])
  })

  it('starts with nothing installed', () => {
    const [bootstrap] = importsOfText('tooling/bootstrap.mjs', read('tooling/bootstrap.mjs'))
    expect(bootstrap).toBeDefined()
    const foreign = importsOfText('tooling/bootstrap.mjs', read('tooling/bootstrap.mjs')).filter(
      (one) => !one.specifier.startsWith('node:'),
    )
    expect(foreign).toEqual([])
  })
})

const importsOfText = (path: string, text: string): Import[] => importsOf({ path, text })
const problemsIn = (path: string, text: string) => forbiddenImports(importsOfText(path, text))

describe('finding imports', () => {
  it.each([
    ["import a from 'x'", 'x', []],
    ["import { a, type b as c } from 'x'", 'x', ['a', 'b']],
    ["import 'x'", 'x', []],
    ["export * from 'x'", 'x', []],
    ["export { a } from 'x'", 'x', []],
    ["const a = await import('x')", 'x', []],
    ['const a = () => import(`x`)', 'x', []],
    ["const a = require('x')", 'x', []],
    ["const a = import.meta.resolve('x/package.json')", 'x/package.json', []],
    ["let a: import('x').B", 'x', []],
  ])('%s', (text, specifier, names) => {
    expect(importsOfText('packages/core/src/a.ts', text)).toMatchObject([{ specifier, names }])
  })

  it('knows types from values', () => {
    const isTypeOnly = (text: string) => importsOfText('packages/core/src/a.ts', text)[0]?.isTypeOnly
    expect(isTypeOnly("import type { a } from 'x'")).toBe(true)
    expect(isTypeOnly("import { type a, type b } from 'x'")).toBe(true)
    expect(isTypeOnly("import { type a, b } from 'x'")).toBe(false)
    expect(isTypeOnly("import 'x'")).toBe(false)
  })

  it('is not taken in by comments and strings', () => {
    expect(importsOfText('packages/core/src/a.ts', "// import 'x'\nconst a = \"import 'y'\"")).toEqual([])
  })
})

describe('what is refused', () => {
  it.each([
    ['core knows wire', 'packages/core/src/a.ts', "import '@stipend/wire/errors'"],
    ['only by type', 'packages/core/src/a.ts', "import type { A } from '@stipend/auth'"],
    ['money knows db', 'packages/money/src/a.ts', "import '@stipend/db'"],
    ['a package knows runtime', 'packages/core/src/a.ts', "import '@stipend/runtime'"],
    ['somebody imports an app', 'tooling/cli/src/a.ts', "import '@stipend/gateway'"],
    ['by its folder', 'packages/core/src/a.ts', "export * from '../../../apps/gateway/src/main.ts'"],
    ['the gateway knows the registry', 'apps/gateway/src/a.ts', "await import('@stipend/wire/trpc')"],
    ['a package nobody drew', 'packages/extra/src/a.ts', "import '@stipend/money'"],
    ['SQL in an app', 'apps/console/app/a.tsx', "import { sql } from 'drizzle-orm'"],
    ['also in its tests', 'apps/console/app/a.test.ts', "import { sql } from 'drizzle-orm'"],
    ['the driver outside db', 'packages/core/src/a.ts', "import postgres from 'postgres'"],
    ['tRPC in core', 'packages/core/src/a.ts', "import { initTRPC } from '@trpc/server'"],
    ['tRPC in a page', 'apps/console/app/routes/a.tsx', "import { x } from '@trpc/server/adapters/fetch'"],
    ['Stripe anywhere yet', 'apps/api/src/a.ts', "import Stripe from 'stripe'"],
    ['undici outside of runtime', 'apps/gateway/src/a.ts', "import { Pool } from 'undici'"],
    ['a test database in the product', 'apps/api/src/a.ts', "import { createTestDatabase } from '@stipend/db/testing'"],
    ['the embedded server in an app', 'apps/api/src/a.ts', "import { startEmbedded } from '@stipend/db/embedded'"],
    ['a transaction in an app', 'apps/api/src/a.ts', "import { withTenant } from '@stipend/db'"],
    ['under another name', 'apps/api/src/a.ts', "import { withPlatform as w } from '@stipend/db'"],
    ['one that no operation runs', 'packages/core/src/keys/a.ts', "import { withTenant } from '@stipend/db'"],
    ['sign-in outside auth', 'packages/core/src/keys/a.ts', "import { withIdentity } from '@stipend/db'"],
    ['a bare builtin', 'packages/core/src/a.ts', "import fs from 'fs'"],
    ['the name that throws', 'apps/console/app/a.tsx', "import 'remix'"],
  ])('%s', (_, path, text) => {
    expect(problemsIn(path, text)).toHaveLength(1)
  })

  it.each([
    ['apps/gateway/src/a.ts', "import { toOpenAI } from '@stipend/wire/errors'"],
    ['apps/gateway/test/a.test.ts', "import { serve } from '@stipend/sandbox-provider'"],
    ['packages/db/src/a.db.test.ts', "import postgres from 'postgres'"],
    ['packages/auth/src/a.db.test.ts', "import { createTestDatabase } from '@stipend/db/testing'"],
    ['packages/core/src/execute.ts', "import { withTenant } from '@stipend/db'"],
    ['packages/core/src/keys/a.ts', "import { type TenantTx } from '@stipend/db'"],
    ['packages/core/src/keys/a.ts', "import { b } from '../members/b.ts'"],
  ])('but not in %s: %s', (path, text) => {
    expect(problemsIn(path, text)).toEqual([])
  })

  it('circles', () => {
    const files: Source[] = [
      { path: 'packages/core/src/a.ts', text: "import './b.ts'" },
      { path: 'packages/core/src/b.ts', text: "export * from './c/d.ts'" },
      { path: 'packages/core/src/c/d.ts', text: "import { a } from '../a.ts'" },
      { path: 'packages/core/src/e.ts', text: "import type { F } from './f.ts'" },
      { path: 'packages/core/src/f.ts', text: "import { e } from './e.ts'" },
    ]
    expect(circles(files.flatMap(importsOf), new Set(files.map((one) => one.path)))).toEqual([
      'packages/core/src/a.ts → packages/core/src/b.ts → packages/core/src/c/d.ts → packages/core/src/a.ts',
    ])
  })

  it('what is not declared, or only for development', () => {
    const manifest = {
      name: '@stipend/core',
      dependencies: { zod: '' },
      devDependencies: { vitest: '', '@types/pg': '' },
    }
    const found = (path: string, text: string) =>
      undeclared([{ dir: 'packages/core', manifest }], importsOfText(path, text))
    expect(found('packages/core/src/a.ts', "import 'zod/v4'")).toEqual([])
    expect(found('packages/core/src/a.ts', "import type { A } from 'pg'")).toEqual([])
    expect(found('packages/core/src/a.test.ts', "import { it } from 'vitest'")).toEqual([])
    expect(found('packages/core/src/a.ts', "import { it } from 'vitest'")).toHaveLength(1)
    expect(found('packages/core/src/a.test.ts', "import fc from 'fast-check'")).toHaveLength(1)
  })
})
