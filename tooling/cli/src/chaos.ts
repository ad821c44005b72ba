import { runChaos } from '@stipend/chaos'
import { ROOT, surroundings } from './env.ts'
import { createStopping } from './stopping.ts'

/** `npm run chaos`: budgets under everything that can go wrong at once. 1 when a promise is broken. */
export async function chaos({ minutes, seed }: { minutes: number; seed: number }): Promise<number> {
  const stopping = createStopping()
  const wrong = await runChaos({
    root: ROOT,
    surroundings: surroundings(),
    minutes,
    seed,
    tell: (line) => console.log(line),
    stop: stopping.asked,
  })
  for (const sentence of wrong) console.log(`BROKEN  ${sentence}`)
  console.log(wrong.length === 0 ? '\nAll budgets held.' : `\n${wrong.length} violations.`)
  return wrong.length === 0 ? 0 : 1
}
