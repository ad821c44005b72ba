import { readFileSync } from 'node:fs'
import { providers as operations } from '@stipend/core'
import type { z } from 'zod'
import { Failure } from '../failure.ts'
import type { Operate } from '../operator.ts'
import type { Values } from './command.ts'
import { named, type Provider } from './shown.ts'
import { columns, priceWords, words } from './words.ts'

type Preview = z.output<typeof operations.previewPrices.output>

/** `prices import FILE`: shows what a public list would change at the platform's providers and, with `--write`, changes it. */
export async function importPrices(
  operate: Operate,
  verb: string | undefined,
  file: string | undefined,
  values: Values,
) {
  if (verb !== 'import' || file === undefined) {
    throw new Failure('Say which file: npm run providers -- prices import model_prices_and_context_window.json')
  }
  const document = readDocument(file)
  const all = (await operate(operations.list, {})).data
  const asked = values.provider === undefined ? all : [await named(operate, values.provider, 'prices import')]
  if (asked.length === 0) throw new Failure('The platform has no provider yet: npm run providers -- add')
  const free = words(values.free)
  // Everything is read before anything is written.
  const previews: { provider: Provider; preview: Preview }[] = []
  for (const provider of asked) {
    if (provider.models === 0 && values.provider === undefined) continue
    const preview = await operate(operations.previewPrices, { id: provider.id, document, from: values.from })
    previews.push({ provider, preview })
  }
  const changes = previews.map(({ provider, preview }) => show(provider, preview, free)).reduce((a, b) => a + b, 0)
  if (changes === 0) console.log('\nNothing would change.')
  else if (values.write) {
    for (const { provider } of previews) {
      await operate(operations.importPrices, { id: provider.id, document, from: values.from, free })
    }
    console.log(`\n${count(changes)} written. They hold from now on.`)
  } else console.log(`\n${count(changes)} would be written. Nothing was changed yet: add --write.`)
  return 0
}

const count = (prices: number) => (prices === 1 ? 'One price' : `${prices} prices`)

const CHANGES = {
  new: 'new',
  changed: 'changed',
  free: 'zero: say --free where that is true',
  missing: 'not in the list',
} as const

/** Prints what is to be known of one provider, and answers how many prices it would get. */
function show({ name }: Provider, { data, format }: Preview, free: readonly string[]): number {
  const rows = data.flatMap((one) => {
    if (one.change === 'same') return []
    const says = one.change === 'free' && free.includes(one.name) ? 'free' : CHANGES[one.change]
    return [[one.name, priceWords(one.before), priceWords(one.after), says]]
  })
  const same = data.filter(({ change }) => change === 'same').length
  console.log(`\n${name}, in the format of ${format}: ${same} of ${data.length} models as they are`)
  if (rows.length > 0) console.log(columns([['model', 'now, before the markup', 'in the list', 'what'], ...rows]))
  const isTaken = (one: Preview['data'][number]) =>
    one.change === 'new' || one.change === 'changed' || (one.change === 'free' && free.includes(one.name))
  return data.filter(isTaken).length
}

function readDocument(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    throw new Failure(`${file} can't be read: ${(error as Error).message}.`)
  }
}
