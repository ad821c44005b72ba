import type { ServerResponse } from 'node:http'
import { DomainError } from '@stipend/core/errors'
import type { KeyFacts, Settlement } from '@stipend/core/spend'
import { costOf, type TokenUsage } from '@stipend/money'
import { toOpenAI } from '@stipend/wire/errors'
import type { Dispatcher } from 'undici'
import { type Admission, type Need, STRETCH_TOKENS } from './admit.ts'
import type { Asked, Http } from './completion.ts'
import type { Gateway } from './gateway.ts'
import { createStreamMeter, estimate, type Metered, meterAnswer, type StreamMeter } from './meter/meter.ts'
import { upstreamBody } from './openai/chat-request.ts'
import type { Purse } from './purse.ts'
import { ERROR_BYTES_MAX, providerError, readRefusal } from './upstream.ts'

const ANSWER_BYTES_MAX = 64 * 1024 * 1024
/** nginx's word for "the client closed the request". */
const CLIENT_CLOSED = 499
/** A prompt that nobody will count any more is taken for a token every so many bytes. */
const BYTES_PER_TOKEN = 4

type Outcome = Pick<Settlement, 'status' | 'http_status' | 'error_code'>
type Facts = Asked & { startedAt: number; purse: Purse; facts: KeyFacts; need: Need; admission: Admission }

/**
 * A request that money is set aside for: forwarded, passed on as it comes, measured, settled once. It is the handler of the
 * provider's answer itself: nothing stands between the two sockets.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #gateway: Gateway
  readonly #response: ServerResponse
  readonly #id: string
  readonly #facts: Facts
  readonly #done = Promise.withResolvers<void>()
  #upstream: Dispatcher.DispatchController | null = null
  #kind: 'stream' | 'whole' | 'refusal' = 'refusal'
  #status = 0
  #contentType = ''
  #retryAfter = ''
  #chunks: Buffer[] = []
  #bytes = 0
  #meter: StreamMeter | null = null
  /** Tokens of the answer that the hold pays for; unlimited where it pays for the whole answer. */
  #covered: number
  #isExtending = false
  #isForwarded = false
  #firstByteAt: number | null = null
  #outcome: Outcome | null = null
  #isOver = false

  constructor(gateway: Gateway, http: Http, facts: Facts) {
    this.#gateway = gateway
    this.#response = http.response
    this.#id = http.id
    this.#facts = facts
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
      // Should this process die, the prompt is what the provider had surely been sent.
      gateway.journal.hold(this.#ifInterrupted(), (error) => this.#forward(error))
      await this.#done.promise
    } finally {
      response.off('close', onClose)
      response.off('drain', onDrain)
      purse.running.delete(this)
      gateway.running.delete(this)
    }
    return { status: this.#outcome?.http_status ?? 500, code: this.#outcome?.error_code ?? null }
  }

  #forward(failure: Error | null): void {
    if (this.#isOver) return
    if (failure !== null) {
      const words = 'This request can’t be recorded at the moment. Try again in a few seconds.'
      this.#fail(new DomainError('metering_unavailable', words, { retry_after_seconds: 5 }, failure))
      return
    }
    const { request, body, model, admission } = this.#facts
    const isStream = request.stream === true
    this.#isForwarded = true
    const forwarded = upstreamBody(body, request, model.upstream_name, admission.outputMax)
    this.#gateway.upstreams.dispatch(model, { path: '/chat/completions', body: forwarded, isStream }, this)
  }

  /** The key was revoked, or the gateway is going away: the answer ends here. */
  cut(error: DomainError): void {
    if (this.#isOver) return
    const metered = this.#measureSoFar()
    this.#settle(metered, { ...failed(error), status: 'canceled' })
    // Over first: what the abort calls back must find nothing left to do.
    this.#finish()
    this.#upstream?.abort(error)
    this.#answerError(error)
  }

  // --- the provider's side ------------------------------------------------------------------------------------------

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#upstream = controller
    if (this.#isOver) controller.abort(new Error('over'))
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return
    this.#status = status
    this.#contentType = String(headers['content-type'] ?? '')
    this.#retryAfter = String(headers['retry-after'] ?? '')
    if (status !== 200) return
    if (!this.#contentType.startsWith('text/event-stream')) {
      this.#kind = 'whole'
      return
    }
    this.#kind = 'stream'
    const { request, need } = this.#facts
    const hidesUsage = request.stream_options?.include_usage !== true
    this.#meter = createStreamMeter('chat', { hidesUsage, hidesFailure: true, answers: need.answers })
    this.#writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
    this.#response.flushHeaders()
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return
    this.#firstByteAt ??= Date.now()
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
      if (out.length > 0) this.#response.write(out)
      const words = 'The model provider failed in the middle of its answer. Try again.'
      this.#fail(new DomainError('provider_error', words, {}, new Error(meter.failure)))
      controller.abort(new Error('the provider failed'))
      return
    }
    // Many clients stop at [DONE] and ask again at once: by then the money must be back.
    if (meter.isDone) {
      this.#settleEnded(meter.metered(this.#inputTokens))
      this.#whenWritten(() => this.#response.write(out))
      return
    }
    if (out.length > 0 && !this.#response.write(out)) controller.pause()
    if (this.#covered !== Number.POSITIVE_INFINITY) this.#mind(meter)
  }

  onResponseEnd(): void {
    if (this.#isOver) return
    if (this.#meter !== null) {
      const rest = this.#meter.end()
      if (this.#meter.isEmpty) {
        this.#fail(unreadable())
        return
      }
      this.#settleEnded(this.#meter.metered(this.#inputTokens))
      this.#whenWritten(() => {
        if (rest.length > 0) this.#response.write(rest)
        this.#response.end()
      })
    } else if (this.#kind === 'whole') {
      this.#answerWhole(Buffer.concat(this.#chunks, this.#bytes))
    } else {
      this.#passRefusal(Buffer.concat(this.#chunks, this.#bytes))
    }
    this.#finish()
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (this.#isOver) return
    this.#fail(providerError(error))
  }

  // --- ends ---------------------------------------------------------------------------------------------------------

  #answerWhole(body: Buffer): void {
    let answer: unknown
    try {
      answer = JSON.parse(body.toString('utf8'))
    } catch (error) {
      this.#fail(unreadable(error))
      return
    }
    this.#settleEnded(meterAnswer('chat', answer, this.#inputTokens))
    this.#whenWritten(() => {
      this.#writeHead(200, { 'content-type': this.#contentType, 'content-length': body.length })
      this.#response.end(body)
    })
  }

  /** The provider says no: nothing is charged. */
  #passRefusal(body: Buffer): void {
    const refusal = readRefusal(this.#status, this.#retryAfter, body)
    if ('error' in refusal) {
      this.#fail(refusal.error)
      return
    }
    this.#settle(NOTHING, { status: 'failed', http_status: this.#status, error_code: 'provider_error' })
    this.#writeHead(this.#status, { 'content-type': 'application/json', 'x-should-retry': 'false' })
    this.#response.end(body)
  }

  /** What was delivered of a stream is charged; an answer that never arrived is not. */
  #fail(error: DomainError): void {
    const delivered = this.#meter !== null && !this.#meter.isEmpty
    const metered = delivered ? (this.#meter?.metered(this.#inputTokens) ?? NOTHING) : NOTHING
    this.#settle(metered, this.#meter === null ? failed(error) : { ...failed(error), http_status: 200 })
    const { log } = this.#gateway
    log.warn({ request_id: this.#id, provider: this.#facts.model.provider.name, err: error }, 'provider failed')
    this.#answerError(error)
    this.#finish()
  }

  /** The client is gone: it is charged for what was sent and produced. */
  #hangUp(): void {
    if (this.#isOver) return
    this.#settle(this.#measureSoFar(), canceled)
    this.#finish()
    this.#upstream?.abort(new Error('the client hung up'))
  }

  #answerError(error: DomainError): void {
    if (this.#response.destroyed) return
    const answer = toOpenAI(error)
    if (this.#response.headersSent) {
      // After the first byte an error can only be an event.
      this.#response.end(`data: ${JSON.stringify(answer.body)}\n\n`)
      return
    }
    this.#writeHead(answer.status, answer.headers)
    this.#response.end(JSON.stringify(answer.body))
  }

  #writeHead(status: number, headers: Record<string, string | number>): void {
    const { outputMax } = this.#facts.admission
    if (outputMax !== undefined) this.#response.setHeader('x-stipend-output-tokens-max', outputMax)
    this.#response.writeHead(status, headers)
  }

  #finish(): void {
    this.#isOver = true
    this.#done.resolve()
  }

  // --- money --------------------------------------------------------------------------------------------------------

  /** The taxi's meter: where the stream nears the end of what is held, more is, or it ends properly. */
  #mind(meter: StreamMeter): void {
    if (this.#isExtending || meter.roughTokens() < this.#covered - STRETCH_TOKENS / 2) return
    const { purse, need, admission } = this.#facts
    const stretch = this.#stretch()
    if (stretch === 0n) {
      this.#covered = Number.POSITIVE_INFINITY
      return
    }
    if (purse.extend(admission.hold, stretch)) {
      this.#covered += STRETCH_TOKENS
      return
    }
    this.#isExtending = true
    const { lease } = admission.hold
    void purse
      .extendByDrawing(admission.hold, stretch, stretch)
      .catch(() => false)
      .then((extended) => {
        this.#isExtending = false
        if (this.#isOver) return
        // Its money is in another lease now: that one has to pay should this process die.
        if (admission.hold.lease !== lease) this.#gateway.journal.hold(this.#ifInterrupted(), () => {})
        if (extended) {
          this.#covered += STRETCH_TOKENS
          return
        }
        // No more to be had: count exactly what is left of the hold, and end where it ends.
        const paid = need.affordable(admission.hold.amount)
        if (meter.countedTokens() >= (paid - END_MARGIN_TOKENS) * need.answers) this.#endForWantOfMoney(meter)
        else this.#covered = Math.max(this.#covered, meter.roughTokens() + STRETCH_TOKENS / 2 + RECHECK_TOKENS)
      })
  }

  #stretch(): bigint {
    const { need } = this.#facts
    if (this.#covered >= need.outputMax) return 0n
    return need.cost(STRETCH_TOKENS, { counted: false }) - need.cost(0, { counted: false })
  }

  #endForWantOfMoney(meter: StreamMeter): void {
    const metered = meter.metered(this.#inputTokens)
    this.#settle(metered, { status: 'succeeded', http_status: 200, error_code: 'budget_exhausted' })
    this.#finish()
    this.#upstream?.abort(new Error('the money is spent'))
    this.#response.end(meter.ending(metered.usage))
  }

  readonly #inputTokens = (): number => this.#facts.need.inputTokens()

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
      const provider = this.#facts.model.provider.name
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
    this.#gateway.purses.ledger.record(this.#settlement(metered, outcome), this.#facts.admission.hold)
  }

  #settlement({ usage, is_estimated }: Metered, outcome: Outcome): Settlement {
    const { startedAt, request, model, facts, admission } = this.#facts
    const { hold } = admission
    const full = costOf(usage, model.price)
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
      is_streamed: request.stream === true,
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
const failed = (error: DomainError): Outcome => ({
  status: 'failed',
  http_status: toOpenAI(error).status,
  error_code: error.code,
})
const unreadable = (cause?: unknown) =>
  new DomainError('provider_error', 'The model provider’s answer can’t be read. Try again.', {}, cause)
