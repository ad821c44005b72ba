import type { PricedModel } from '@stipend/core'
import { receive } from './completion.ts'
import { readCount } from './dialects/messages.ts'
import { parseBody } from './dialects/parse.ts'
import type { Gateway, Handled, Http } from './gateway.ts'
import { passOn } from './pass-on.ts'

/** How many tokens a request would have, by the provider that would serve it. It costs nothing, so a spent budget doesn't close it. */
export async function countTokens(gateway: Gateway, http: Http): Promise<Handled> {
  const purse = gateway.door.find(http)
  try {
    const body = await receive(gateway, http, purse)
    const facts = await gateway.door.check(http, purse)
    const { json } = parseBody(body)
    const name = readCount(json)
    const found = await gateway.catalogue.candidates(facts, { name, dialect: 'messages' })
    const admitted = await gateway.rules.admit(facts, found, name)
    const models = gateway.providers.inOrder(admitted, performance.now())
    const sent = ({ upstream_name }: PricedModel) =>
      upstream_name === name ? body : Buffer.from(JSON.stringify({ ...json, model: upstream_name }))
    const asked = { method: 'POST', dialect: 'messages', beneath: '/count_tokens', body: sent } as const
    const done = await passOn(gateway, http, models, asked)
    return { ...done, key_id: facts.key_id }
  } catch (error) {
    gateway.door.noteError(http, purse, error)
    throw error
  }
}
