import fs from 'node:fs'
import path from 'node:path'
import { findGaps, installedManifests } from './lockcheck.ts'

const root = path.resolve(import.meta.dirname, '../../..')
const gaps = findGaps(installedManifests(root), fs.readFileSync(path.join(root, 'pnpm-lock.yaml'), 'utf8'))
for (const gap of gaps)
  console.log(`${gap.package} is not in the lockfile for every platform: ${gap.missing.join(', ')}`)
process.exitCode = gaps.length === 0 ? 0 : 1
