import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { DomainError } from '@stipend/core/errors'
import type { KeyFacts } from '@stipend/core/spend'
import { addressOf } from '@stipend/runtime'
import type { Http } from './gateway.ts'
import { paceHeaders } from './pace.ts'
import type { Purse } from './purse.ts'
import { notAKey, type Purses } from './purses.ts'

/**
 * So many wrong keys may come from one address at once, more than a class of thirty that all mistyped theirs, and then so many each
 * second: a school has one address, so a pupil who guesses may slow down a new key of somebody else's, and not lock it out.
 */
const GUESSES_MAX = 100
const GUESSES_PER_MS = 4 / 1000
const ADDRESSES_MAX = 10_000

/** Who may come in: the key, where it may be used from, and how often somebody may try keys that don't exist. */
export class Door {
  readonly #purses: Purses
  readonly #trustedProxies: number
  readonly #guesses = new Map<string, { left: number; at: number }>()
  readonly #allowed = new WeakMap<readonly string[], BlockList>()

  /** `trustedProxies`: so many proxies of our own stand in front, each of which adds where it was called from. */
  constructor(purses: Purses, trustedProxies: number) {
    this.#purses = purses
    this.#trustedProxies = trustedProxies
  }

  /** The purse of the key that a request brings. Throws `invalid_api_key`, or `rate_limited` for who tries too many. */
  find({ request }: Http): Purse {
    try {
      const purse = this.#purses.find(readKey(request), request.socket)
      // A key that is known here is no guess.
      if (purse.facts === null) this.#refuseGuessing(this.addressOf(request))
      return purse
    } catch (error) {
      this.#noteFailure(this.addressOf(request), error)
      throw error
    }
  }

  /** Throws why the key may not be used, or not from here. At once where all is in memory. */
  check(http: Http, purse: Purse): KeyFacts | Promise<KeyFacts> {
    const checked = purse.check()
    return checked === undefined ? this.#admitted(http, purse) : checked.then(() => this.#admitted(http, purse))
  }

  /** To be told of errors on the way: a key that turned out to be unknown counts against its address. */
  noteError({ request }: Http, purse: Purse, error: unknown): void {
    this.#purses.noteError(purse, error)
    this.#noteFailure(this.addressOf(request), error)
  }

  /** Where a request comes from. Headers are believed only as far as our own proxies wrote them. */
  addressOf(request: IncomingMessage): string {
    return addressOf(request, this.#trustedProxies)
  }

  #admitted(http: Http, purse: Purse): KeyFacts {
    const { facts } = purse
    if (facts === null) throw new Error('a key was checked that nobody knows')
    const { allowed_ips, requests_per_minute } = facts
    if (requests_per_minute !== null) tellPace(http, purse, requests_per_minute)
    if (allowed_ips !== null) this.#refuseAddress(allowed_ips, this.addressOf(http.request))
    return facts
  }

  #refuseAddress(allowed_ips: readonly string[], address: string): void {
    let list = this.#allowed.get(allowed_ips)
    if (list === undefined) {
      list = listOf(allowed_ips)
      this.#allowed.set(allowed_ips, list)
    }
    const family = isIP(address)
    if (family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')) return
    throw new DomainError(
      'ip_not_allowed',
      `This API key works only from certain addresses, and you are at ${family === 0 ? 'an unknown one' : address}. Ask whoever gave it to you.`,
    )
  }

  #refuseGuessing(address: string): void {
    if (this.#guessesLeft(address) >= 1) return
    const words =
      'Too many wrong API keys came from this address. Wait a few seconds, then try again with the right one.'
    throw new DomainError('rate_limited', words, { retry_after_seconds: 1 })
  }

  #guessesLeft(address: string): number {
    const known = this.#guesses.get(address)
    if (known === undefined) return GUESSES_MAX
    return Math.min(GUESSES_MAX, known.left + (performance.now() - known.at) * GUESSES_PER_MS)
  }

  #noteFailure(address: string, error: unknown): void {
    if (!(error instanceof DomainError) || error.code !== 'invalid_api_key') return
    const left = Math.max(0, this.#guessesLeft(address) - 1)
    if (this.#guesses.size >= ADDRESSES_MAX) this.#guesses.clear()
    this.#guesses.set(address, { left, at: performance.now() })
  }
}

/** Every answer of a key with such a limit says how much of it is left, those too that don't count. */
export function tellPace({ response, family }: Http, { pace }: Purse, limit: number): void {
  if (response.headersSent) return
  for (const [name, value] of Object.entries(paceHeaders(pace, limit, family))) {
    if (value !== undefined) response.setHeader(name, value)
  }
}

/** The key a client sends, in either of the two headers, or the error that says what is wrong with it. */
function readKey({ headers }: IncomingMessage): string {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1]
  const secret = bearer ?? headers['x-api-key']
  if (typeof secret === 'string' && secret !== '') return secret
  if (headers.authorization !== undefined) throw notAKey()
  const words = 'No API key was sent. Send yours as "Authorization: Bearer sk-stp-…".'
  throw new DomainError('invalid_api_key', words)
}

function listOf(entries: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/')
    const family = isIP(address)
    if (family === 0) continue
    list.addSubnet(
      address,
      bits === undefined ? (family === 6 ? 128 : 32) : Number(bits),
      family === 6 ? 'ipv6' : 'ipv4',
    )
  }
  return list
}
