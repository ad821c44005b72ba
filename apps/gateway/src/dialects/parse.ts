import { isAscii } from 'node:buffer'
import { DomainError } from '@stipend/core/errors'
import { z } from 'zod'
import { isObject, type Loose } from '../meter/json.ts'
import type { Ask, AskDialect } from './ask.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Deeper than any schema or tool call; parsers on the way may not survive much more. */
const DEPTH_MAX = 200

/** What a body asks for in a dialect. Throws `invalid_request` that names what is wrong. */
export function readAsk(dialect: AskDialect, body: Buffer): Ask {
  const { json, text } = parseBody(body)
  return Object.assign(dialect.read(json), { dialect, json, hasTwins: dialect.hasTwins(text, json) })
}

/** A body that is a JSON object, or `invalid_request`. */
export function parseBody(body: Buffer): { json: Loose; text: string } {
  let text: string
  try {
    text = isAscii(body) ? body.toString('latin1') : utf8.decode(body)
  } catch {
    throw new DomainError('invalid_request', 'The body is not text in UTF-8.')
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new DomainError('invalid_request', 'The body is not valid JSON.')
  }
  if (isDeeperThan(json, DEPTH_MAX)) {
    throw new DomainError('invalid_request', `The body is nested too deeply, beyond ${DEPTH_MAX} levels.`)
  }
  if (!isObject(json)) throw new DomainError('invalid_request', 'The body must be a JSON object.')
  return { json, text }
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  if (Array.isArray(value)) {
    for (const one of value) if (isDeeperThan(one, levels - 1)) return true
    return false
  }
  for (const name in value) if (isDeeperThan((value as Loose)[name], levels - 1)) return true
  return false
}

/** Fields that several dialects have. What isn't named in a schema passes as it is. */
export const field = {
  model: z
    .string({ error: 'Name a model, such as "model": "gpt-5". GET /v1/models lists those you can use.' })
    .min(1, 'Name a model.')
    .max(300, 'No model has a name this long.'),
  flag: z.boolean({ error: 'Must be true or false.' }).nullish(),
  count: (max?: number) => {
    const atLeastOne = z.int({ error: 'Must be a whole number.' }).min(1, 'Must be at least 1.')
    return (max === undefined ? atLeastOne : atLeastOne.max(max, `Must be at most ${max}.`)).nullish()
  },
}

/** What a schema makes of the fields it names, or the first thing that is wrong with them. */
export function readFields<Schema extends z.ZodObject>(schema: Schema, json: Loose): z.output<Schema> {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw invalid(issue?.path.join('.') ?? '', issue?.message ?? 'not valid')
}

export function invalid(param: string, words: string): DomainError {
  return new DomainError('invalid_request', `${param}: ${words}`, { param })
}

/** Something that costs what the price list doesn't know. `value` as the client wrote it. */
export function unpriced(param: string, value: unknown): DomainError {
  const shown = value === undefined ? '' : ` ${JSON.stringify(value).slice(0, 60)}`
  const words = `${param}${shown} has a price of its own that is not in the price list, so a budget can’t pay for it. Leave it out.`
  return new DomainError('invalid_request', words, { param })
}

/** Faster or reserved service costs a multiple; what is slower or usual costs no more than the list says. */
const SERVICE_TIERS = ['auto', 'default', 'flex', 'standard', 'standard_only', 'on_demand', 'batch']

export function refuseServiceTier({ service_tier }: Loose): void {
  if (service_tier === undefined || service_tier === null) return
  if (!SERVICE_TIERS.includes(service_tier as string)) throw unpriced('service_tier', service_tier)
}
