import path from 'node:path'
import { ERROR_CODES } from '@stipend/core'
import { ERRORS } from '@stipend/wire/errors'
import ts from 'typescript'
import { parse } from './imports.ts'
import type { Source } from './tree.ts'

/** What documents may refer to. */
export type Project = {
  files: readonly string[]
  /** Everything the code says, as one text. */
  code: string
  rootScripts: readonly string[]
  /** Scripts of each package, by its name. */
  packageScripts: Readonly<Record<string, readonly string[]>>
  /** What packages depend on: its programs are there to be run. */
  tools: ReadonlySet<string>
  /** What may follow `npm start --` and `npm test --`: flags, and the steps of a test. */
  words: readonly string[]
  /** What `npm run providers` does, each with the options it takes. What else stands there are names and figures. */
  providers: Readonly<Record<string, readonly string[]>>
}

type Piece = { text: string; isBlock: boolean; language: string }

/** Code spans and code blocks of a document. */
function codeOf(markdown: string): Piece[] {
  const pieces: Piece[] = []
  const prose = markdown.replace(/^```(\w*)\n([\s\S]*?)^```$/gm, (_, language: string, text: string) => {
    pieces.push({ text, isBlock: true, language })
    return ''
  })
  for (const [, text = ''] of prose.matchAll(/`([^`\n]+)`/g)) pieces.push({ text, isBlock: false, language: '' })
  return pieces
}

const TOP = /^(?:\.\/)?(?:apps|packages|tooling|docs|patches|\.ci|\.github)\//
const FILE_NAME = /^[\w.-]+\.(?:md|json|ya?ml|ts|tsx|mjs|sql|toml)$/

/** What a document names and the project doesn't have. */
export function untrueIn({ path: file, text }: Source, project: Project): string[] {
  const problems: string[] = []
  for (const piece of codeOf(text)) {
    for (const line of piece.text.split('\n')) {
      problems.push(...commandsOf(line).flatMap((command) => commandProblems(command, project)))
    }
    for (const word of piece.text.split(/[\s,;"'()]+/))
      problems.push(...wordProblems(word.replace(/[.:]$/, ''), project))
    if (!piece.isBlock) problems.push(...nameProblems(piece.text, project))
  }
  for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g))
    problems.push(...linkProblems(file, text, target, project))
  return [...new Set(problems)].map((problem) => `${file}: ${problem}`)
}

function wordProblems(word: string, { files, code }: Project): string[] {
  if (/^[A-Z][A-Z0-9]*_[A-Z0-9_]+$/.test(word)) return has(code, word) ? [] : [`${word} is not in the code`]
  const name = word.replace(/^\.\//, '').replace(/\/$/, '')
  if (TOP.test(word)) return isThere(name, files) ? [] : [`${word} is not there`]
  if (FILE_NAME.test(word)) {
    const isKnown = files.some((one) => path.posix.basename(one) === word) || code.includes(word)
    return isKnown ? [] : [`no file is called ${word}`]
  }
  return []
}

/** A file, a folder, or a pattern with `*`, `{a,b}` or `<name>` that something matches. */
function isThere(name: string, files: readonly string[]): boolean {
  const pattern = name.replace(/<[^>]+>/g, '*')
  const isPattern = /[*{]/.test(pattern)
  const matches = (one: string) => (isPattern ? path.posix.matchesGlob(one, pattern) : one === pattern)
  return files.some((file) => {
    const parts = file.split('/')
    return parts.some((_, depth) => matches(parts.slice(0, depth + 1).join('/')))
  })
}

/** A name from the code, such as `withTenant` or `current_tenant()`. */
function nameProblems(text: string, { code }: Project): string[] {
  const name = /^([A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*)(?:\(\))?$/.exec(text)?.[1]
  if (name === undefined || FILE_NAME.test(text)) return []
  const odd = name.split('.').filter((part) => /[a-z][A-Z]|[a-z]_[a-z]/.test(part) && !has(code, part))
  return odd.map((part) => `${part} is not in the code`)
}

const has = (code: string, word: string) => new RegExp(`(?<![\\w$])${word.replaceAll('$', '\\$')}(?![\\w$])`).test(code)

function commandsOf(line: string): string[][] {
  return line
    .replace(/^\s*\$ /, '')
    .replace(/\s#.*$/, '')
    .split(/&&|;|\|/)
    .map((command) =>
      command
        .trim()
        .split(/\s+/)
        .filter((word) => !/^[A-Z_]+=/.test(word)),
    )
}

function providerProblems([command = '', ...words]: string[], { providers }: Project): string[] {
  if (command === '--help') return []
  const options = providers[command]
  if (options === undefined) return [`there is no command ${command}`]
  return words.filter((word) => word.startsWith('--') && !options.includes(word)).map((odd) => `it takes no ${odd}`)
}

function commandProblems([program, ...words]: string[], project: Project): string[] {
  const problem = (what: string) => [`${[program, ...words].join(' ')}: ${what}`]
  if (program === 'npm') {
    const script = words[0] === 'run' ? words[1] : words[0]
    if (script === undefined || !project.rootScripts.includes(script)) return problem('there is no such script')
    const given = words.includes('--') ? words.slice(words.indexOf('--') + 1) : []
    if (script === 'providers') return providerProblems(given, project).flatMap(problem)
    const odd = given.filter((word) => !project.words.includes(word))
    return odd.flatMap((word) => problem(`${word} means nothing to it`))
  }
  if (program === 'pnpm') {
    const at = words.findIndex((word) => word === '--filter' || word === '-F')
    const rest = words.filter((word, n) => (at < 0 || (n !== at && n !== at + 1)) && word !== 'run')
    const scripts = at < 0 ? project.rootScripts : project.packageScripts[words[at + 1] ?? '']
    if (scripts === undefined) return problem('there is no such package')
    const [first = ''] = rest
    return first === 'install' || scripts.includes(first) || project.tools.has(first)
      ? []
      : problem('there is no such script')
  }
  if (program === 'node') {
    const script = words.find((word) => !word.startsWith('-'))
    return script === undefined || isThere(script.replace(/^\.\//, ''), project.files)
      ? []
      : problem('there is no such file')
  }
  return []
}

function linkProblems(file: string, text: string, target: string, { files }: Project): string[] {
  if (/^[a-z]+:/.test(target)) return []
  const [to = '', anchor] = target.split('#')
  const name = path.posix.normalize(path.posix.join(path.posix.dirname(file), to)).replace(/\/$/, '')
  if (to !== '' && !isThere(name, files)) return [`the link to ${target} leads nowhere`]
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => slug(heading))
  return to === '' && anchor !== undefined && !headings.includes(anchor) ? [`there is no heading for #${anchor}`] : []
}

const slug = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .trim()
    .replace(/\s/g, '-')

/** `docs/errors.md`: the table of `packages/wire/src/errors.ts` for people. */
export function errorsDoc(): string {
  const sections = ERROR_CODES.map((code) => {
    const { status, title, remedy, openai, anthropic, retry } = ERRORS[code]
    const again = retry === 'never' ? 'Final: `x-should-retry: false`.' : 'The same request may succeed later.'
    return `## ${code}\n\n**${title}.** ${remedy}\n\nStatus ${status}; type \`${openai}\` for OpenAI’s clients, \`${anthropic}\` for Anthropic’s. ${again}\n`
  })
  return [
    '# Errors\n',
    'Every error has one of these codes, whichever door it comes through. The REST API answers RFC 9457 with `code`, `detail` and\n`request_id`; the gateway answers in the dialect of the client. Written by\n`node tooling/checks/src/write-errors-doc.ts`.\n',
    ...sections,
  ].join('\n')
}

export type Variable = { name: string; default: string | null }

/** The variables a program reads: the keys in capitals of the schema in its `env.ts`. */
export function variablesOf({ path: file, text }: Source): Variable[] {
  const found: Variable[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAssignment(node) && /^[A-Z][A-Z0-9_]+$/.test(node.name.getText())) {
      const given = /\.default\((?:'([^']*)'|([\d_]+))\)/.exec(node.initializer.getText())
      found.push({ name: node.name.getText(), default: given?.[1] ?? given?.[2]?.replaceAll('_', '') ?? null })
    }
    ts.forEachChild(node, visit)
  }
  visit(parse(file, text))
  return found
}

/** The variables `.env.example` names; those in comments have no value that could be used as it is. */
export function variablesIn(example: string): Variable[] {
  return [...example.matchAll(/^(# ?)?([A-Z][A-Z0-9_]+)=(.*)$/gm)].map(([, comment, name = '', value = '']) => ({
    name,
    default: comment === undefined ? value : null,
  }))
}
