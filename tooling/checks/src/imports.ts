import { isBuiltin } from 'node:module'
import path from 'node:path'
import ts from 'typescript'
import { isConfig, isTest, type Package, type Source } from './tree.ts'

export type Import = {
  /** The importing file. */
  file: string
  specifier: string
  /** What is taken from it by name; empty where nothing is, or everything. */
  names: string[]
  isTypeOnly: boolean
}

/** Every module a file names: imports, re-exports, `import()`, `import('x').T`, `require` and `resolve` of a literal. */
export function importsOf({ path: file, text }: Source): Import[] {
  const found: Import[] = []
  const add = (node: ts.Node | undefined, names: string[], isTypeOnly: boolean) => {
    if (node !== undefined && ts.isStringLiteralLike(node)) {
      found.push({ file, specifier: node.text, names, isTypeOnly })
    }
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const bindings = node.importClause?.namedBindings
      const elements = bindings !== undefined && ts.isNamedImports(bindings) ? [...bindings.elements] : []
      const names = elements.map((one) => (one.propertyName ?? one.name).text)
      const isWholly = elements.length > 0 && node.importClause?.name === undefined
      const isTypeOnly = node.importClause?.isTypeOnly || (isWholly && elements.every((one) => one.isTypeOnly))
      add(node.moduleSpecifier, names, isTypeOnly ?? false)
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, [], node.isTypeOnly)
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, [], true)
    } else if (ts.isCallExpression(node)) {
      const callee = node.expression
      const isImport = callee.kind === ts.SyntaxKind.ImportKeyword
      const isRequire = ts.isIdentifier(callee) && callee.text === 'require'
      const isResolve =
        ts.isPropertyAccessExpression(callee) && /^(?:import\.meta|require)\.resolve$/.test(callee.getText())
      if (isImport || isRequire || isResolve) add(node.arguments[0], [], false)
    }
    ts.forEachChild(node, visit)
  }
  visit(parse(file, text))
  return found
}

export function parse(file: string, text: string): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, /x$/.test(file) ? ts.ScriptKind.TSX : undefined)
}

/** `@scope/name/sub` → `@scope/name`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** The arrows, as ARCHITECTURE.md draws them: a folder, and the workspace packages that files in it may import. */
const ARROWS: Record<string, readonly string[]> = {
  'packages/money': [],
  'packages/runtime': [],
  'packages/setups': [],
  'packages/db': ['money'],
  'packages/core': ['db', 'money'],
  'packages/auth': ['core', 'db', 'money'],
  'packages/billing': ['core', 'db', 'money'],
  'packages/wire': ['auth', 'billing', 'core', 'db', 'money'],
  'apps/console': ['wire', 'auth', 'billing', 'core', 'db', 'money', 'runtime', 'setups'],
  'apps/api': ['wire', 'auth', 'billing', 'core', 'db', 'money', 'runtime'],
  'apps/gateway': ['wire', 'core', 'db', 'money', 'runtime'],
  'tooling/bench': ['core', 'db', 'money'],
  'tooling/chaos': ['core', 'db', 'money', 'sandbox-provider'],
  'tooling/cli': ['auth', 'bench', 'billing', 'chaos', 'core', 'db', 'money', 'runtime', 'tools'],
  'tooling/sandbox-provider': ['runtime'],
  'tooling/sandbox-stripe': ['runtime'],
  'tooling/tools': ['core', 'db', 'sandbox-provider', 'setups'],
  'tooling/checks': ['wire', 'core'],
  'tooling/lockcheck': [],
  'tooling/tsc': [],
}
/** Tests need a provider to talk to, and a Stripe. */
const ARROWS_OF_TESTS = ['sandbox-provider', 'sandbox-stripe']

/** Packages that only some folders or files may know. Longer entries are files. */
const ONLY_IN: Record<string, readonly string[]> = {
  '@stipend/db/admin': ['tooling/cli/', 'tooling/bench/', 'tooling/chaos/', 'tooling/tools/'],
  '@stipend/db/embedded': ['tooling/cli/', 'tooling/bench/', 'tooling/chaos/', 'tooling/tools/'],
  '@stipend/db/testing': [],
  '@stipend/core/testing': ['tooling/bench/', 'tooling/chaos/', 'tooling/tools/'],
  'drizzle-orm': ['packages/db/', 'packages/core/', 'packages/auth/', 'packages/billing/'],
  // A test that kills a server of its own looks at what is left of it; a benchmark fills one by the hundred thousand.
  postgres: ['packages/db/', 'apps/gateway/test/', 'tooling/bench/'],
  lucia: ['packages/auth/'],
  '@lucia-auth/adapter-drizzle': ['packages/auth/'],
  '@trpc/server': ['packages/wire/', 'apps/console/backend.ts'],
  'openapi3-ts': ['packages/wire/'],
  fastify: ['packages/wire/', 'apps/api/src/'],
  express: [
    'apps/console/server.ts',
    'apps/console/fonts.ts',
    'apps/console/slip-page.ts',
    'apps/console/compression.d.ts',
  ],
  stripe: ['packages/billing/src/stripe.ts', 'tooling/sandbox-stripe/src/sandbox-stripe.test.ts'],
  undici: ['packages/runtime/src/outbound.ts'],
  pino: ['packages/runtime/'],
  // Remix 2 publishes a package of this name that throws when it is imported.
  remix: [],
}

/** The doors of the database, and who may open them. */
const DOORS: Record<string, readonly string[]> = {
  withTenant: [
    'packages/core/src/execute.ts',
    'packages/core/src/spend/',
    'packages/core/src/providers/catalogue.ts',
    'packages/core/src/providers/health.ts',
    'packages/core/src/keys/slip.ts',
    'packages/core/src/providers/reseal.ts',
    'packages/core/src/imports/drafts.ts',
    'packages/core/src/rules/gateway.ts',
    'packages/core/src/chats/titles.ts',
    'packages/auth/src/',
    'packages/billing/src/',
  ],
  withIdentity: ['packages/auth/src/'],
  withPlatform: [
    'packages/core/src/execute.ts',
    'packages/core/src/providers/catalogue.ts',
    'packages/core/src/providers/health.ts',
    'packages/billing/src/',
    'packages/core/src/providers/reseal.ts',
  ],
  connect: ['apps/', 'tooling/cli/', 'tooling/bench/', 'tooling/chaos/', 'tooling/tools/'],
}

const isUnder = (file: string, places: readonly string[]) => places.some((place) => file.startsWith(place))
export const folderOf = (file: string) => file.split('/').slice(0, 2).join('/')

/** Imports that go against the arrows or where they have no business. */
export function forbiddenImports(imports: readonly Import[]): string[] {
  return imports.flatMap((one) => problemsOf(one).map((problem) => `${one.file} imports ${one.specifier}: ${problem}`))
}

function problemsOf({ file, specifier, names, isTypeOnly }: Import): string[] {
  const folder = folderOf(file)
  if (specifier.startsWith('.')) {
    const target = path.posix.join(path.posix.dirname(file), specifier)
    const isInside = file.includes('/') ? target.startsWith(`${folder}/`) : !target.startsWith('..')
    return isInside ? [] : ['it leaves its package; name the package instead']
  }
  if (isBuiltin(specifier)) return specifier.startsWith('node:') ? [] : ['a module of Node without "node:"']

  const problems: string[] = []
  const test = isTest(file)
  const local = /^@stipend\/([^/]+)/.exec(specifier)?.[1]
  if (local !== undefined && local !== folder.split('/')[1]) {
    const allowed = ARROWS[folder]
    if (allowed === undefined) problems.push(`${folder} has no place in the arrows (tooling/checks/src/imports.ts)`)
    else if (!allowed.includes(local) && !(test && ARROWS_OF_TESTS.includes(local))) problems.push('against the arrows')
    if (folder === 'apps/gateway' && local === 'wire' && specifier !== '@stipend/wire/errors') {
      problems.push('the gateway knows only the errors of wire')
    }
  }
  for (const [name, places] of Object.entries(ONLY_IN)) {
    if (specifier !== name && !specifier.startsWith(`${name}/`)) continue
    const isFree = name.startsWith('@stipend/') && test
    if (!isFree && !isUnder(file, places) && !(test && places.some((place) => place.startsWith(`${folder}/`)))) {
      problems.push(places.length === 0 ? 'only for tests' : `only for ${places.join(', ')}`)
    }
  }
  if (specifier === '@stipend/db' && !test) {
    for (const name of names) {
      const places = DOORS[name]
      if (places !== undefined && !isTypeOnly && !isUnder(file, places)) {
        problems.push(`${name} is only for ${places.join(', ')}`)
      }
    }
  }
  return problems
}

/** Circles of files that import one another, beginning with the first by name. Types are erased, so they make no circle. */
export function circles(imports: readonly Import[], files: ReadonlySet<string>): string[] {
  const edges = new Map<string, string[]>()
  for (const { file, specifier, isTypeOnly } of imports) {
    if (isTypeOnly || !specifier.startsWith('.')) continue
    const target = path.posix.join(path.posix.dirname(file), specifier)
    if (files.has(target)) edges.set(file, [...(edges.get(file) ?? []), target])
  }
  const found = new Set<string>()
  const isDone = new Set<string>()
  const walk = (file: string, trail: string[]): void => {
    const at = trail.indexOf(file)
    if (at >= 0) {
      const circle = trail.slice(at)
      const first = circle.indexOf([...circle].sort()[0] ?? '')
      found.add([...circle.slice(first), ...circle.slice(0, first + 1)].join(' → '))
    }
    if (at >= 0 || isDone.has(file)) return
    for (const target of edges.get(file) ?? []) walk(target, [...trail, file])
    isDone.add(file)
  }
  for (const file of [...edges.keys()].sort()) walk(file, [])
  return [...found]
}

/** Programs that run in folders of their own, where what they import is installed. */
const ELSEWHERE = 'tooling/tools/programs/'

/** Imports of packages that the importing package doesn't declare. That nothing is declared in vain is knip's to see. */
export function undeclared(workspace: readonly Package[], imports: readonly Import[]): string[] {
  return imports.flatMap(({ file, specifier, isTypeOnly }) => {
    if (specifier.startsWith('.') || isBuiltin(specifier) || file.startsWith(ELSEWHERE)) return []
    const dir = folderOf(file)
    const owner = workspace.find((one) => one.dir === dir)
    const name = packageOf(specifier)
    if (owner === undefined || name === owner.manifest.name) return []
    const { dependencies, optionalDependencies, devDependencies } = owner.manifest
    const shipped = { ...dependencies, ...optionalDependencies }
    const isLoose = isTypeOnly || isTest(file) || isConfig(file)
    const known = isLoose ? { ...shipped, ...devDependencies } : shipped
    const isTyped = isTypeOnly && `@types/${name.replace(/^@/, '').replace('/', '__')}` in known
    return name in known || isTyped ? [] : [`${file} imports ${name}, which ${dir}/package.json doesn't declare`]
  })
}
