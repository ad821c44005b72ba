import { setTimeout as sleep } from 'node:timers/promises'
import type { ServedModel } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import { hashSecret } from '@stipend/core/secrets'
import { type DrawnLease, draw, type Refusal } from '@stipend/core/spend'
import type { Database } from '@stipend/db'
import { affordableOutputTokens, worstCaseCost } from '@stipend/money'
import { type ChatRequest, requestedOutputMax } from './openai/chat-request.ts'
import type { Settler } from './settler.ts'
import { countPrompt, nonTextTokensMax } from './tokens.ts'

/** An answer shorter than this is of no use: rather 402 than a few words. */
const USEFUL_OUTPUT_TOKENS = 16
/** A ledger that takes longer than this is taken to be away: a client is better off with an answer. */
const LEDGER_PATIENCE_MS = 5_000
/** What a provider may add around the bytes of a request: its own markers for roles and the answer. */
const FRAMING_TOKENS = 64

export type Admission = {
  lease: DrawnLease
  /** The most tokens each answer may have, where the money doesn't pay for all that was asked. */
  outputMax: number | undefined
  /** Tokens of the prompt, counted when first asked for. */
  inputTokens: () => number
}

/** Who a key is, or the error that says why it may not be used. */
export async function identify(database: Database, args: { secret: string; gatewayId: string }): Promise<DrawnLease> {
  const answer = await metering(() =>
    draw(database, {
      secret_hash: hashSecret(args.secret),
      gateway_id: args.gatewayId,
      lease_id: '',
      want_nanos: 0n,
      least_nanos: 0n,
      uses_balance: true,
    }),
  )
  if (!answer.ok) throw answer.refusal.error
  return answer.lease
}

/**
 * Sets aside the most a request can cost, before anyone is contacted. First by a bound that costs nothing to work out: no token
 * of a text is shorter than a byte. Only where the money doesn't reach for that is the prompt counted, and the answer shortened to
 * what can be paid for, or refused with 402.
 */
export async function admit(
  { database, gatewayId, settler }: { database: Database; gatewayId: string; settler: Settler },
  args: { secret: string; request: ChatRequest; bodyBytes: number; model: ServedModel },
): Promise<Admission> {
  const { request, model } = args
  const answers = request.n ?? 1
  const asked = requestedOutputMax(request) ?? model.output_tokens_max
  const outputMax = Math.min(asked, model.output_tokens_max)
  const lowered = (perAnswer: number) => (perAnswer < asked ? perAnswer : undefined)
  // Nobody can ask for an hour's cache in this dialect.
  const price = { ...model.price, cache_write_1h: null }
  let counted: number | undefined
  const inputTokens = () => {
    counted ??= countPrompt(request.messages, request.tools)
    return counted
  }
  const secret_hash = hashSecret(args.secret)
  const cost = (input_tokens_max: number, perAnswer: number) =>
    worstCaseCost({ input_tokens_max, output_tokens_max: perAnswer * answers }, price)

  const attempt = async (want_nanos: bigint, least_nanos: bigint): Promise<DrawnLease | Refusal> => {
    const lease_id = settler.openLease()
    const drawing = draw(database, {
      secret_hash,
      gateway_id: gatewayId,
      lease_id,
      want_nanos,
      least_nanos,
      uses_balance: true,
    })
    try {
      const answer = await metering(() => drawing)
      if (answer.ok) return answer.lease
      settler.dropLease(lease_id, { isCertain: true })
      return answer.refusal
    } catch (error) {
      const drop = () => settler.dropLease(lease_id, { isCertain: false })
      drop()
      // It may be that the ledger answers after all, when nobody waits any more.
      drawing.then(drop, () => {})
      throw error
    }
  }

  const bytesMax = args.bodyBytes + FRAMING_TOKENS + nonTextTokensMax(request.messages)
  const bound = Math.min(bytesMax, model.context_tokens_max)
  const generous = cost(bound, outputMax)
  const first = await attempt(generous, generous)
  if (!('error' in first)) return { lease: first, outputMax: lowered(outputMax), inputTokens }
  if (first.available_nanos === null) throw first.error

  const input = Math.min(inputTokens(), bound)
  const least = cost(input, Math.min(outputMax, USEFUL_OUTPUT_TOKENS))
  const second = await attempt(cost(input, outputMax), least)
  if ('error' in second) throw second.error
  const affordable = affordableOutputTokens(second.amount_nanos, input, price) ?? 0
  const perAnswer = Math.min(Math.floor(affordable / answers), outputMax)
  return { lease: second, outputMax: lowered(perAnswer), inputTokens }
}

/** What the ledger couldn't be asked in time can't be spent: the client is told to come back. */
export async function metering<T>(work: () => Promise<T>): Promise<T> {
  const answered = new AbortController()
  const tooLate = sleep(LEDGER_PATIENCE_MS, undefined, { signal: answered.signal }).then(() => {
    throw new Error(`no answer within ${LEDGER_PATIENCE_MS} ms`)
  })
  tooLate.catch(() => {})
  try {
    return await Promise.race([work(), tooLate])
  } catch (error) {
    throw error instanceof DomainError ? error : meteringUnavailable(error)
  } finally {
    answered.abort()
  }
}

export function meteringUnavailable(cause: unknown): DomainError {
  const sentence = 'Budgets can’t be checked at the moment. Try again in a few seconds.'
  return new DomainError('metering_unavailable', sentence, { retry_after_seconds: 2 }, cause)
}
