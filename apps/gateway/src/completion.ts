import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServedModel } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import type { Settlement } from '@stipend/core/spend'
import { costOf, type TokenUsage } from '@stipend/money'
import { toOpenAI } from '@stipend/wire/errors'
import type { Dispatcher } from 'undici'
import { type Admission, admit, identify, metering, meteringUnavailable } from './admit.ts'
import { readBody } from './body.ts'
import type { Gateway } from './gateway.ts'
import { estimate, type Metered, meterAnswer, StreamMeter } from './openai/chat-meter.ts'
import { type ChatRequest, parseChatRequest, upstreamBody } from './openai/chat-request.ts'
import { providerError, readBounded, readRefusal } from './upstream.ts'

const ANSWER_BYTES_MAX = 64 * 1024 * 1024
/** How long a finished answer waits for the ledger: a client that goes on at once must find the money it got back. */
const SETTLE_WAIT_MS = 2_000
/** nginx's word for "the client closed the request". */
const CLIENT_CLOSED = 499

type Outcome = Pick<Settlement, 'status' | 'http_status' | 'error_code'>

/** One chat completion from the first byte to the last cent. Throws only before anything was answered. */
export async function complete(
  gateway: Gateway,
  http: { request: IncomingMessage; response: ServerResponse; id: string; secret: string },
): Promise<Outcome & { key_id?: string }> {
  const startedAt = Date.now()
  const { request, model, bodyBytes } = await understand(gateway, http)
  const admission = await admit(gateway, { secret: http.secret, request, bodyBytes, model })
  const exchange = new Exchange(gateway, http, { startedAt, request, model, admission })
  return { ...(await exchange.run()), key_id: admission.lease.key_id }
}

/** What is asked for. Whoever asks without a valid key hears of that first, not of their JSON. */
async function understand(gateway: Gateway, http: { request: IncomingMessage; secret: string }) {
  try {
    refuseCompressed(http.request)
    const body = await readBody(http.request, gateway.limits)
    const request = parseChatRequest(body)
    const model = await metering(() => gateway.catalogue.find(request.model))
    if (model === undefined) {
      throw new DomainError(
        'model_not_found',
        `There is no model "${request.model.slice(0, 100)}" on this key. GET /v1/models lists those you can use.`,
        { param: 'model' },
      )
    }
    return { request, model, bodyBytes: body.length }
  } catch (error) {
    if (error instanceof DomainError && error.code !== 'request_timeout') {
      await identify(gateway.database, { secret: http.secret, gatewayId: gateway.gatewayId })
    }
    throw error
  }
}

function refuseCompressed({ headers }: IncomingMessage): void {
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return
  throw new DomainError('unsupported_media_type', 'Send the body as plain JSON, without compression.')
}

type Facts = { startedAt: number; request: ChatRequest; model: ServedModel; admission: Admission }

/** A request that money is set aside for: forwarded, passed on, measured, settled once. */
class Exchange {
  readonly #gateway: Gateway
  readonly #response: ServerResponse
  readonly #id: string
  readonly #facts: Facts
  readonly #client = new AbortController()
  #firstByteAt: number | null = null
  #settled: Promise<void> | null = null
  #outcome: Outcome | null = null

  constructor(gateway: Gateway, http: { response: ServerResponse; id: string }, facts: Facts) {
    this.#gateway = gateway
    this.#response = http.response
    this.#id = http.id
    this.#facts = facts
  }

  async run(): Promise<Outcome> {
    const onClose = () => {
      if (!this.#response.writableFinished) this.#client.abort()
    }
    this.#response.on('close', onClose)
    const stop = () => this.#client.abort()
    this.#gateway.draining.addEventListener('abort', stop)
    try {
      await this.#exchange()
    } finally {
      this.#response.off('close', onClose)
      this.#gateway.draining.removeEventListener('abort', stop)
    }
    return this.#outcome ?? { status: 'failed', http_status: 500, error_code: 'internal' }
  }

  async #exchange(): Promise<void> {
    const { request, model, admission } = this.#facts
    if (this.#response.destroyed) return this.#settle(NOTHING, canceled)

    // Should this process die, the prompt is what the provider had surely been sent.
    try {
      this.#gateway.journal.hold(this.#settlement(estimated(this.#promptOnly()), INTERRUPTED))
    } catch (error) {
      return this.#fail(NOTHING, meteringUnavailable(error))
    }
    const isStream = request.stream === true
    let response: Dispatcher.ResponseData
    try {
      response = await this.#gateway.upstreams.send(model, {
        path: '/chat/completions',
        body: upstreamBody(request, model.upstream_name, admission.outputMax),
        isStream,
        signal: this.#client.signal,
      })
    } catch (error) {
      if (this.#client.signal.aborted) return this.#settle(estimated(this.#promptOnly()), canceled)
      return this.#fail(NOTHING, providerError(error))
    }

    const contentType = String(response.headers['content-type'] ?? '')
    if (response.statusCode !== 200) await this.#refuse(response)
    else if (contentType.startsWith('text/event-stream')) await this.#relayStream(response)
    else await this.#relayWhole(response, contentType)
  }

  /** The provider says no: nothing is charged. */
  async #refuse(response: Dispatcher.ResponseData): Promise<void> {
    let refusal: Awaited<ReturnType<typeof readRefusal>>
    try {
      refusal = await readRefusal(response)
    } catch (error) {
      if (this.#client.signal.aborted) return this.#settle(NOTHING, canceled)
      return this.#fail(NOTHING, providerError(error))
    }
    if ('error' in refusal) return this.#fail(NOTHING, refusal.error)
    const { status, body } = refusal.passed
    await this.#settle(NOTHING, { status: 'failed', http_status: status, error_code: 'provider_error' })
    this.#writeHead(status, { 'content-type': 'application/json', 'x-should-retry': 'false' })
    this.#response.end(body)
  }

  async #relayWhole(response: Dispatcher.ResponseData, contentType: string): Promise<void> {
    let body: Buffer
    let answer: unknown
    try {
      body = await readBounded(response.body, ANSWER_BYTES_MAX)
      this.#firstByteAt = Date.now()
      answer = JSON.parse(body.toString('utf8'))
    } catch (error) {
      if (this.#client.signal.aborted) return this.#settle(estimated(this.#promptOnly()), canceled)
      return this.#fail(NOTHING, error instanceof SyntaxError ? unreadable(error) : providerError(error))
    }
    await this.#settle(meterAnswer(answer, this.#facts.admission.inputTokens), succeeded)
    this.#writeHead(200, { 'content-type': contentType, 'content-length': body.length })
    this.#response.end(body)
  }

  async #relayStream(response: Dispatcher.ResponseData): Promise<void> {
    const { request, admission } = this.#facts
    const meter = new StreamMeter({ hidesUsage: request.stream_options?.include_usage !== true })
    const ended = () => {
      if (meter.failure !== undefined) {
        const said = new Error(meter.failure.slice(0, 1_000))
        throw new DomainError(
          'provider_error',
          'The model provider failed in the middle of its answer. Try again.',
          {},
          said,
        )
      }
      if (meter.isEmpty) throw unreadable()
      return this.#settle(meter.metered(admission.inputTokens), succeeded)
    }
    this.#writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
    this.#response.flushHeaders()
    try {
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        this.#firstByteAt ??= Date.now()
        const events = meter.feed(chunk)
        // Many clients stop at [DONE] and ask again at once: by then the money must be back.
        if (meter.isDone) await ended()
        await this.#write(events.map((event) => event.raw))
      }
      await ended()
      await this.#write([meter.rest()])
      this.#response.end()
    } catch (error) {
      const soFar = meter.meteredSoFar(admission.inputTokens)
      if (this.#client.signal.aborted) {
        await this.#settle(soFar, canceled)
        if (!this.#response.destroyed) this.#response.end()
        return
      }
      // Half an answer was delivered and is charged; after the first byte an error can only be an event.
      const broken = providerError(error)
      this.#logFailure(broken)
      await this.#settle(meter.isEmpty ? NOTHING : soFar, { ...failed(broken), http_status: 200 })
      this.#response.end(`data: ${JSON.stringify(toOpenAI(broken).body)}\n\n`)
    }
  }

  async #write(parts: Buffer[]): Promise<void> {
    const bytes = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
    if (bytes.length === 0 || this.#response.write(bytes)) return
    await once(this.#response, 'drain', { signal: this.#client.signal })
  }

  async #fail(metered: Metered, error: DomainError): Promise<void> {
    this.#logFailure(error)
    await this.#settle(metered, failed(error))
    const answer = toOpenAI(error)
    this.#writeHead(answer.status, answer.headers)
    this.#response.end(JSON.stringify(answer.body))
  }

  #logFailure(error: DomainError): void {
    const { name: provider } = this.#facts.model.provider
    this.#gateway.log.warn({ request_id: this.#id, provider, err: error }, 'request failed')
  }

  #writeHead(status: number, headers: Record<string, string | number>): void {
    const { outputMax } = this.#facts.admission
    if (outputMax !== undefined) this.#response.setHeader('x-stipend-output-tokens-max', outputMax)
    this.#response.writeHead(status, headers)
  }

  #promptOnly(): TokenUsage {
    return estimate(this.#facts.admission.inputTokens(), [])
  }

  /** Tells the ledger, once, and waits for it for a moment. */
  async #settle(metered: Metered, outcome: Outcome): Promise<void> {
    if (this.#settled === null) {
      this.#outcome = outcome
      this.#settled = this.#gateway.settler.record(this.#settlement(metered, outcome))
    }
    const waited = new AbortController()
    const patience = sleep(SETTLE_WAIT_MS, undefined, { signal: waited.signal }).catch(() => {})
    await Promise.race([this.#settled, patience])
    waited.abort()
  }

  #settlement({ usage, is_estimated }: Metered, outcome: Outcome): Settlement {
    const { startedAt, request, model, admission } = this.#facts
    const { lease } = admission
    const full = costOf(usage, model.price)
    const cost_nanos = full < lease.amount_nanos ? full : lease.amount_nanos
    return {
      ...outcome,
      ...usage,
      is_estimated,
      id: this.#id,
      started_at: new Date(startedAt).toISOString(),
      gateway_id: this.#gateway.gatewayId,
      tenant_id: lease.tenant_id,
      key_id: lease.key_id,
      member_id: lease.member_id,
      allocation_id: lease.allocation_id,
      draws_on_balance: true,
      lease_id: lease.lease_id,
      model: model.name,
      provider_id: model.provider.id,
      provider_name: model.provider.name,
      price_id: model.price_id,
      is_streamed: request.stream === true,
      hold_nanos: lease.amount_nanos,
      cost_nanos,
      excess_nanos: full - cost_nanos,
      release_nanos: lease.amount_nanos - cost_nanos,
      latency_ms: Date.now() - startedAt,
      first_byte_ms: this.#firstByteAt === null ? null : this.#firstByteAt - startedAt,
    }
  }
}

const unreadable = (cause?: unknown) =>
  new DomainError('provider_error', 'The model provider’s answer can’t be read. Try again.', {}, cause)
const estimated = (usage: TokenUsage): Metered => ({ usage, is_estimated: true })
const NOTHING: Metered = { usage: estimate(0, []), is_estimated: false }
const succeeded: Outcome = { status: 'succeeded', http_status: 200, error_code: null }
const canceled: Outcome = { status: 'canceled', http_status: CLIENT_CLOSED, error_code: null }
const INTERRUPTED: Outcome = { status: 'interrupted', http_status: 500, error_code: null }
const failed = (error: DomainError): Outcome => ({
  status: 'failed',
  http_status: toOpenAI(error).status,
  error_code: error.code,
})
