import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { ROOT } from './env.ts'

/** Formats the code and fixes what can be fixed safely. */
export function format(): number {
  const biome = path.join(ROOT, 'node_modules', '.bin', 'biome')
  return spawnSync(biome, ['check', '--write', '.'], { cwd: ROOT, stdio: 'inherit' }).status ?? 1
}
