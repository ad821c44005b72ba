import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

export const ROOT = path.resolve(import.meta.dirname, '../../..')

/** A file of the project. `path` is relative to the root, with slashes. */
export type Source = { path: string; text: string }

let listed: string[] | undefined

/** The files of the project: tracked, or new and not ignored. */
export function projectFiles(): string[] {
  listed ??= execFileSync(
    'git',
    ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  )
    .split('\0')
    .filter((file) => file !== '' && fs.existsSync(path.join(ROOT, file)))
    .sort()
  return listed
}

export function read(file: string): string {
  return fs.readFileSync(path.join(ROOT, file), 'utf8')
}

export function sources(wanted: (file: string) => boolean): Source[] {
  return projectFiles()
    .filter(wanted)
    .map((file) => ({ path: file, text: read(file) }))
}

/** TypeScript and JavaScript that people write. */
export const isCode = (file: string) => /\.(?:ts|tsx|mjs|cjs|js)$/.test(file)

/** What runs only while testing: it may reach for more than the product may. */
export const isTest = (file: string) =>
  /\.test\.tsx?$|\/testing(?:-setup)?\.ts$/.test(file) || /^(?:apps|packages|tooling)\/[^/]+\/(?:test|e2e)\//.test(file)

/** What only builds or checks the project. */
export const isConfig = (file: string) => /\.config\.(?:ts|cjs|mjs)$/.test(file)

export type Manifest = {
  name: string
  private?: boolean
  type?: string
  exports?: Record<string, string>
  scripts?: Record<string, string>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

export type Package = { dir: string; manifest: Manifest }

/** The members of the workspace, by folder. */
export function packages(): Package[] {
  return projectFiles()
    .filter((file) => /^(?:apps|packages|tooling)\/[^/]+\/package\.json$/.test(file))
    .map((file) => ({ dir: path.posix.dirname(file), manifest: JSON.parse(read(file)) as Manifest }))
}
