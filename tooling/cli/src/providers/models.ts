import { providers as operations } from '@stipend/core'
import { Failure } from '../failure.ts'
import type { Operate } from '../operator.ts'
import type { Values } from './command.ts'
import type { Provider } from './shown.ts'
import { columns, describeModel, listed, MODEL_HEAD, priceWords, ticks, wholeNumber, words } from './words.ts'

export async function models(operate: Operate, provider: Provider, values: Values): Promise<number> {
  const { id, name } = provider
  const { data: known } = await operate(operations.listModels, { id })
  const [on, off] = [words(values.enable), words(values.disable)]
  const unknown = off.find((word) => !known.some((one) => one.name === word))
  if (unknown !== undefined) throw new Failure(`${name} has no model "${unknown}" to switch off.`)
  const isNew = (word: string) => !known.some((one) => one.name === word)
  const isListing = on.length === 0 && off.length === 0
  const verdict = isListing || on.some(isNew) ? await operate(operations.tryAgain, { id }) : null
  if (isListing && verdict !== null) {
    console.log(ticks(verdict))
    const state = new Map(known.map((one) => [one.name, one.is_enabled ? 'on' : 'off']))
    const rows = verdict.found.map((one) => [one.name, state.get(one.name) ?? '', priceWords(one.price)])
    if (rows.length > 0) console.log(`\n${columns([['model', 'state', 'catalogue, per million tokens'], ...rows])}`)
    return verdict.is_ok ? 0 : 1
  }
  // One that lists nothing is taken at our word.
  const offered = new Map(verdict?.found.map((one) => [one.name, one]) ?? [])
  const missing = on.find((word) => isNew(word) && offered.size > 0 && !offered.has(word))
  if (missing !== undefined) {
    throw new Failure(`${name} offers no "${missing}". npm run providers -- models ${name} lists what it does.`)
  }
  const added = on.filter(isNew).map((word) => {
    const { price, dialects, context_tokens_max, output_tokens_max } = offered.get(word) ?? {}
    const isFree =
      price != null && [price.input_usd_per_million, price.output_usd_per_million].every((one) => one === '0.00')
    return {
      ...{ name: word, is_enabled: true, dialects },
      ...(context_tokens_max == null ? {} : { context_tokens_max }),
      ...(output_tokens_max == null ? {} : { output_tokens_max }),
      // That it costs nothing is for a person to say.
      ...(price == null || isFree ? {} : { price }),
    }
  })
  const switched = [
    ...on.filter((word) => !isNew(word)).map((word) => ({ name: word, is_enabled: true })),
    ...off.map((word) => ({ name: word, is_enabled: false })),
  ]
  await operate(operations.setModels, { id, models: [...added, ...switched] })
  return showModels(operate, provider, [...on, ...off])
}

async function showModels(operate: Operate, { id, name }: Provider, which: readonly string[]): Promise<number> {
  const { data } = await operate(operations.listModels, { id })
  const changed = data.filter((one) => which.includes(one.name))
  console.log(columns([MODEL_HEAD, ...changed.map(describeModel)]))
  for (const one of changed.filter(({ is_enabled, price }) => is_enabled && price === null)) {
    console.log(
      `\n${one.name} has no price, so it is refused: npm run providers -- price ${name} ${one.name} --input … --output …`,
    )
  }
  return 0
}

async function requireModel(operate: Operate, provider: Provider, name: string | undefined) {
  const { data } = await operate(operations.listModels, { id: provider.id })
  const found = data.find((one) => one.name === name)
  if (found !== undefined) return found
  const those = data.length === 0 ? 'It has none yet.' : `It has: ${listed(data)}.`
  throw new Failure(
    name === undefined ? `Say which model. ${those}` : `${provider.name} has no model "${name}". ${those}`,
  )
}

export async function changeModel(
  operate: Operate,
  provider: Provider,
  name: string | undefined,
  values: Values,
): Promise<number> {
  const { name: found } = await requireModel(operate, provider, name)
  const changes = {
    ...(values.aliases === undefined ? {} : { aliases: words(values.aliases) }),
    ...(values.upstream === undefined ? {} : { upstream_name: values.upstream }),
    // Which formats there are is said by the operation.
    ...(values.formats === undefined ? {} : { dialects: words(values.formats) as 'chat'[] }),
    context_tokens_max: wholeNumber('context', values.context),
    output_tokens_max: wholeNumber('output', values.output),
  }
  if (Object.values(changes).some((value) => value !== undefined)) {
    await operate(operations.setModels, { id: provider.id, models: [{ name: found, ...changes }] })
  }
  return showModels(operate, provider, [found])
}

export async function setPrice(
  operate: Operate,
  provider: Provider,
  name: string | undefined,
  values: Values,
): Promise<number> {
  const { name: found } = await requireModel(operate, provider, name)
  const isFree = values.free !== undefined
  const { input = isFree ? '0' : undefined, output = isFree ? '0' : undefined } = values
  if (input === undefined || output === undefined) {
    throw new Failure(
      'Give --input and --output, in US dollars per million tokens; or --free if it really costs nothing.',
    )
  }
  const given = {
    input_usd_per_million: input,
    output_usd_per_million: output,
    cached_input_usd_per_million: values['cached-input'] ?? null,
    cache_write_usd_per_million: values['cache-write'] ?? null,
    cache_write_1h_usd_per_million: values['cache-write-1h'] ?? null,
    is_free: isFree,
  }
  await operate(operations.setModels, { id: provider.id, models: [{ name: found, price: given }] })
  return showModels(operate, provider, [found])
}
