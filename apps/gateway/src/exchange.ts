import type { ServerResponse } from 'node:http'
import type { PricedModel } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import type { KeyFacts, Settlement } from '@stipend/core/spend'
import { costOf, type TokenUsage } from '@stipend/money'
import type { Dispatcher } from 'undici'
import { type Admission, admit, Need, STRETCH_TOKENS } from './admit.ts'
import type { Ask } from './dialects/ask.ts'
import { upstreamBody } from './dialects/upstream-body.ts'
import type { Gateway, Http } from './gateway.ts'
import { createStreamMeter, estimate, type Metered, meterAnswer, type StreamMeter } from './meter/meter.ts'
import { connectionFailure, ERROR_BYTES_MAX, type Failure, type Passed, readRefusal } from './provider-errors.ts'
import type { Purse } from './purse.ts'
import { refusalOf, streamErrorOf } from './refusal.ts'

const ANSWER_BYTES_MAX = 64 * 1024 * 1024
/** nginx's word for "the client closed the request". */
const CLIENT_CLOSED = 499
/** A prompt that nobody will count any more is taken for a token every so many bytes. */
const BYTES_PER_TOKEN = 4

type Outcome = Pick<Settlement, 'status' | 'http_status' | 'error_code'>
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

/**
 * A request that money is set aside for: forwarded, passed on as it comes, measured, settled once. It is the handler of the
 * provider's answer itself: nothing stands between the two sockets. Until something of an answer has gone to the client, a provider
 * that fails is followed by the next.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #gateway: Gateway
  readonly #http: Http
  readonly #response: ServerResponse
  readonly #id: string
  readonly #facts: Facts
  readonly #done = Promise.withResolvers<void>()
  // The attempt that is under way.
  #model: PricedModel
  #need: Need
  #admission: Admission
  #attempts = 0
  #upstream: Dispatcher.DispatchController | null = null
  #kind: 'stream' | 'whole' | 'refusal' = 'refusal'
  #status = 0
  #retryAfter = ''
  #chunks: Buffer[] = []
  #bytes = 0
  #meter: StreamMeter | null = null
  /** Tokens of the answer that the hold pays for; unlimited where it pays for the whole answer. */
  #covered: number
  #isForwarded = false
  #sentAt = 0
  #firstByteAt: number | null = null
  // The request as a whole.
  #pause: NodeJS.Timeout | null = null
  #isExtending = false
  #outcome: Outcome | null = null
  #isOver = false

  constructor(gateway: Gateway, http: Http, facts: Facts) {
    this.#gateway = gateway
    this.#http = http
    this.#response = http.response
    this.#id = http.id
    this.#facts = facts
    const [model] = facts.models
    if (model === undefined) throw new Error('money was set aside for no model')
    this.#model = model
    this.#need = facts.need
    this.#admission = facts.admission
    this.#covered = facts.admission.coveredTokens
  }

  async run(): Promise<{ status: number; code: string | null }> {
    const { purse } = this.#facts
    const gateway = this.#gateway
    const response = this.#response

    const onClose = () => {
      if (!response.writableFinished) this.#hangUp()
    }
    const onDrain = () => this.#upstream?.resume()
    response.on('close', onClose)
    response.on('drain', onDrain)
    purse.running.add(this)
    gateway.running.add(this)
    try {
      this.#promise()
      await this.#done.promise
    } finally {
      response.off('close', onClose)
      response.off('drain', onDrain)
      purse.running.delete(this)
      gateway.running.delete(this)
    }
    return { status: this.#outcome?.http_status ?? 500, code: this.#outcome?.error_code ?? null }
  }

  /** Should this process die, the prompt is what the provider had surely been sent. */
  #promise(): void {
    this.#gateway.journal.hold(this.#ifInterrupted(), (failure) => this.#forward(failure))
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
    this.#gateway.upstreams.dispatch(model, args, this)
  }

  /** The key was revoked, or the gateway is going away: the answer ends here. */
  cut(error: DomainError): void {
    if (this.#isOver) return
    const metered = this.#measureSoFar()
    this.#settle(metered, { ...this.#failed(error), status: 'canceled' })
    // Over first: what the abort calls back must find nothing left to do.
    this.#finish()
    this.#abort(error)
    this.#answerError(error)
  }

  // --- the provider's side ------------------------------------------------------------------------------------------

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#upstream = controller
    if (this.#isOver) controller.abort(new Error('over'))
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return
    this.#status = status
    this.#retryAfter = String(headers['retry-after'] ?? '')
    if (status !== 200) return
    const encoding = headers['content-encoding'] ?? 'identity'
    if (encoding !== 'identity') {
      controller.abort(unreadable(new Error(`an answer in ${String(encoding)}, which was not asked for`)))
      return
    }
    if (!String(headers['content-type'] ?? '').startsWith('text/event-stream')) {
      this.#kind = 'whole'
      return
    }
    this.#kind = 'stream'
    const { ask } = this.#facts
    const options = { hidesUsage: !ask.showsUsage, hidesFailure: true, answers: ask.answers }
    this.#meter = createStreamMeter(ask.dialect.name, options)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver || controller !== this.#upstream) return
    if (this.#firstByteAt === null) this.#noteFirstByte()
    const meter = this.#meter
    if (meter === null) {
      this.#bytes += chunk.length
      this.#chunks.push(chunk)
      const max = this.#kind === 'whole' ? ANSWER_BYTES_MAX : ERROR_BYTES_MAX
      if (this.#bytes > max)
        controller.abort(new DomainError('provider_error', 'The model provider’s answer is too large.'))
      return
    }
    let out: Buffer
    try {
      out = meter.feed(chunk)
    } catch (error) {
      controller.abort(error as Error)
      return
    }
    if (meter.failure !== undefined) {
      this.#failInStream(meter, meter.failure, out)
      return
    }
    // Many clients stop at [DONE] and ask again at once: by then the money must be back.
    if (meter.isDone) {
      this.#settleEnded(meter.metered(this.#inputTokens))
      this.#whenWritten(() => this.#write(out))
      return
    }
    if (out.length > 0 && !this.#write(out)) controller.pause()
    if (this.#covered !== Number.POSITIVE_INFINITY) this.#mind(meter)
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#isOver || controller !== this.#upstream) return
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
        if (rest.length > 0) this.#write(rest)
        this.#response.end()
      })
    } else if (this.#kind === 'whole') {
      this.#answerWhole(Buffer.concat(this.#chunks, this.#bytes))
      return
    } else {
      this.#refused()
      return
    }
    this.#finish()
  }

  onResponseError(controller: Dispatcher.DispatchController | undefined, error: Error): void {
    // Of an attempt that is over nothing more is to be heard; one that didn't come about has no controller.
    if (this.#isOver || (controller ?? null) !== this.#upstream) return
    // An error whose text was cut off is one all the same.
    if (this.#status !== 0 && this.#status !== 200 && !(error instanceof DomainError)) this.#refused()
    else this.#failedAttempt(connectionFailure(error, this.#status === 200 && this.#firstByteAt !== null))
  }

  #noteFirstByte(): void {
    this.#firstByteAt = Date.now()
    if (this.#status !== 200) return
    const now = performance.now()
    this.#gateway.providers.of(this.#model.provider.id).succeeded(now, Math.round(now - this.#sentAt))
  }

  /** The provider says in its stream that it failed. Where nothing of it was passed on yet, another may do better. */
  #failInStream(meter: StreamMeter, said: string, out: Buffer): void {
    const words = 'The model provider failed in the middle of its answer. Try again.'
    const error = new DomainError('provider_error', words, {}, new Error(said))
    if (out.length > 0 && (this.#response.headersSent || meter.countedTokens() > 0)) this.#write(out)
    const upstream = this.#upstream
    this.#upstream = null
    upstream?.abort(error)
    this.#failedAttempt({ error, again: 'other', restMs: null })
  }

  // --- the next attempt ---------------------------------------------------------------------------------------------

  #failedAttempt({ error, again, restMs }: Failure): void {
    const { log, providers } = this.#gateway
    const { provider } = this.#model
    providers.of(provider.id).failed(performance.now(), error.code, restMs)
    log.warn({ request_id: this.#id, provider: provider.name, attempt: this.#attempts, err: error }, 'provider failed')
    if (this.#response.headersSent || again === 'never') {
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
        this.#covered = admission.coveredTokens
      }
      this.#model = model
      this.#need = need
    }
    this.#promise()
  }

  // --- ends ---------------------------------------------------------------------------------------------------------

  #answerWhole(body: Buffer): void {
    let answer: unknown
    try {
      answer = JSON.parse(body.toString('utf8'))
    } catch (error) {
      this.#failedAttempt({ error: unreadable(error), again: 'never', restMs: null })
      return
    }
    this.#settleEnded(meterAnswer(this.#facts.ask.dialect.name, answer, this.#inputTokens))
    this.#whenWritten(() => {
      this.#writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
      this.#response.end(body)
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
    this.#writeHead(status, { 'content-type': 'application/json', 'x-should-retry': 'false' })
    const ours = () => refusalOf(new DomainError('invalid_request', words), this.#http.family, this.#id).body
    this.#response.end(hasShape ? body : JSON.stringify(ours()))
    this.#finish()
  }

  /** What was delivered of a stream is charged; an answer that never arrived is not. */
  #fail(error: DomainError): void {
    const delivered = this.#response.headersSent && this.#meter !== null && !this.#meter.isEmpty
    const metered = delivered ? (this.#meter?.metered(this.#inputTokens) ?? NOTHING) : NOTHING
    this.#settle(metered, this.#failed(error))
    this.#answerError(error)
    this.#finish()
  }

  #failed(error: DomainError): Outcome {
    const status = this.#response.headersSent ? 200 : refusalOf(error, 'openai', this.#id).status
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
    this.#gateway.providers.of(this.#model.provider.id).leftOpen()
    this.#upstream?.abort(reason)
  }

  #answerError(error: DomainError): void {
    if (this.#response.destroyed) return
    if (this.#response.headersSent) {
      // After the first byte an error can only be an event.
      this.#response.end(this.#meter?.failing(streamErrorOf(error, this.#id)))
      return
    }
    const { status, headers, body } = refusalOf(error, this.#http.family, this.#id)
    this.#writeHead(status, headers)
    this.#response.end(JSON.stringify(body))
  }

  /** Something of a stream for the client, after the head if it is the first. */
  #write(bytes: Buffer): boolean {
    if (!this.#response.headersSent) {
      this.#writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
    }
    return this.#response.write(bytes)
  }

  #writeHead(status: number, headers: Record<string, string | number>): void {
    const { outputMax } = this.#admission
    if (outputMax !== undefined) this.#response.setHeader('x-stipend-output-tokens-max', outputMax)
    this.#response.writeHead(status, headers)
  }

  #finish(): void {
    this.#isOver = true
    if (this.#pause !== null) clearTimeout(this.#pause)
    this.#done.resolve()
  }

  // --- money --------------------------------------------------------------------------------------------------------

  /** The taxi's meter: where the stream nears the end of what is held, more is, or it ends properly. */
  #mind(meter: StreamMeter): void {
    if (this.#isExtending || meter.roughTokens() < this.#covered - STRETCH_TOKENS / 2) return
    const { purse } = this.#facts
    const { hold } = this.#admission
    const stretch = this.#stretch()
    if (stretch === 0n) {
      this.#covered = Number.POSITIVE_INFINITY
      return
    }
    if (purse.extend(hold, stretch)) {
      this.#covered += STRETCH_TOKENS
      return
    }
    this.#isExtending = true
    const { lease } = hold
    void purse
      .extendByDrawing(hold, stretch, stretch)
      .catch(() => false)
      .then((extended) => {
        this.#isExtending = false
        if (this.#isOver) return
        // Its money is in another lease now: that one has to pay should this process die.
        if (hold.lease !== lease) this.#gateway.journal.hold(this.#ifInterrupted(), () => {})
        if (extended) {
          this.#covered += STRETCH_TOKENS
          return
        }
        // No more to be had: count exactly what is left of the hold, and end where it ends.
        const need = this.#need
        const paid = need.affordable(hold.amount)
        if (meter.countedTokens() >= (paid - END_MARGIN_TOKENS) * need.answers) this.#endForWantOfMoney(meter)
        else this.#covered = Math.max(this.#covered, meter.roughTokens() + STRETCH_TOKENS / 2 + RECHECK_TOKENS)
      })
  }

  #stretch(): bigint {
    const need = this.#need
    if (this.#covered >= need.outputMax) return 0n
    return need.cost(STRETCH_TOKENS, { counted: false }) - need.cost(0, { counted: false })
  }

  #endForWantOfMoney(meter: StreamMeter): void {
    const metered = meter.metered(this.#inputTokens)
    this.#settle(metered, { status: 'succeeded', http_status: 200, error_code: 'budget_exhausted' })
    this.#finish()
    this.#upstream?.abort(new Error('the money is spent'))
    this.#write(meter.ending(metered.usage))
    this.#response.end()
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
      log.warn({ request_id: this.#id, provider, fault: metered.provider_fault }, 'usage that can’t be true')
    }
    this.#settle(metered, metered.has_failed === true ? failedMidway : succeeded)
  }

  /** An answer is told to its client when it can no longer be forgotten. */
  #whenWritten(answer: () => void): void {
    this.#gateway.journal.whenWritten(() => {
      if (!this.#response.destroyed) answer()
    })
  }

  /** Tells the ledger, once. From this moment what was held and isn't charged is free. */
  #settle(metered: Metered, outcome: Outcome): void {
    if (this.#outcome !== null) return
    this.#outcome = outcome
    this.#gateway.purses.ledger.record(this.#settlement(metered, outcome), this.#admission.hold)
  }

  #settlement({ usage, is_estimated, other_models = [] }: Metered, outcome: Outcome): Settlement {
    const { startedAt, ask, facts } = this.#facts
    const { hold } = this.#admission
    const model = this.#model
    let full = costOf(usage, model.price)
    for (const other of other_models)
      full += costOf(other.usage, this.#gateway.catalogue.priceBeside(model, other.model))
    const cost_nanos = full < hold.amount ? full : hold.amount
    return {
      id: this.#id,
      started_at: new Date(startedAt).toISOString(),
      gateway_id: this.#gateway.gatewayId,
      tenant_id: facts.tenant_id,
      key_id: facts.key_id,
      member_id: facts.member_id,
      allocation_id: facts.allocation_id,
      draws_on_balance: hold.lease.chain.usesBalance,
      lease_id: hold.lease.id,
      model: model.name,
      provider_id: model.provider.id,
      provider_name: model.provider.name,
      price_id: model.price_id,
      status: outcome.status,
      http_status: outcome.http_status,
      error_code: outcome.error_code,
      is_streamed: ask.isStream,
      is_estimated,
      input_tokens: usage.input_tokens,
      cached_input_tokens: usage.cached_input_tokens,
      cache_write_tokens: usage.cache_write_tokens,
      cache_write_1h_tokens: usage.cache_write_1h_tokens,
      output_tokens: usage.output_tokens,
      reasoning_tokens: usage.reasoning_tokens,
      hold_nanos: hold.amount,
      cost_nanos,
      excess_nanos: full - cost_nanos,
      latency_ms: Date.now() - startedAt,
      first_byte_ms: this.#firstByteAt === null ? null : this.#firstByteAt - startedAt,
    }
  }
}

/** Whether money set aside for one model does for the other as it is. */
function costsTheSame(a: PricedModel, b: PricedModel): boolean {
  const kinds = ['input', 'cached_input', 'cache_write', 'cache_write_1h', 'output'] as const
  return (
    kinds.every((kind) => a.price[kind] === b.price[kind]) &&
    a.context_tokens_max === b.context_tokens_max &&
    a.output_tokens_max === b.output_tokens_max &&
    (a.provider.tenant_id === null) === (b.provider.tenant_id === null)
  )
}

/** An ending stream leaves this much of what is paid for: what was already on its way. */
const END_MARGIN_TOKENS = 16
/** How much more of an answer may pass before it is counted again, once money is short. */
const RECHECK_TOKENS = 32

const estimated = (usage: TokenUsage): Metered => ({ usage, is_estimated: true })
const NOTHING: Metered = { usage: estimate(0), is_estimated: false }
const failedMidway: Outcome = { status: 'failed', http_status: 200, error_code: 'provider_error' }
const succeeded: Outcome = { status: 'succeeded', http_status: 200, error_code: null }
const canceled: Outcome = { status: 'canceled', http_status: CLIENT_CLOSED, error_code: null }
const INTERRUPTED: Outcome = { status: 'interrupted', http_status: 500, error_code: null }
const unreadable = (cause?: unknown) =>
  new DomainError('provider_error', 'The model provider’s answer can’t be read. Try again.', {}, cause)
