import { existsSync } from 'node:fs'
import path from 'node:path'
import { runBench, runPages, runSoak } from '@stipend/bench'
import { ROOT } from './env.ts'
import { Failure } from './failure.ts'

/**
 * `npm run bench -- --scenarios i,iii --rounds 3`: the gateway beside a bare proxy, as ratios. What follows `--` goes to the programs that
 * measure. `npm run bench -- soak 10`: so many minutes of mixed load, and what becomes of the memory.
 * `npm run bench -- pages 100000`: what the console's pages ask for, with so many people.
 */
export async function bench(args: string[]): Promise<number> {
  if (args[0] === 'pages') return runPages({ people: Number(args[1] ?? 100_000), only: args[2] })
  const benchDir = path.join(ROOT, '../shared/bench')
  if (!existsSync(path.join(benchDir, 'compare.mjs'))) {
    throw new Failure('The programs that measure are not in ../shared/bench.')
  }
  if (args[0] === 'soak') return runSoak({ benchDir, minutes: Number(args[1] ?? 10) })
  return runBench({ benchDir, args, logLevel: 'info' })
}
