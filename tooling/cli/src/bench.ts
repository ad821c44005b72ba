import { existsSync } from 'node:fs'
import path from 'node:path'
import { runBench } from '@stipend/bench'
import { ROOT } from './env.ts'
import { Failure } from './failure.ts'

/** `npm run bench -- --scenarios i,iii --rounds 3`: the gateway beside a bare proxy, as ratios. What follows `--` goes to the programs that measure. */
export async function bench(args: string[]): Promise<number> {
  const benchDir = path.join(ROOT, '../shared/bench')
  if (!existsSync(path.join(benchDir, 'compare.mjs'))) {
    throw new Failure('The programs that measure are not in ../shared/bench.')
  }
  return runBench({ benchDir, args, logLevel: 'info' })
}
