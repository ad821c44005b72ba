import { isAscii } from 'node:buffer'
import type { PricedModel } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import type { KeyFacts, Settlement } from '@stipend/core/spend'
import { type Admission, admit, costsTheSame, Need } from './admit.ts'
import { type AnswerHead, isIdentity } from './client/answer.ts'
import type { AnswerHandler, Call } from './client/connection.ts'
import type { Ask } from './dialects/ask.ts'
import { upstreamBody } from './dialects/upstream-body.ts'
import { Fare } from './fare.ts'
import type { Gateway, Http } from './gateway.ts'
import type { Written } from './journal.ts'
import { createStreamMeter, estimate, type Metered, meterAnswer, type StreamMeter } from './meter/meter.ts'
import { connectionFailure, ERROR_BYTES_MAX, type Failure, type Passed, readRefusal } from './provider-errors.ts'
import type { Purse } from './purse.ts'
import { refusalOf } from './refusal.ts'
import { Reply } from './reply.ts'
import type { Place } from './running.ts'
import {
  canceled,
  estimated,
  failedMidway,
  INTERRUPTED,
  NOTHING,
  type Outcome,
  settlementOf,
  succeeded,
} from './settlement.ts'
import { threadOf } from './thread.ts'

const ANSWER_BYTES_MAX = 64 * 1024 * 1024
/** A prompt that nobody will count any more is taken for a token every so many bytes. */
const BYTES_PER_TOKEN = 4

type Facts = {
  ask: Ask
  body: Buffer
  startedAt: number
  purse: Purse
  facts: KeyFacts
  /** The models it may go to, in the order to try. Money is set aside for the first. */
  models: readonly PricedModel[]
  need: Need
  admission: Admission
}

type Done = { status: number; code: string | null }

/**
 * A request that money is set aside for: forwarded, passed on as it comes, measured, settled once. It is the handler of the
 * provider's answer itself: nothing stands between the two sockets. Until something of an answer has gone to the client, a provider
 * that fails is followed by the next.
 */
export class Exchange implements AnswerHandler {
  readonly #gateway: Gateway
  readonly #http: Http
  readonly #reply: Reply
  readonly #facts: Facts
  /** The conversation it belongs to, where the tool says so. */
  readonly thread: string | undefined
  readonly #done = Promise.withResolvers<Done>()
  readonly #amongThoseOfKey: Place
  readonly #amongAll: Place
  // The attempt that is under way.
  #model: PricedModel
  #need: Need
  #admission: Admission
  #attempts = 0
  #upstream: Call | null = null
  #kind: 'stream' | 'whole' | 'refusal' = 'refusal'
  #status = 0
  #retryAfter = ''
  #chunks: Buffer[] = []
  #bytes = 0
  #meter: StreamMeter | null = null
  #fare: Fare | null = null
  #isForwarded = false
  #sentAt = 0
  #firstByteAt: number | null = null
  // The request as a whole.
  #pause: NodeJS.Timeout | null = null
  /** Where the journal has it. */
  #written: Written | null = null
  #outcome: Outcome | null = null
  #isOver = false

  constructor(gateway: Gateway, http: Http, facts: Facts) {
    this.#gateway = gateway
    this.#http = http
    this.#reply = new Reply(http)
    this.#reply.outputMax = facts.admission.outputMax
    this.#facts = facts
    const [model] = facts.models
    if (model === undefined) throw new Error('money was set aside for no model')
    this.#model = model
    this.#need = facts.need
    this.#admission = facts.admission
    this.thread = threadOf(http.request.headers, facts.ask.json, facts.facts.key_id)
    this.#amongThoseOfKey = facts.purse.running.add(this)
    this.#amongAll = gateway.running.add(this)
  }

  /** Resolves when all is recorded. The end of the answer follows once that is on disk. */
  run(): Promise<Done> {
    const { response } = this.#http

    const onClose = () => {
      if (!response.writableFinished) this.#hangUp()
    }
    const onDrain = () => this.#upstream?.resume()
    // They stay: of an exchange that is over they do nothing, and the response goes with it.
    response.on('close', onClose)
    response.on('drain', onDrain)
    try {
      this.#promise()
    } catch (error) {
      this.#facts.purse.release(this.#admission.hold, 0n)
      this.#finish()
      throw error
    }
    return this.#done.promise
  }

  /** Should this process die, the prompt is what the provider had surely been sent. */
  #promise(): void {
    this.#noteHold((failure) => this.#forward(failure))
  }

  #noteHold(then: (failure: Error | null) => void): void {
    this.#written = this.#gateway.journal.hold(this.#ifInterrupted(), this.#written, then)
  }

  #forward(failure: Error | null): void {
    if (this.#isOver) return
    if (failure !== null) {
      const words = 'This request can’t be recorded at the moment. Try again in a few seconds.'
      this.#fail(new DomainError('metering_unavailable', words, { retry_after_seconds: 5 }, failure))
      return
    }
    const { ask, body } = this.#facts
    const model = this.#model
    this.#isForwarded = true
    this.#attempts++
    this.#sentAt = performance.now()
    const forwarded = upstreamBody(body, ask, model, this.#admission.outputMax)
    const { headers } = this.#http.request
    const args = { dialect: ask.dialect.name, body: forwarded, isStream: ask.isStream, client: headers }
    this.#upstream = this.#gateway.upstreams.dispatch(model, args, this)
  }

  /** The key was revoked, or the gateway is going away: the answer ends here. */
  cut(error: DomainError): void {
    if (this.#isOver) return
    const metered = this.#measureSoFar()
    this.#settle(metered, { ...this.#failed(error), status: 'canceled' })
    // Over first: what the abort calls back must find nothing left to do.
    this.#finish()
    this.#abort(error)
    this.#reply.fail(error, this.#meter)
  }

  // --- the provider's side ------------------------------------------------------------------------------------------

  onHead(call: Call, { status, retryAfter, contentEncoding, contentType }: AnswerHead): void {
    this.#status = status
    this.#retryAfter = retryAfter
    if (status !== 200) return
    if (!isIdentity(contentEncoding)) {
      call.abort(unreadable(new Error(`an answer in ${contentEncoding}, which was not asked for`)))
      return
    }
    if (!contentType.startsWith('text/event-stream')) {
      this.#kind = 'whole'
      return
    }
    this.#kind = 'stream'
    const { ask } = this.#facts
    const options = { hidesUsage: !ask.showsUsage, hidesFailure: true, answers: ask.answers }
    const meter = createStreamMeter(ask.dialect.name, options)
    this.#meter = meter
    if (this.#admission.coveredTokens === Number.POSITIVE_INFINITY) return
    this.#fare = new Fare(this.#facts.purse, this.#need, this.#admission, {
      isOver: () => this.#isOver,
      onMoved: () => this.#noteHold(() => {}),
      onSpent: () => this.#endForWantOfMoney(meter),
    })
  }

  onData(call: Call, chunk: Buffer): void {
    if (this.#isOver || call !== this.#upstream) return
    if (this.#firstByteAt === null) this.#noteFirstByte()
    const meter = this.#meter
    if (meter === null) {
      this.#bytes += chunk.length
      this.#chunks.push(chunk)
      const max = this.#kind === 'whole' ? ANSWER_BYTES_MAX : ERROR_BYTES_MAX
      if (this.#bytes > max) call.abort(new DomainError('provider_error', 'The model provider’s answer is too large.'))
      return
    }
    let out: Buffer
    try {
      out = meter.feed(chunk)
    } catch (error) {
      call.abort(error as Error)
      return
    }
    if (meter.failure !== undefined) {
      this.#failInStream(meter, meter.failure, out)
      return
    }
    // Many clients stop at [DONE] and ask again at once: by then the money must be back.
    if (meter.isDone) {
      this.#settleEnded(meter.metered(this.#inputTokens))
      this.#whenWritten(() => this.#reply.write(out))
      return
    }
    if (out.length > 0 && !this.#reply.write(out)) call.pause()
    this.#fare?.mind(meter)
  }

  onEnd(call: Call): void {
    if (this.#isOver || call !== this.#upstream) return
    if (this.#meter !== null) {
      const rest = this.#meter.end()
      if (this.#meter.failure !== undefined) {
        this.#failInStream(this.#meter, this.#meter.failure, rest)
        return
      }
      if (this.#meter.isEmpty) {
        this.#failedAttempt({ error: unreadable(), again: 'other', restMs: null })
        return
      }
      this.#settleEnded(this.#meter.metered(this.#inputTokens))
      this.#whenWritten(() => {
        if (rest.length > 0) this.#reply.write(rest)
        this.#reply.end()
      })
    } else if (this.#kind === 'whole') {
      const [only] = this.#chunks
      this.#answerWhole(only?.length === this.#bytes ? only : Buffer.concat(this.#chunks, this.#bytes))
      return
    } else {
      this.#refused()
      return
    }
    this.#finish()
  }

  onFailure(call: Call, error: Error): void {
    // Of an attempt that is over nothing more is to be heard.
    if (this.#isOver || call !== this.#upstream) return
    // An error whose text was cut off is one all the same.
    if (this.#status !== 0 && this.#status !== 200 && !(error instanceof DomainError)) this.#refused()
    else this.#failedAttempt(connectionFailure(error, this.#status === 200 && this.#firstByteAt !== null))
  }

  #noteFirstByte(): void {
    this.#firstByteAt = Date.now()
    if (this.#status !== 200) return
    const now = performance.now()
    this.#gateway.providers.of(this.#model.provider).succeeded(now, Math.round(now - this.#sentAt))
  }

  /** The provider says in its stream that it failed. Where nothing of it was passed on yet, another may do better. */
  #failInStream(meter: StreamMeter, said: string, out: Buffer): void {
    const words = 'The model provider failed in the middle of its answer. Try again.'
    const error = new DomainError('provider_error', words, {}, new Error(said))
    if (out.length > 0 && (this.#reply.hasBegun || meter.countedTokens() > 0)) this.#reply.write(out)
    const upstream = this.#upstream
    this.#upstream = null
    upstream?.abort(error)
    this.#failedAttempt({ error, again: 'other', restMs: null })
  }

  // --- the next attempt ---------------------------------------------------------------------------------------------

  #failedAttempt({ error, again, restMs }: Failure): void {
    const { log, providers } = this.#gateway
    const { provider } = this.#model
    providers.of(provider).failed(performance.now(), error.code, restMs)
    log.warn(
      { request_id: this.#http.id, provider: provider.name, attempt: this.#attempts, err: error },
      'provider failed',
    )
    if (this.#reply.hasBegun || again === 'never') {
      this.#fail(error)
      return
    }
    const next = this.#facts.models[this.#attempts]
    if (next !== undefined) void this.#attempt(next, error)
    else if (again === 'same' && this.#attempts === 1) {
      const { backoffMs } = this.#gateway.patience
      this.#pause = setTimeout(() => void this.#attempt(this.#model, error), backoffMs * (1 + Math.random()))
    } else this.#fail(error)
  }

  /** Tries a model, with the money that is set aside where that fits, or else with other money in its place. */
  async #attempt(model: PricedModel, after: DomainError): Promise<void> {
    if (this.#isOver) return
    this.#upstream = null
    this.#kind = 'refusal'
    this.#status = 0
    this.#chunks = []
    this.#bytes = 0
    this.#meter = null
    this.#fare = null
    this.#firstByteAt = null
    this.#isForwarded = false
    if (model !== this.#model) {
      const { ask, body, purse } = this.#facts
      const need = new Need(ask, body.length, model)
      if (!costsTheSame(model, this.#model)) {
        const { hold } = this.#admission
        purse.release(hold, 0n)
        this.#admission = { ...this.#admission, hold: { lease: hold.lease, amount: 0n, isOver: false } }
        let admission: Admission
        try {
          admission = await admit(purse, need, ask.isStream)
        } catch {
          // Why the first one failed says more than that the next is too dear.
          if (!this.#isOver) this.#fail(after)
          return
        }
        if (this.#isOver) {
          purse.release(admission.hold, 0n)
          return
        }
        this.#admission = admission
        this.#reply.outputMax = admission.outputMax
      }
      this.#model = model
      this.#need = need
    }
    this.#promise()
  }

  // --- ends ---------------------------------------------------------------------------------------------------------

  #answerWhole(body: Buffer): void {
    // Of plain text a character is a byte: then it may leave as it was read.
    const text = isAscii(body) ? body.toString('latin1') : null
    let answer: unknown
    try {
      answer = JSON.parse(text ?? body.toString('utf8'))
    } catch (error) {
      this.#failedAttempt({ error: unreadable(error), again: 'never', restMs: null })
      return
    }
    this.#settleEnded(meterAnswer(this.#facts.ask.dialect.name, answer, this.#inputTokens))
    this.#whenWritten(() => {
      this.#reply.whole(body, text)
    })
    this.#finish()
  }

  /** The provider says no. */
  #refused(): void {
    const body = Buffer.concat(this.#chunks, this.#bytes)
    const refusal = readRefusal(this.#status, this.#retryAfter, body, this.#facts.ask.dialect.name)
    if ('failure' in refusal) {
      this.#failedAttempt(refusal.failure)
      return
    }
    const next = this.#facts.models[this.#attempts]
    // One that doesn't know the model any more says nothing for the next.
    if (this.#status === 404 && next !== undefined) {
      void this.#attempt(
        next,
        new DomainError('provider_error', 'The model provider doesn’t know this model any more.'),
      )
    } else this.#passRefusal(refusal.passed, body)
  }

  /** It is about what the client asked for: nothing is charged, and the client gets to see what it says. */
  #passRefusal({ status, words, hasShape }: Passed, body: Buffer): void {
    this.#settle(NOTHING, { status: 'failed', http_status: status, error_code: 'provider_error' })
    const ours = () => refusalOf(new DomainError('invalid_request', words), this.#http.family, this.#http.id).body
    this.#reply.refuse(status, hasShape ? body : ours())
    this.#finish()
  }

  /** What was delivered of a stream is charged; an answer that never arrived is not. */
  #fail(error: DomainError): void {
    const delivered = this.#reply.hasBegun && this.#meter !== null && !this.#meter.isEmpty
    const metered = delivered ? (this.#meter?.metered(this.#inputTokens) ?? NOTHING) : NOTHING
    this.#settle(metered, this.#failed(error))
    this.#reply.fail(error, this.#meter)
    this.#finish()
  }

  #failed(error: DomainError): Outcome {
    const status = this.#reply.hasBegun ? 200 : refusalOf(error, 'openai', this.#http.id).status
    return { status: 'failed', http_status: status, error_code: error.code }
  }

  /** The client is gone: it is charged for what was sent and produced. */
  #hangUp(): void {
    if (this.#isOver) return
    this.#settle(this.#measureSoFar(), canceled)
    this.#finish()
    this.#abort(new Error('the client hung up'))
  }

  #abort(reason: Error): void {
    this.#gateway.providers.of(this.#model.provider).leftOpen()
    this.#upstream?.abort(reason)
  }

  #finish(): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#pause !== null) clearTimeout(this.#pause)
    this.#facts.purse.running.remove(this.#amongThoseOfKey)
    this.#gateway.running.remove(this.#amongAll)
    this.#done.resolve({ status: this.#outcome?.http_status ?? 500, code: this.#outcome?.error_code ?? null })
  }

  // --- money --------------------------------------------------------------------------------------------------------

  #endForWantOfMoney(meter: StreamMeter): void {
    const metered = meter.metered(this.#inputTokens)
    this.#settle(metered, { status: 'succeeded', http_status: 200, error_code: 'budget_exhausted' })
    this.#finish()
    this.#upstream?.abort(new Error('the money is spent'))
    this.#reply.write(meter.ending(metered.usage))
    this.#reply.end()
  }

  readonly #inputTokens = (): number => this.#need.inputTokens()

  #ifInterrupted(): Settlement {
    const prompt = estimate(Math.ceil(this.#facts.body.length / BYTES_PER_TOKEN))
    return this.#settlement(estimated(prompt), INTERRUPTED)
  }

  #measureSoFar(): Metered {
    if (!this.#isForwarded) return NOTHING
    return this.#meter?.metered(this.#inputTokens) ?? estimated(estimate(this.#inputTokens()))
  }

  /** The provider has come to its end, or says in the stream that it failed. */
  #settleEnded(metered: Metered): void {
    if (metered.provider_fault !== undefined) {
      const { log } = this.#gateway
      const provider = this.#model.provider.name
      log.warn({ request_id: this.#http.id, provider, fault: metered.provider_fault }, 'usage that can’t be true')
    }
    const { ask, facts } = this.#facts
    const { kept_as, usage } = metered
    if (kept_as !== undefined && ask.json.store !== false) {
      const context_tokens = usage.input_tokens + usage.output_tokens
      this.#gateway.kept.keep(facts, kept_as, { provider_id: this.#model.provider.id, context_tokens })
    }
    this.#settle(metered, metered.has_failed === true ? failedMidway : succeeded)
  }

  /** An answer is told to its client when it can no longer be forgotten. */
  #whenWritten(answer: () => void): void {
    this.#gateway.journal.whenWritten(() => {
      if (!this.#reply.isGone) answer()
    })
  }

  /** Tells the ledger, once. From this moment what was held and isn't charged is free. */
  #settle(metered: Metered, outcome: Outcome): void {
    if (this.#outcome !== null) return
    this.#outcome = outcome
    this.#gateway.purses.ledger.record(this.#settlement(metered, outcome), this.#admission.hold, this.#written)
  }

  #settlement(metered: Metered, outcome: Outcome): Settlement {
    const { startedAt, ask, facts } = this.#facts
    const { gatewayId, catalogue } = this.#gateway
    const model = this.#model
    return settlementOf(metered, outcome, {
      id: this.#http.id,
      gatewayId,
      facts,
      model,
      hold: this.#admission.hold,
      isStreamed: ask.isStream,
      thread: this.thread,
      startedAt,
      firstByteAt: this.#firstByteAt,
      priceOf: (other) => catalogue.priceBeside(model, other),
    })
  }
}

const unreadable = (cause?: unknown) =>
  new DomainError('provider_error', 'The model provider’s answer can’t be read. Try again.', {}, cause)
