import { testTools } from '@stipend/tools'
import { ROOT, surroundings } from './env.ts'

/** `npm run test:tools`: coding tools against the gateway. 1 when one of them doesn't work, or doesn't stop. */
export async function tools({ only, direct }: { only: readonly string[]; direct: boolean }): Promise<number> {
  const wrong = await testTools({
    root: ROOT,
    surroundings: surroundings(),
    only,
    direct,
    tell: (line) => console.log(line),
  })
  for (const sentence of wrong) console.log(`\nWRONG  ${sentence}`)
  console.log(wrong.length === 0 ? '\nAll that could be tested works.' : `\n${wrong.length} things are wrong.`)
  return wrong.length === 0 ? 0 : 1
}
