import fs from 'node:fs'
import path from 'node:path'

export type Manifest = { name: string; version: string; optionalDependencies?: Record<string, string> }
export type Gap = { package: string; missing: string[] }

/** The platforms people work on, as packages spell them. */
const PLATFORM = /(darwin-arm64|darwin-x64|darwin-64|linux-x64|linux-64|linux-arm64)/
/** Fewer than this is not a package that comes as one binary for each platform. */
const PLATFORMS_MIN = 3

/**
 * Packages whose binary for a platform is not in the lockfile. A registry that lags leaves them out without a word, and an install
 * from that lockfile on the other platform then fails or works without them.
 */
export function findGaps(manifests: readonly Manifest[], lockfile: string): Gap[] {
  return manifests.flatMap(({ name, version, optionalDependencies = {} }) => {
    const binaries = Object.entries(optionalDependencies)
    if (binaries.length < PLATFORMS_MIN) return []
    const missing = binaries
      .filter(([binary]) => PLATFORM.test(binary) && !binary.includes('musl'))
      .map(([binary, range]) => `${binary}@${range.replace(/^[\^~]/, '')}`)
      .filter((wanted) => !lockfile.includes(wanted))
    return missing.length > 0 ? [{ package: `${name}@${version}`, missing }] : []
  })
}

/** The manifests of all installed packages of a pnpm project. */
export function installedManifests(root: string): Manifest[] {
  const store = path.join(root, 'node_modules', '.pnpm')
  return fs.readdirSync(store).flatMap((entry) => {
    const modules = path.join(store, entry, 'node_modules')
    if (!fs.existsSync(modules)) return []
    return packageFolders(modules).map(
      (folder) => JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest,
    )
  })
}

function packageFolders(modules: string): string[] {
  return fs
    .readdirSync(modules, { withFileTypes: true })
    .flatMap((entry) => {
      const folder = path.join(modules, entry.name)
      // Links lead to packages that have a folder of their own.
      if (!entry.isDirectory() || entry.name.startsWith('.')) return []
      return entry.name.startsWith('@') ? packageFolders(folder) : [folder]
    })
    .filter((folder) => fs.existsSync(path.join(folder, 'package.json')))
}
