import type { IncomingMessage } from 'node:http'
import { type Behaviours, Instruction, problems } from './behaviour.ts'
import { parseJson, readBody } from './body.ts'
import { ApiError, masked } from './errors.ts'
import { openai } from './openai/api.ts'
import type { Ledger } from './stats.ts'

/** A request for an answer as it arrived. */
export type SeenRequest = {
  method: string
  /** With its query. */
  path: string
  /** Names in lower case. */
  headers: Record<string, string>
  body: string
}

export type Controls = {
  behaviours: Behaviours
  ledger: Ledger
  reset(): void
  lastRequest(): SeenRequest | undefined
}

/** Answers the paths that are not part of a model provider; `undefined` for any other. Throws an `ApiError` for what it refuses. */
export async function control(
  { behaviours, ledger, reset, lastRequest }: Controls,
  request: IncomingMessage,
  path: string,
): Promise<unknown> {
  switch (`${request.method} ${path}`) {
    case 'GET /healthz':
      return { status: 'ok' }
    case 'GET /stats':
      return ledger.stats()
    case 'POST /reset':
      reset()
      return ledger.stats()
    case 'GET /last':
      return withoutSecrets(lastRequest())
    case 'GET /behaviour':
      return behaviours.told()
    case 'POST /behaviour':
      behaviours.configure(readInstruction(await readJson(request)))
      return behaviours.told()
    case 'DELETE /behaviour':
      behaviours.clear()
      return behaviours.told()
    default:
      return undefined
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  return parseJson(await readBody(request, openai.refusals), openai.refusals)
}

function readInstruction(given: unknown): Instruction {
  const parsed = Instruction.safeParse(given)
  if (parsed.success) return parsed.data
  throw new ApiError(400, problems(parsed.error), { code: 'invalid_behaviour' })
}

/** Enough to tell which credential it was. */
function withoutSecrets(seen: SeenRequest | undefined): SeenRequest | null {
  if (seen === undefined) return null
  const headers = Object.entries(seen.headers).map(([name, value]) =>
    name === 'authorization' || name === 'x-api-key' || name === 'cookie' ? [name, masked(value)] : [name, value],
  )
  return { ...seen, headers: Object.fromEntries(headers) }
}
