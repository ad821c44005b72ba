import { setTimeout as sleep } from 'node:timers/promises'
import { type Settlement, settle, settleBatch } from '@stipend/core/spend'
import {
  type Database,
  EventBatch,
  giveBackLeases,
  type LeaseReturn,
  leasesOfGateway,
  reportGateway,
} from '@stipend/db'
import type { Log } from '@stipend/runtime'
import type { Journal, Written } from './journal.ts'
import type { Hold, Lease } from './lease.ts'

/** So many are told at once. More would hardly cost the database less for each, and would keep it busy for longer. */
const BATCH = 1_000
/** What earlier processes left is told in larger pieces: nobody waits meanwhile. */
const REPLAYED = 2_000
/** Under load the ledger is told once in this time; a single request is told at once. */
const FLUSH_EVERY_MS = 1_000
/** How long somebody waits for the ledger to be told: it may be away. */
const FLUSH_WAIT_MS = 500
/** For so long after the database didn't answer nobody asks it on a client's behalf. */
const AWAY_MS = 500
const RETRY_MS = 250
const RETRY_MS_MAX = 3_000
const HEARTBEAT_MS = 30_000
/** A gateway that hasn't been seen for this long is given up: its leases go back. Longer than any lease is trusted. */
const DEAD_AFTER_SECONDS = 900

/** How long after an outage what was done without our hearing of it is looked for. */
const LOST_ANSWER_MS = 500
/** No lease has this id. */
const NO_LEASE = 'none'

/** Requests that are over and that the ledger is to be told of together. */
class Batch {
  readonly events = new EventBatch(BATCH)
  readonly leases: Lease[] = []
  readonly written: (Written | null)[] = []
  /** What is charged to each lease in all. */
  readonly charged = new Map<Lease, bigint>()
  /** The ledger may know of it already, so nothing is added any more. */
  wasTold = false

  add(settlement: Settlement, lease: Lease, written: Written | null): void {
    this.events.add(settlement)
    this.leases.push(lease)
    this.written.push(written)
    this.charged.set(lease, (this.charged.get(lease) ?? 0n) + settlement.cost_nanos)
  }
}

/**
 * Brings what was measured to the database, in batches, again and again until it is there: an outage delays it and loses nothing.
 * What leases no longer need goes along.
 */
export class Ledger {
  readonly #database: Database
  readonly #gatewayId: string
  readonly #journal: Journal
  readonly #log: Log
  readonly #leaseIds: () => string[]
  readonly #heartbeat: NodeJS.Timeout
  readonly #waiting: Batch[] = []
  readonly #returning = new Set<Lease>()
  #timer: NodeJS.Timeout | null = null
  #flushing: Promise<void> | null = null
  #lastFlushAt = Number.NEGATIVE_INFINITY
  #lastHeard = performance.now()
  #awayUntil = 0
  #hasLostAnswers = false

  /** `leaseIds`: all leases this gateway knows of. What else the database has under its name is nobody's. */
  constructor(args: {
    database: Database
    gatewayId: string
    journal: Journal
    log: Log
    leaseIds: () => string[]
  }) {
    this.#database = args.database
    this.#gatewayId = args.gatewayId
    this.#journal = args.journal
    this.#log = args.log
    this.#leaseIds = args.leaseIds
    this.#heartbeat = setInterval(() => void this.#beat(), HEARTBEAT_MS)
    this.#heartbeat.unref()
  }

  /** Settles what earlier processes of this gateway left, and gives back what they held for nothing. Call once, first. */
  async recover(): Promise<void> {
    const { settlements, torn, forget } = this.#journal.recover()
    let refused = 0
    for (let at = 0; at < settlements.length; at += REPLAYED) {
      const batch = settlements.slice(at, at + REPLAYED)
      try {
        await settle(this.#database, batch)
      } catch (error) {
        if (!isRefusal(error)) throw error
        for (const one of batch) if (!(await this.#settleAlone(one))) refused++
      }
    }
    const given = await giveBackLeases(this.#database, this.#gatewayId)
    if (refused === 0) forget()
    await this.#beat()
    this.#log.info(
      { replayed: settlements.length, refused, torn_lines: torn, leases_given_back: given },
      'journal replayed',
    )
  }

  /** When the database last answered, by `performance.now()`. */
  get lastHeard(): number {
    return this.#lastHeard
  }

  noteAnswer(): void {
    this.#lastHeard = performance.now()
    this.#awayUntil = 0
    if (!this.#hasLostAnswers) return
    this.#hasLostAnswers = false
    setTimeout(() => void this.#beat(), LOST_ANSWER_MS).unref()
  }

  /** Whether the database is still to hear of money that is given back. */
  get hasReturns(): boolean {
    return this.#returning.size > 0
  }

  /** Whether the database has just failed to answer: asking it again at once would only keep clients waiting. */
  get isAway(): boolean {
    return performance.now() < this.#awayUntil
  }

  /** What was asked may have been done all the same. */
  noteOutage(error: unknown): void {
    this.#hasLostAnswers = true
    this.#awayUntil = performance.now() + AWAY_MS
    this.#log.warn({ err: error }, 'the database does not answer')
  }

  /**
   * A request is over: the money is free or spent from this moment on, and the ledger will be told. `heldIn`: what the journal
   * answered to the hold.
   */
  record(settlement: Settlement, hold: Hold, heldIn: Written | null): void {
    const { lease } = hold
    const written = this.#journal.outcome(settlement, heldIn)
    lease.purse.release(hold, settlement.cost_nanos)
    let batch = this.#waiting.at(-1)
    if (batch === undefined || batch.wasTold || batch.events.isFull) {
      batch = new Batch()
      this.#waiting.push(batch)
    }
    batch.add(settlement, lease, written)
    this.#schedule()
  }

  /** Of this lease only what is held and unsettled is still needed. */
  keep(lease: Lease): void {
    this.#returning.add(lease)
    this.#schedule()
  }

  /** Tells the ledger all there is, now. Resolves when it was told, or after a moment if it can't be. */
  async flushNow(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const told = (async () => {
      await this.#flushing
      await this.#startFlush()
    })()
    const patience = new AbortController()
    await Promise.race([told, sleep(FLUSH_WAIT_MS, undefined, { signal: patience.signal }).catch(() => {})])
    patience.abort()
  }

  /** Waits until everything is told or `deadline` aborts. */
  async close(deadline: AbortSignal): Promise<void> {
    clearInterval(this.#heartbeat)
    while (!deadline.aborted) {
      await this.flushNow()
      if (this.#waiting.length === 0 && this.#returning.size === 0) break
      await sleep(50)
    }
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#waiting.length === 0) await giveBackLeases(this.#database, this.#gatewayId)
  }

  #schedule(): void {
    if (this.#isBatchFull && this.#flushing === null) {
      void this.#startFlush()
      return
    }
    if (this.#timer !== null) return
    const wait = Math.max(0, this.#lastFlushAt + FLUSH_EVERY_MS - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.#startFlush()
    }, wait)
  }

  get #isBatchFull(): boolean {
    return this.#waiting[0]?.events.isFull === true
  }

  #startFlush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = null
      if (this.#waiting.length > 0 || this.#returning.size > 0) this.#schedule()
    })
    return this.#flushing
  }

  async #flush(): Promise<void> {
    this.#lastFlushAt = performance.now()
    let pause = RETRY_MS
    while (this.#waiting.length > 0 || this.#returning.size > 0) {
      const batch = this.#waiting[0]
      // One that is being drawn into is told of when the answer is there.
      const leases = [...this.#returning].filter((lease) => !lease.isDrawing)
      if (batch === undefined && leases.length === 0) return
      for (const lease of leases) {
        this.#returning.delete(lease)
        lease.isReturning = true
      }
      try {
        const returns = returnsOf(leases, batch?.charged)
        const isFirst = batch?.wasTold !== true
        if (batch !== undefined) batch.wasTold = true
        await settleBatch(this.#database, batch?.events ?? new EventBatch(0), returns, { isFirst })
        this.noteAnswer()
        if (batch !== undefined) this.#finish(batch)
        for (const lease of leases) {
          lease.isReturning = false
          lease.purse.settled(lease, 0n)
        }
        if (!this.#isBatchFull) return
      } catch (error) {
        for (const lease of leases) this.#returning.add(lease)
        const waiting = this.#waiting.reduce((sum, { events }) => sum + events.length, 0)
        this.#log.warn({ err: error, waiting }, 'settling failed, will be tried again')
        if (isRefusal(error) && batch !== undefined) await this.#oneByOne(batch)
        await sleep(pause)
        pause = Math.min(pause * 2, RETRY_MS_MAX)
      }
    }
  }

  /** A batch that the database refuses holds one event that it refuses: that one must not keep the others waiting. */
  async #oneByOne({ events, leases, written }: Batch): Promise<void> {
    /** What is left when the database is away again: the next round tries again. */
    let rest: Batch | null = null
    for (let i = 0; i < events.length; i++) {
      const [settlement, lease] = [events.at(i) as Settlement, leases[i]]
      if (lease === undefined) throw new Error('an event without its lease')
      const heldIn = written[i] ?? null
      try {
        if (rest === null && (await this.#settleAlone(settlement))) {
          lease.purse.settled(lease, settlement.cost_nanos)
          this.#journal.settled(heldIn)
        }
      } catch {
        rest = new Batch()
        rest.wasTold = true
      }
      rest?.add(settlement, lease, heldIn)
    }
    if (rest === null) this.#waiting.shift()
    else this.#waiting[0] = rest
  }

  /** An event that its lease doesn't pay for is charged like one whose lease is gone. False if even that is refused. */
  async #settleAlone(settlement: Settlement): Promise<boolean> {
    for (const lease_id of [settlement.lease_id, NO_LEASE]) {
      try {
        await settle(this.#database, [{ ...settlement, lease_id }])
        return true
      } catch (error) {
        if (!isRefusal(error)) throw error
        this.#log.error({ err: error, id: settlement.id, lease_id }, 'an event can’t be settled')
      }
    }
    return false
  }

  #finish({ charged, written }: Batch): void {
    // What was told stands first: others are only added behind.
    this.#waiting.shift()
    for (const [lease, nanos] of charged) lease.purse.settled(lease, nanos)
    for (const one of written) this.#journal.settled(one)
  }

  async #beat(): Promise<void> {
    try {
      const dead = await reportGateway(this.#database, this.#gatewayId, DEAD_AFTER_SECONDS)
      this.noteAnswer()
      for (const id of dead) {
        const given = await giveBackLeases(this.#database, id)
        this.#log.warn({ gateway_id: id, leases_given_back: given }, 'a gateway was given up for dead')
      }
      // The database first, memory afterwards: a lease that is drawn meanwhile is not among those it named.
      const theirs = await leasesOfGateway(this.#database, this.#gatewayId)
      const ours = new Set(this.#leaseIds())
      const nobodys = theirs.filter(({ id }) => !ours.has(id))
      if (nobodys.length === 0) return
      await settle(
        this.#database,
        [],
        nobodys.map(({ tenant_id, id }) => ({ tenant_id, lease_id: id, keep_nanos: 0n })),
      )
      this.#log.warn({ leases_given_back: nobodys.length }, 'leases of lost answers given back')
    } catch (error) {
      this.noteOutage(error)
    }
  }
}

/** What each lease still needs when this is charged: what is held, and what will be charged later. */
function returnsOf(leases: readonly Lease[], charged?: ReadonlyMap<Lease, bigint>): LeaseReturn[] {
  return leases.flatMap((lease) => {
    const tenant_id = lease.purse.facts?.tenant_id
    if (tenant_id === undefined) return []
    return [{ tenant_id, lease_id: lease.id, keep_nanos: lease.held + lease.unsettled - (charged?.get(lease) ?? 0n) }]
  })
}

/** The database can't accept it, now or later: a value, or a constraint. Anything else passes. */
function isRefusal(error: unknown): boolean {
  for (let one = error, depth = 0; one instanceof Error && depth < 5; one = one.cause, depth++) {
    const { code } = one as { code?: unknown }
    if (typeof code === 'string') return code.startsWith('22') || code.startsWith('23')
  }
  return false
}
