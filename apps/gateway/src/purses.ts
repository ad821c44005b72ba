import { DomainError } from '@stipend/core/errors'
import { hashSecret, parseSecret } from '@stipend/core/secrets'
import { type Database, type Subscription, subscribe } from '@stipend/db'
import type { Log } from '@stipend/runtime'
import type { Journal } from './journal.ts'
import { Ledger } from './ledger.ts'
import { Purse } from './purse.ts'

const SWEEP_MS = 1_000
/** Money that nobody has used for this long goes back. */
const IDLE_MS = 10_000
/** A key that nobody has used for this long is forgotten. */
const FORGET_MS = 600_000
/** How long an unknown key is known to be unknown. */
const UNKNOWN_MS = 1_000
const UNKNOWN_MAX = 10_000

/** What purses need of the gateway they are in. */
export type PurseContext = {
  database: Database
  gatewayId: string
  ledger: Ledger
  /** Milliseconds since the epoch by the database's clock. */
  now: () => number
  /** The database has answered, and what its clock said. */
  heard: (at: Date) => void
  /** Whether changes are being heard of. Where they aren't, nothing that is remembered is trusted. */
  isChannelUp: () => boolean
  /** When the database last answered, by `performance.now()`. */
  lastHeard: () => number
  /** All purses that draw from an account. */
  pursesOf: (accountId: string) => Iterable<Purse>
}

/** The purses of all keys this gateway has seen, and what is heard about them. */
export class Purses {
  readonly ledger: Ledger
  readonly #context: PurseContext
  readonly #log: Log
  readonly #byHash = new Map<string, Purse>()
  readonly #lastOf = new WeakMap<object, { secret: string; name: string; purse: Purse }>()
  readonly #unknown = new Map<string, number>()
  readonly #subscription: Subscription
  readonly #sweeper: NodeJS.Timeout
  readonly #onCatalogue: (tenantId?: string) => void
  readonly #onRules: (tenantId?: string) => void
  #isChannelUp = false
  /** The database's clock less ours. */
  #clockOffset = 0

  constructor(args: {
    database: Database
    gatewayId: string
    journal: Journal
    log: Log
    /** Models or prices have changed, or may have. */
    onCatalogue: (tenantId?: string) => void
    /** Rules have changed, or may have. */
    onRules: (tenantId?: string) => void
  }) {
    const { database, gatewayId, journal, log } = args
    this.#log = log
    this.#onCatalogue = args.onCatalogue
    this.#onRules = args.onRules
    this.ledger = new Ledger({ database, gatewayId, journal, log, leaseIds: () => this.#leaseIds() })
    this.#context = {
      database,
      gatewayId,
      ledger: this.ledger,
      now: () => Date.now() + this.#clockOffset,
      heard: (at) => {
        this.#clockOffset = at.getTime() - Date.now()
        this.ledger.noteAnswer()
      },
      isChannelUp: () => this.#isChannelUp,
      lastHeard: () => this.ledger.lastHeard,
      pursesOf: (accountId) => this.#pursesOf(accountId),
    }
    this.#subscription = subscribe(database, {
      onMessage: (message) => this.#hear(message),
      onReady: () => {
        this.#invalidate(this.#byHash.values())
        this.#isChannelUp = true
        this.#onCatalogue()
        this.#onRules()
      },
      onLost: () => {
        this.#isChannelUp = false
        log.warn('the channel of changes is lost: nothing remembered is trusted until it is back')
      },
    })
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS)
    this.#sweeper.unref()
  }

  /**
   * The purse of a key that a client sent. Throws invalid_api_key for what can't be one, or isn't known. Most requests bring the key of
   * the one before on their connection.
   */
  find(secret: string, connection?: object): Purse {
    const last = connection && this.#lastOf.get(connection)
    if (last?.secret === secret && this.#byHash.get(last.name) === last.purse) return last.purse
    const hash = hashSecret(secret)
    const name = hash.toString('base64')
    const purse = this.#byHash.get(name)
    if (purse !== undefined) {
      if (connection !== undefined) this.#lastOf.set(connection, { secret, name, purse })
      return purse
    }
    if (parseSecret(secret) !== 'key') throw notAKey()
    const unknownUntil = this.#unknown.get(name)
    if (unknownUntil !== undefined && performance.now() < unknownUntil) throw unknown()
    const made = new Purse(hash, this.#context)
    this.#byHash.set(name, made)
    return made
  }

  /** To be told of errors: a key that turned out to be unknown is remembered as that for a moment, and takes no room. */
  noteError(purse: Purse, error: unknown): void {
    if (!(error instanceof DomainError) || purse.facts !== null) return
    const name = purse.secretHash.toString('base64')
    this.#byHash.delete(name)
    if (error.code !== 'invalid_api_key') return
    if (this.#unknown.size >= UNKNOWN_MAX) this.#unknown.clear()
    this.#unknown.set(name, performance.now() + UNKNOWN_MS)
  }

  /** Milliseconds since the epoch by the database's clock. */
  now(): number {
    return this.#context.now()
  }

  /** Whether changes are being heard of. Where they aren't, nothing that is remembered is trusted. */
  get isChannelUp(): boolean {
    return this.#isChannelUp
  }

  async close(deadline: AbortSignal): Promise<void> {
    clearInterval(this.#sweeper)
    await this.#subscription.close()
    for (const purse of this.#byHash.values()) purse.retire()
    // What is drawn ahead must be there to be given back.
    await Promise.all([...this.#byHash.values()].map((purse) => purse.quiet()))
    await this.ledger.close(deadline)
  }

  *#pursesOf(accountId: string): Iterable<Purse> {
    for (const purse of this.#byHash.values()) if (purse.accounts().includes(accountId)) yield purse
  }

  #leaseIds(): string[] {
    return [...this.#byHash.values()].flatMap((purse) => [...purse.leaseIds()])
  }

  /** `key key_…`, `account …`, `member …`, `tenant …`, `catalogue`, `catalogue ten_…`, `rules ten_…`, `recall ACCOUNT GATEWAY`. */
  #hear(message: string): void {
    const [subject, id, from] = message.split(' ')
    if (subject === 'catalogue') this.#onCatalogue(id)
    if (subject === 'rules') this.#onRules(id)
    if (id === undefined || subject === 'catalogue' || subject === 'rules') return
    if (subject === 'recall') {
      if (from === this.#context.gatewayId) return
      for (const purse of this.#pursesOf(id)) purse.retire(id)
      void this.ledger.flushNow()
      return
    }
    if (subject === 'account') {
      // A limit may be lower now: what was drawn under the old one goes back, and what is needed is drawn anew.
      const purses = [...this.#pursesOf(id)]
      for (const purse of purses) purse.retire(id)
      void this.ledger.flushNow()
      this.#invalidate(purses)
      return
    }
    this.#invalidate(
      [...this.#byHash.values()].filter(({ facts }) => {
        if (facts === null) return false
        if (subject === 'key') return facts.key_id === id
        return subject === 'member' ? facts.member_id === id : facts.tenant_id === id
      }),
    )
  }

  #invalidate(purses: Iterable<Purse>): void {
    for (const purse of purses) {
      purse.invalidate()
      if (purse.running.size > 0 || purse.unused() > 0n) void this.#review(purse)
    }
  }

  /** A key in use was changed: one that is revoked has its running requests cut, one that may not be used gives its money back. */
  async #review(purse: Purse): Promise<void> {
    const refusal = await purse.revalidate()
    if (refusal === null || refusal.code === 'metering_unavailable') return
    purse.retire()
    if (refusal.code !== 'key_revoked') return
    this.#log.info({ key_id: purse.facts?.key_id, cut: purse.running.size }, 'key revoked')
    purse.running.cutAll(refusal)
  }

  #sweep(): void {
    const now = performance.now()
    for (const [name, purse] of this.#byHash) {
      if (purse.running.size > 0 || now - purse.lastUsedAt < IDLE_MS) continue
      purse.retire()
      if (purse.isIdle && now - purse.lastUsedAt > FORGET_MS) this.#byHash.delete(name)
    }
    for (const [name, until] of this.#unknown) if (now > until) this.#unknown.delete(name)
  }
}

export function notAKey(): DomainError {
  return new DomainError(
    'invalid_api_key',
    'This is not a Stipend API key. Check that you pasted all of it; it begins with sk-stp-.',
  )
}

function unknown(): DomainError {
  return new DomainError(
    'invalid_api_key',
    'This API key is not known here. Check that you pasted all of it, or ask for a new key.',
  )
}
