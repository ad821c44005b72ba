import { providers as operations } from '@stipend/core'
import { Failure } from '../failure.ts'
import type { Operate } from '../operator.ts'
import { columns, describeModel, describeProvider, listed, MODEL_HEAD } from './words.ts'

/** One of the platform's providers, by its name or id. Throws a Failure that lists them. */
export async function named(operate: Operate, name: string | undefined, command: string) {
  const { data } = await operate(operations.list, {})
  const names = data.length === 0 ? 'There is none yet: npm run providers -- add' : `There are: ${listed(data)}.`
  if (name === undefined) throw new Failure(`Say which provider: npm run providers -- ${command} NAME. ${names}`)
  const found = data.find((one) => one.name === name || one.id === name)
  if (found === undefined) throw new Failure(`The platform has no provider "${name}". ${names}`)
  return found
}

export type Provider = Awaited<ReturnType<typeof named>>

async function markups(operate: Operate): Promise<Map<string, string>> {
  const { data } = await operate(operations.listMarkups, {})
  return new Map(data.map(({ id, markup_percent }) => [id, markup_percent]))
}

export async function list(operate: Operate): Promise<number> {
  const { data } = await operate(operations.list, {})
  if (data.length === 0) {
    console.log('The platform has no provider yet: npm run providers -- add --kind openai --name openai …')
    return 0
  }
  const markup = await markups(operate)
  const head = ['name', 'kind', 'state', 'models', 'markup', 'priority', 'weight', 'requests today', 'cost today']
  console.log(columns([head, ...data.map((one) => describeProvider(one, markup.get(one.id) ?? '0'))]))
  for (const { name, models_without_price } of data.filter((one) => one.models_without_price.length > 0)) {
    console.log(`\n${name}: refused for want of a price: ${models_without_price.join(', ')}`)
  }
  return 0
}

export async function show(operate: Operate, provider: Provider): Promise<number> {
  const markup = (await markups(operate)).get(provider.id) ?? '0'
  const { health } = provider
  const last = health.last_error_code === null ? 'none' : `${health.last_error_code} at ${health.last_error_at}`
  const facts = [
    ['id', provider.id],
    ['kind', provider.kind],
    ['address', provider.base_url ?? ''],
    ['credential', provider.credential_set_at === null ? 'none' : `set at ${provider.credential_set_at}`],
    ['order', `priority ${provider.priority}, weight ${provider.weight}`],
    ['markup', `${markup} %`],
    ['state', provider.is_enabled ? health.state : 'disabled'],
    ['failures', health.failure_percent === null ? 'nothing asked lately' : `${health.failure_percent} % lately`],
    ['latency', health.latency_ms === null ? 'unknown' : `${health.latency_ms} ms to the first byte`],
    ['last error', last],
    [
      'today',
      `${provider.today.requests} requests, ${provider.today.failed_requests} failed, $${provider.today.cost_usd}`,
    ],
  ]
  console.log(`${provider.name}\n\n${columns(facts)}\n`)
  const { data } = await operate(operations.listModels, { id: provider.id })
  if (data.length === 0) console.log(`No models yet: npm run providers -- models ${provider.name}`)
  else {
    console.log(columns([MODEL_HEAD, ...data.map(describeModel)]))
  }
  return 0
}
