import { DomainError } from '@stipend/core/errors'
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
    const models = await gateway.rules.admit(facts, found, name)
    const [model] = gateway.providers.inOrder(models, performance.now())
    if (model === undefined) throw new DomainError('model_not_found', `There is no model "${name}" on this key.`)
    const sent =
      model.upstream_name === name ? body : Buffer.from(JSON.stringify({ ...json, model: model.upstream_name }))
    const done = await passOn(gateway, http, model, {
      method: 'POST',
      dialect: 'messages',
      beneath: '/count_tokens',
      body: sent,
    })
    return { ...done, key_id: facts.key_id }
  } catch (error) {
    gateway.door.noteError(http, purse, error)
    throw error
  }
}
