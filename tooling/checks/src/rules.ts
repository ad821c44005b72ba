import path from 'node:path'
import ts from 'typescript'
import { parse } from './imports.ts'
import { isCode, isConfig, isTest, type Package, type Source } from './tree.ts'

/** What a rule found, as `file: what`. Nothing else says where it is: a list of exceptions then survives moved lines. */
type Finding = string

const isUnder = (file: string, ...places: string[]) => places.some((place) => file.startsWith(place))

/** Rules about what code says. */
export function codeFindings(source: Source): Finding[] {
  const file = source.path
  const found = new Set<Finding>()
  const rules = [banned]
  if (!isConfig(file) && !isTest(file) && !ENV_READERS.test(file)) rules.push(environment)
  if (isUnder(file, 'packages/core/', 'packages/money/') && !isTest(file)) rules.push(chance)
  if (isUnder(file, 'packages/money/', 'packages/core/src/spend/') && !isTest(file)) rules.push(floats)
  if (!isTest(file)) rules.push(floatsOfMoney)

  const visit = (node: ts.Node): void => {
    for (const rule of rules) {
      const what = rule(node)
      if (what !== undefined) found.add(`${file}: ${what}`)
    }
    ts.forEachChild(node, visit)
  }
  visit(parse(file, source.text))
  for (const word of source.text.match(UNFINISHED) ?? []) {
    found.add(`${file}: ${word}`)
  }
  return [...found]
}

/** Written so that it doesn't find itself. */
const UNFINISHED = /@ts-(?:ignore|nocheck)|\b(?:TO[D]O|FIX[M]E|XX[X])\b/g

type Rule = (node: ts.Node) => string | undefined

const ENV_READERS = /(?:^|\/)env(?:\.server)?\.ts$|^tooling\/bootstrap\.mjs$/

/** `process.env` in any spelling. */
const environment: Rule = (node) => {
  if (ts.isPropertyAccessExpression(node) && node.name.text === 'env' && isProcess(node.expression))
    return 'process.env'
  if (
    ts.isElementAccessExpression(node) &&
    literalOf(node.argumentExpression) === 'env' &&
    isProcess(node.expression)
  ) {
    return 'process.env'
  }
  if (ts.isBindingElement(node) && (node.propertyName ?? node.name).getText() === 'env') {
    const declared = node.parent.parent
    if (ts.isVariableDeclaration(declared) && declared.initializer && isProcess(declared.initializer))
      return 'process.env'
  }
  if (ts.isImportSpecifier(node) && (node.propertyName ?? node.name).text === 'env') {
    const from = literalOf(node.parent.parent.parent.moduleSpecifier)
    if (from === 'node:process' || from === 'process') return 'process.env'
  }
  return undefined
}
const isProcess = (node: ts.Expression) => /^(?:globalThis\.|global\.)?process$/.test(node.getText())

/** Time and chance: an operation is given both, so that a test can hold them still. */
const chance: Rule = (node) => {
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments ?? []).length === 0) {
    return 'new Date()'
  }
  if (ts.isPropertyAccessExpression(node)) {
    const text = node.getText()
    return /^(?:globalThis\.)?(?:Date\.now|performance\.now|Math\.random|crypto\.\w+)$/.test(text) ? text : undefined
  }
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
    const name = node.expression.text
    return /^(?:Date|randomUUID|randomInt|getRandomValues|ulid)$/.test(name) ? `${name}()` : undefined
  }
  if (ts.isImportSpecifier(node) && !node.isTypeOnly && /^random/.test((node.propertyName ?? node.name).text)) {
    return node.parent.parent.isTypeOnly ? undefined : (node.propertyName ?? node.name).text
  }
  if (ts.isTaggedTemplateExpression(node) && node.tag.getText() === 'sql') {
    return /\b(?:now|clock_timestamp|random|gen_random_uuid)\(\)|\bcurrent_(?:timestamp|date)\b/.exec(
      node.template.getText(),
    )?.[0]
  }
  return undefined
}

const FLOAT_CALLS = /^(?:parseFloat|Number|Number\.parseFloat|Math\.(?:round|floor|ceil|trunc|fround|pow))$/

/** Arithmetic that isn't exact. */
const floats: Rule = (node) => {
  if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
    const called = node.expression.getText()
    if (FLOAT_CALLS.test(called)) return called
    if (/\.to(?:Fixed|Precision|Exponential)$/.test(called)) return called.replace(/^.*\./, '')
  }
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.PlusToken) return 'unary +'
  if (ts.isNumericLiteral(node) && /[.]|e-/.test(node.text)) return `the number ${node.text}`
  return undefined
}

/** Anywhere: a value whose name says money, made a number. */
const floatsOfMoney: Rule = (node) => {
  if (!ts.isCallExpression(node) || !FLOAT_CALLS.test(node.expression.getText())) return undefined
  const values = node.arguments.map((argument) => argument.getText()).join(', ')
  return /(?:nanos|picos|usd|cost|price|amount|budget|spent|balance)(?![a-z])/i.test(values)
    ? `${node.expression.getText()}(${values})`
    : undefined
}

const banned: Rule = (node) => {
  if ((ts.isAsExpression(node) || ts.isTypeAssertionExpression(node)) && node.type.kind === ts.SyntaxKind.AnyKeyword) {
    return 'as any'
  }
  if (ts.isPropertyAccessExpression(node) && /^(?:only|skip|todo|fails|skipIf|runIf|fixme)$/.test(node.name.text)) {
    const root = node.expression.getText().split('.')[0]
    return /^(?:it|test|describe|suite|bench)$/.test(root ?? '') ? `${root}.${node.name.text}` : undefined
  }
  if (ts.isCallExpression(node) && /^(?:fit|fdescribe|xit|xtest|xdescribe)$/.test(node.expression.getText())) {
    return node.expression.getText()
  }
  return undefined
}

const literalOf = (node: ts.Expression | undefined) => (node && ts.isStringLiteralLike(node) ? node.text : undefined)

const DRAWERS = new Set(['util', 'utils', 'helper', 'helpers', 'misc', 'common', 'types', 'shared', 'lib', 'stuff'])
const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*$/
const GIVEN_NAMES = /^(?:README|ARCHITECTURE|CONTRIBUTING|LICENSE|CHANGELOG|SECURITY)(?:\.md)?$/

/** Names of files and folders. */
export function nameFindings(file: string): Finding[] {
  const parts = file.split('/')
  const base = parts.at(-1) ?? ''
  // drizzle-kit and Remix name these.
  const isGiven = file.includes('/migrations/') || file.includes('/app/routes/') || GIVEN_NAMES.test(base)
  const names = [...parts.slice(0, -1), ...(isGiven ? [] : [base.split('.')[0] ?? ''])].map((name) =>
    name.replace(/^\./, ''),
  )
  const found = names.flatMap((name) => {
    if (DRAWERS.has(name)) return [`${file}: "${name}" says nothing`]
    if (/^v\d+$/.test(name)) return [`${file}: a version for a name`]
    return []
  })
  const isPatch = file.startsWith('patches/')
  const pieces = isGiven || isPatch ? parts.slice(0, -1) : [...parts.slice(0, -1), ...base.split('.')]
  const odd = pieces.filter((piece) => piece !== '' && !KEBAB.test(piece.replace(/^\./, '')))
  return odd.length === 0 ? found : [...found, `${file}: not kebab-case`]
}

export const LINES_MAX = 500

export function lengthFindings({ path: file, text }: Source): Finding[] {
  const lines = text.split('\n').length - 1
  return lines > LINES_MAX && isCode(file) && !isTest(file) ? [`${file}: longer than ${LINES_MAX} lines`] : []
}

/** Folders that belong to somebody's machine, when they begin a path. Tests may make up a home. */
const MACHINE_PATH = /(?<![\w.~:/$}-])\/(?:root|work|tmp|mnt)\/[\w.-]+/g
const HOME_PATH = /(?<![\w.~:/$}-])\/(?:home|Users)\/[\w.-]+/g
const SECRETS: [name: string, pattern: RegExp][] = [
  ['a key of Stripe', /\b(?:sk|rk|pk)_live_[0-9A-Za-z]{8,}/],
  ['a secret of a webhook', /\bwhsec_[0-9A-Za-z+/=]{16,}/],
  ['a key of a provider', /\bsk-(?:proj|ant|svcacct)-[0-9A-Za-z_-]{16,}/],
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
  [
    'a token of a host of code',
    /\b(?:gh[pousr]_[0-9A-Za-z]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|npm_[0-9A-Za-z]{30,})/,
  ],
  ['a key of a cloud', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
]

/** Letters in a row, or one many times: what a test makes up. */
const MADE_UP = /abcdefgh|(.)\1{7}/i

/** Pictures, but for signs that are text. */
const EMOJI = /(?![\u00a9\u00ae\u2122\u2194-\u21aa\u2713\u2714])\p{Extended_Pictographic}/u

/** What has no place in any file. `isOurSecret` tells our own from made-up ones by their checksum. */
export function textFindings(
  { path: file, text }: Source,
  place: { root: string; isOurSecret: (text: string) => boolean },
): Finding[] {
  const found = new Set<Finding>()
  for (const pattern of isTest(file) ? [MACHINE_PATH] : [MACHINE_PATH, HOME_PATH]) {
    for (const [path] of text.matchAll(pattern)) found.add(`${file}: ${path}, a path of one machine`)
  }
  if (place.root.split('/').length > 2 && text.includes(`${place.root}/`)) found.add(`${file}: where this copy lies`)
  for (const [secret] of text.matchAll(/\bs[kt]-stp-[0-9A-Za-z]{34}(?![0-9A-Za-z])/g)) {
    if (place.isOurSecret(secret)) found.add(`${file}: a secret of ours`)
  }
  for (const [name, pattern] of SECRETS) {
    const secret = pattern.exec(text)?.[0]
    if (secret !== undefined && !(isTest(file) && MADE_UP.test(secret))) found.add(`${file}: ${name}`)
  }
  if (!isTest(file) && EMOJI.test(text)) found.add(`${file}: an emoji`)
  return [...found]
}

/** Hosts that a lockfile or a setting of a package manager names: where one machine gets its packages from. */
export function registryFindings({ path: file, text }: Source): Finding[] {
  if (!/(?:^|\/)(?:pnpm-lock\.yaml|pnpm-workspace\.yaml|package\.json|\.npmrc|\.yarnrc(?:\.yml)?)$/.test(file))
    return []
  const found = [...text.matchAll(/^.*(?:tarball|registry)\b.*https?:\/\/([\w.-]+)/gm)]
  return [...new Set(found.map(([, host]) => `${file}: the registry ${host}`))]
}

/** What a member of the workspace must have. */
export function packageFindings({ dir, manifest }: Package, files: ReadonlySet<string>): Finding[] {
  const file = `${dir}/package.json`
  const problems: string[] = []
  if (manifest.name !== `@stipend/${path.posix.basename(dir)}`) problems.push('its name is not that of its folder')
  if (manifest.private !== true) problems.push('not private')
  const hasCode = files.has(`${dir}/tsconfig.json`)
  if (hasCode && manifest.type !== 'module') problems.push('not "type": "module"')
  if (hasCode && !/^tsc7 -p \.(?: |$)/.test(manifest.scripts?.typecheck ?? '')) problems.push('no script typecheck')
  if (dir.startsWith('packages/') && Object.keys(manifest.exports ?? {}).length === 0) problems.push('exports nothing')
  for (const target of Object.values(manifest.exports ?? {})) {
    if (!files.has(path.posix.join(dir, target))) problems.push(`exports ${target}, which is not there`)
  }
  const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies }
  for (const [name, version] of Object.entries(all)) {
    const wanted = name.startsWith('@stipend/') ? 'workspace:*' : 'catalog:'
    if (version !== wanted) problems.push(`${name} is ${version} and not ${wanted}`)
  }
  return problems.map((problem) => `${file}: ${problem}`)
}
