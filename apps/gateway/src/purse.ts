import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '@stipend/core'
import type { DomainError } from '@stipend/core/errors'
import { type Draw, draw, type KeyFacts, keyRefusal } from '@stipend/core/spend'
import { tellGateways } from '@stipend/db'
import { inTime, unavailable } from './in-time.ts'
import {
  APPETITE_START,
  type Chain,
  type Hold,
  type HoldOptions,
  knownShortage,
  type Lease,
  newChain,
  newLease,
  type Shortage,
  unusedOf,
} from './lease.ts'
import { Pace } from './pace.ts'
import type { PurseContext } from './purses.ts'
import { Running } from './running.ts'

/** After this long without hearing from the database, money drawn earlier is no longer given out: others may take it back. */
const LEASE_TRUST_MS = 300_000
/** What is drawn beyond the need of the moment, as a multiple of it: doubled up to this when the next draw comes soon. */
const APPETITE_MAX = 4_096n
/** So a lease comes to last about this long, and a key goes on for about this long while the database is away. */
const SOON_MS = 60_000
/** How long a request waits for others to give back what they don't use, asking again at these moments. */
const RECALL_WAITS_MS = [25, 75, 200, 400]
/** For how long a shortage is believed without asking again. */
const SHORTAGE_TRUST_MS = 200

/**
 * What this gateway knows of one key and the money it has drawn for it. Holds are granted out of memory; the database is asked
 * when money runs short or something may have changed, by one request at a time.
 */
export class Purse {
  readonly secretHash: Buffer
  facts: KeyFacts | null = null
  lastUsedAt = performance.now()
  /** Its latest requests, where their number is limited. */
  readonly pace = new Pace()
  /** Running requests, for cutting them off when the key is revoked. */
  readonly running = new Running()
  readonly #context: PurseContext
  readonly #leases = new Map<string, Lease>()
  readonly #withBalance = newChain(true)
  readonly #withoutBalance = newChain(false)
  #isFresh = false
  /** Counts what was heard of changes: an answer that was under way meanwhile may be old. */
  #changes = 0
  #queue: Promise<unknown> = Promise.resolve()
  /** Counts money that came free: a shortage found meanwhile may be over. */
  #frees = 0

  constructor(secretHash: Buffer, context: PurseContext) {
    this.secretHash = secretHash
    this.#context = context
  }

  /** All accounts money is drawn from for this key. */
  accounts(): string[] {
    if (this.facts === null) return []
    const { key_id, allocation_id, tenant_id } = this.facts
    return allocation_id === null ? [key_id, tenant_id] : [key_id, allocation_id, tenant_id]
  }

  /** Something about this key or its accounts has changed. */
  invalidate(): void {
    this.#changes++
    this.#isFresh = false
    this.#noteFree()
  }

  /** Throws why the key may not be used. Asks the database only if what is remembered may be wrong. */
  check(): void | Promise<void> {
    this.lastUsedAt = performance.now()
    if (!this.#isTrusted()) return this.#inTurn(() => this.#refresh())
    this.#refuse()
  }

  /**
   * Sets `want` aside, or as much of it as there is, but not less than `least`: at once where the money is in memory. Throws why
   * the key may not be used; answers a shortage where the money doesn't reach. `usesBalance`: the provider is the platform's.
   * `patient`: others are asked first to give back what they don't use.
   */
  hold(want: bigint, least: bigint, how: HoldOptions): Hold | Promise<Hold | Shortage> | Shortage {
    const { usesBalance, patient } = how
    const chain = usesBalance ? this.#withBalance : this.#withoutBalance
    this.lastUsedAt = performance.now()
    if (this.#isTrusted()) {
      this.#refuse()
      const held = this.#take(chain, want)
      if (held !== null) {
        if (held.lease.free < chain.ahead && !chain.isDrawingAhead) this.#drawAhead(chain, want)
        return held
      }
      const known = knownShortage(chain, least, patient)
      if (known !== null) return known
    }
    return this.#inTurn(() => this.#acquire(chain, want, least, patient))
  }

  /** Adds to a hold: at once and in full out of memory, or false. */
  extend(hold: Hold, by: bigint): boolean {
    const { lease } = hold
    if (hold.isOver || lease.isRetired || lease.free < by || !this.#isAlive(lease)) return false
    lease.free -= by
    lease.held += by
    hold.amount += by
    return true
  }

  /** Adds to a hold, drawing if need be: as much of `want` as there is, at least `least`; false if even that isn't there. */
  async extendByDrawing(hold: Hold, want: bigint, least: bigint): Promise<boolean> {
    if (this.extend(hold, want)) return true
    return this.#inTurn(async () => {
      if (this.extend(hold, want)) return true
      const { chain } = hold.lease
      if (hold.lease === chain.current) {
        if ((await this.#fill(chain, want, least, true)) !== null) return false
        const { free } = hold.lease
        if (this.extend(hold, free < want ? (free < least ? least : free) : want)) return true
      }
      // Its lease was given up meanwhile: recalled, ended by a renewal, or because an answer was lost.
      return this.#extendRetired(hold, want, least)
    })
  }

  /** The hold is over: `charge` of it is spent and will be told to the ledger, the rest is free. */
  release(hold: Hold, charge: bigint): void {
    const { lease, amount } = hold
    hold.isOver = true
    lease.held -= amount
    lease.free += amount - charge
    lease.unsettled += charge
    this.#noteFree()
    if (lease.isRetired) this.#giveBack(lease)
  }

  /** The ledger has been told. */
  settled(lease: Lease, charge: bigint): void {
    lease.unsettled -= charge
    if (lease.isRetired && lease.held === 0n && lease.unsettled === 0n) this.#leases.delete(lease.id)
  }

  /** Gives back what isn't held: all of it, or what was drawn from one account. Holds go on. */
  retire(accountId?: string): void {
    for (const chain of this.#chains(accountId)) this.#retire(chain)
  }

  /** What this gateway drew from an account and is not yet spent or given back, by the database's reckoning. */
  outstanding(accountId: string): bigint {
    const chains = this.#chains(accountId)
    let sum = 0n
    for (const lease of this.#leases.values()) {
      if (chains.includes(lease.chain)) sum += lease.free + lease.held + lease.unsettled
    }
    return sum
  }

  /** Resolves when nothing is asked of the database any more. */
  async quiet(): Promise<void> {
    for (let queue: unknown; queue !== this.#queue; await queue) queue = this.#queue
  }

  unused(): bigint {
    return unusedOf(this.#withBalance) + unusedOf(this.#withoutBalance)
  }

  get isIdle(): boolean {
    return this.running.size === 0 && this.#leases.size === 0
  }

  leaseIds(): Iterable<string> {
    return this.#leases.keys()
  }

  /** Asks what the key is now, and says why it may no longer be used, if so. */
  async revalidate(): Promise<DomainError | null> {
    try {
      await this.#inTurn(() => this.#refresh())
      return null
    } catch (error) {
      return error as DomainError
    }
  }

  // --- in memory ----------------------------------------------------------------------------------------------------

  #isTrusted(): boolean {
    return this.#isFresh && this.facts !== null && this.#context.isChannelUp()
  }

  #refuse(): void {
    if (this.facts === null) return
    const { valid_from, valid_until, disabled_at, revoked_at } = this.facts
    if (valid_from === null && valid_until === null && disabled_at === null && revoked_at === null) return
    const refusal = keyRefusal(this.facts, new Date(this.#context.now()))
    if (refusal !== null) throw refusal
  }

  #isAlive(lease: Lease): boolean {
    return this.#context.now() < lease.endsAt && performance.now() - this.#context.lastHeard() < LEASE_TRUST_MS
  }

  #take(chain: Chain, amount: bigint): Hold | null {
    const lease = chain.current
    if (lease === null || lease.free < amount) return null
    if (!this.#isAlive(lease)) {
      this.#retire(chain)
      return null
    }
    lease.free -= amount
    lease.held += amount
    return { lease, amount, isOver: false }
  }

  #noteFree(): void {
    this.#frees++
    this.#withBalance.shortage = null
    this.#withoutBalance.shortage = null
  }

  #retire(chain: Chain): void {
    const lease = chain.current
    if (lease === null) return
    chain.current = null
    lease.isRetired = true
    this.#giveBack(lease)
  }

  /** Those that draw from an account of this key; all of them where none is named. */
  #chains(accountId?: string): Chain[] {
    const drawsOnBalance = [this.#withBalance]
    return accountId === this.facts?.tenant_id ? drawsOnBalance : [...drawsOnBalance, this.#withoutBalance]
  }

  #giveBack(lease: Lease): void {
    lease.free = 0n
    this.#noteFree()
    this.#context.ledger.keep(lease)
  }

  // --- asking the database, one at a time ---------------------------------------------------------------------------

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work, work)
    this.#queue = turn.catch(() => {})
    return turn
  }

  async #refresh(): Promise<void> {
    if (!this.#isTrusted()) {
      const answer = await this.#ask(null, 0n, 0n)
      // Nobody to ask: what is remembered holds for as long as the lease does.
      if (answer === null && this.facts === null) throw unavailable()
    }
    this.#refuse()
  }

  async #acquire(chain: Chain, want: bigint, least: bigint, patient: boolean): Promise<Hold | Shortage> {
    await this.#refresh()
    for (let tries = 0; tries < 4; tries++) {
      const hold = this.#take(chain, want)
      if (hold !== null) return hold
      const known = knownShortage(chain, least, patient)
      if (known !== null) return known
      const shortage = await this.#fill(chain, want, least, patient)
      if (shortage !== null) return shortage
      // Others that were waiting may have been served out of it first.
      const free = unusedOf(chain)
      const taken = free < least ? null : this.#take(chain, free < want ? free : want)
      if (taken !== null) return taken
    }
    throw unavailable()
  }

  /** Draws until `want` is free, or as much as there is if that is `least`; answers the shortage otherwise. */
  async #fill(chain: Chain, want: bigint, least: bigint, patient: boolean): Promise<Shortage | null> {
    for (let recalls = 0; ; recalls++) {
      if (chain.current !== null && !this.#isAlive(chain.current)) this.#retire(chain)
      const missing = want - unusedOf(chain)
      if (missing <= 0n) return null
      const frees = this.#frees
      const answer = await this.#draw(chain, missing, missing)
      // Nobody to ask: what is there has to do.
      if (answer === null) return unusedOf(chain) >= least ? null : { error: unavailable(), available: 0n }
      if (answer.outcome === 'granted') continue
      const isEnough = unusedOf(chain) + answer.available_nanos >= least
      const pause = RECALL_WAITS_MS[recalls]
      const mayWait = patient && pause !== undefined && !(isEnough && recalls > 0)
      if (mayWait && (await this.#recall(answer, chain))) {
        await sleep(pause)
        continue
      }
      if (isEnough) {
        if (answer.available_nanos === 0n) return null
        // All that is left, in one go. Somebody may have been faster: then look again.
        const rest = await this.#draw(chain, answer.available_nanos, answer.available_nanos)
        if (rest?.outcome === 'granted') return null
        if (recalls < RECALL_WAITS_MS.length) continue
      }
      const shortage = { error: answer.error, available: answer.available_nanos }
      if (frees === this.#frees) {
        chain.shortage = { ...shortage, until: performance.now() + SHORTAGE_TRUST_MS, isPatient: patient }
      }
      return shortage
    }
  }

  /** Asks everyone who may hold money of the short account, but for `chain`, to give back what they don't use. False if nobody does. */
  async #recall(short: Draw & { outcome: 'short' }, chain?: Chain): Promise<boolean> {
    let mine = 0n
    let givenBack = false
    for (const purse of this.#context.pursesOf(short.account_id)) {
      mine += purse.outstanding(short.account_id)
      for (const other of purse.#chains(short.account_id)) {
        if (other === chain || unusedOf(other) === 0n) continue
        purse.#retire(other)
        givenBack = true
      }
    }
    const elsewhere = short.leased_nanos > mine
    // What is on its way back from here counts as leased until the database hears of it.
    if (givenBack || this.#context.ledger.hasReturns) await this.#context.ledger.flushNow()
    if (!elsewhere) return givenBack
    try {
      await tellGateways(this.#context.database, `recall ${short.account_id} ${this.#context.gatewayId}`)
    } catch (error) {
      this.#context.ledger.noteOutage(error)
    }
    return true
  }

  /**
   * Draws before the lease is used up, while its requests go on: none of them waits, and when the database goes away there is something
   * in hand. As much is kept ahead as was drawn the last time, which lasts for about a minute.
   */
  #drawAhead(chain: Chain, need: bigint): void {
    chain.isDrawingAhead = true
    const isLow = () => chain.current !== null && chain.current.free < chain.ahead
    this.#inTurn(async () => void (isLow() && (await this.#draw(chain, need, need))))
      // Why the key may no longer be used, or that nothing can be had: whoever needs it is told.
      .catch(() => {})
      .finally(() => {
        chain.isDrawingAhead = false
      })
  }

  async #draw(chain: Chain, missing: bigint, least: bigint): Promise<(Draw & { outcome: 'granted' | 'short' }) | null> {
    const soon = performance.now() - chain.lastDrawAt < SOON_MS
    chain.lastDrawAt = performance.now()
    if (!soon) chain.appetite = APPETITE_START
    else if (chain.appetite < APPETITE_MAX) chain.appetite *= 2n
    const want = least === missing ? missing * chain.appetite : missing
    chain.ahead = 0n
    for (let tries = 0; tries < 4; tries++) {
      const old = chain.current
      const lease = old === null || old.isDoubtful ? this.#openLease(chain) : old
      let answer: Draw | null
      lease.isDrawing = true
      try {
        answer = await this.#ask(lease, want, least)
      } finally {
        lease.isDrawing = false
        if (lease.free + lease.held + lease.unsettled === 0n && lease !== old) this.#leases.delete(lease.id)
      }
      if (answer === null) {
        lease.isDoubtful = true
        return null
      }
      if (answer.outcome === 'short') return answer
      if (answer.outcome === 'granted') {
        lease.free += answer.granted_nanos
        chain.ahead = answer.granted_nanos
        lease.allocationId = answer.facts.allocation_id
        lease.endsAt = answer.ends_at === null ? Number.POSITIVE_INFINITY : answer.ends_at.getTime()
        this.#leases.set(lease.id, lease)
        if (!lease.isRetired) {
          if (old !== lease) this.#retire(chain)
          chain.current = lease
          return answer
        }
        this.#giveBack(lease)
      } else {
        this.#retire(chain)
      }
    }
    throw unavailable()
  }

  /**
   * Adds to a hold of a lease that is given up: nobody else draws into that one, so what is drawn is the hold's. Where a renewal has
   * ended it, the hold moves to a new lease as a whole.
   */
  async #extendRetired(hold: Hold, want: bigint, least: bigint): Promise<boolean> {
    const { lease } = hold
    if (lease.isReturning) await this.#context.ledger.flushNow()
    if (hold.isOver || lease.isReturning) return false
    for (let recalls = 0; ; recalls++) {
      lease.isDrawing = true
      let answer: Draw | null
      try {
        answer = await this.#ask(lease, want, least)
      } finally {
        lease.isDrawing = false
      }
      if (answer === null) throw unavailable()
      if (answer.outcome === 'refused') return false
      if (answer.outcome === 'outdated') return this.#move(hold, want, least)
      if (answer.outcome === 'granted') {
        lease.free += answer.granted_nanos
        if (hold.isOver) this.#giveBack(lease)
        else {
          lease.free -= answer.granted_nanos
          lease.held += answer.granted_nanos
          hold.amount += answer.granted_nanos
        }
        return !hold.isOver
      }
      const pause = RECALL_WAITS_MS[recalls]
      if (hold.isOver || lease.isReturning || pause === undefined) return false
      if (answer.available_nanos >= least) {
        want = answer.available_nanos
        continue
      }
      if (!(await this.#recall(answer))) return false
      await sleep(pause)
      if (lease.isReturning) return false
    }
  }

  async #move(hold: Hold, want: bigint, least: bigint): Promise<boolean> {
    const { chain } = hold.lease
    if ((await this.#fill(chain, hold.amount + want, hold.amount + least, true)) !== null) return false
    const [old, lease] = [hold.lease, chain.current]
    if (hold.isOver || lease === null || lease.free < hold.amount + least) return false
    // Its event would name accounts that it isn't paid from.
    if (lease.allocationId !== old.allocationId) return false
    const amount = lease.free < hold.amount + want ? lease.free : hold.amount + want
    lease.free -= amount
    lease.held += amount
    old.held -= hold.amount
    hold.lease = lease
    hold.amount = amount
    old.isRetired = true
    this.#giveBack(old)
    return true
  }

  #openLease(chain: Chain): Lease {
    const lease = newLease(newId('lease'), this, chain)
    // Known to be in use from before the database hears of it.
    this.#leases.set(lease.id, lease)
    return lease
  }

  /** One round trip; only who the key is where there is no lease to draw into; null if the database doesn't answer. Throws why the key may not be used. */
  async #ask(lease: Lease | null, want_nanos: bigint, least_nanos: bigint): Promise<Draw | null> {
    const { database, gatewayId: gateway_id } = this.#context
    if (this.#context.ledger.isAway) return null
    const changes = this.#changes
    let answer: Draw
    try {
      const asked = draw(database, {
        secret_hash: this.secretHash,
        gateway_id,
        lease_id: lease?.id ?? '',
        want_nanos,
        least_nanos,
        uses_balance: lease?.chain.usesBalance ?? false,
      })
      answer = await inTime(asked)
    } catch (error) {
      this.#context.ledger.noteOutage(error)
      return null
    }
    if (answer.outcome === 'outdated') return answer
    this.#context.heard(answer.at)
    // Money of the old chain pays for nothing that is charged to the new one.
    if (this.facts !== null && this.facts.allocation_id !== answer.facts?.allocation_id) this.retire()
    this.facts = answer.facts ?? this.facts
    this.#isFresh = this.#context.isChannelUp() && changes === this.#changes
    if (answer.outcome === 'refused') throw answer.error
    return answer
  }
}
