import { setTimeout as sleep } from 'node:timers/promises'
import { newId } from '@stipend/core'
import { type Settlement, settle } from '@stipend/core/spend'
import { type Database, giveBackLeases, reportGateway } from '@stipend/db'
import type { Log } from '@stipend/runtime'
import type { Journal } from './journal.ts'

const BATCH_MAX = 200
const RETRY_MS = 250
const RETRY_MS_MAX = 3_000
const HEARTBEAT_MS = 30_000
/** How soon money that may be set aside for nobody is looked for. */
const SWEEP_MS = 1_000
/** A gateway that hasn't been seen for this long is given up: its leases go back. */
const DEAD_AFTER_SECONDS = 900

/**
 * Brings what was measured to the database, in batches, again and again until it is there: an outage delays it and loses nothing.
 * Also keeps the list of leases in use, so that money nobody knows of any more can be told apart and given back.
 */
export class Settler {
  readonly #database: Database
  readonly #gatewayId: string
  readonly #journal: Journal
  readonly #log: Log
  readonly #leasesInUse = new Set<string>()
  readonly #waiting = new Map<string, { settlement: Settlement; done: PromiseWithResolvers<void> }>()
  readonly #heartbeat: NodeJS.Timeout
  #flushing: Promise<void> | null = null
  #mayHaveOrphans = false
  #sweep: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(args: { database: Database; gatewayId: string; journal: Journal; log: Log }) {
    this.#database = args.database
    this.#gatewayId = args.gatewayId
    this.#journal = args.journal
    this.#log = args.log
    this.#heartbeat = setInterval(() => void this.#beat(), HEARTBEAT_MS)
    this.#heartbeat.unref()
  }

  /** Settles what earlier processes of this gateway left, and gives back what they held for nothing. Call once, first. */
  async recover(): Promise<void> {
    const { settlements, torn, forget } = this.#journal.recover()
    for (let at = 0; at < settlements.length; at += BATCH_MAX) {
      await settle(this.#database, settlements.slice(at, at + BATCH_MAX))
    }
    const given = await giveBackLeases(this.#database, this.#gatewayId)
    forget()
    await this.#beat()
    this.#log.info({ settled: settlements.length, torn_lines: torn, leases_given_back: given }, 'journal replayed')
  }

  /** A new lease id, known to be in use from before the database hears of it. */
  openLease(): string {
    const id = newId('lease')
    this.#leasesInUse.add(id)
    return id
  }

  /** The lease was refused, or nothing came of it. `isCertain` false: the database may hold it all the same. */
  dropLease(id: string, { isCertain }: { isCertain: boolean }): void {
    this.#leasesInUse.delete(id)
    if (!isCertain) this.#sweepSoon()
  }

  /** Takes a measured request. Resolves when the database has it, however long that takes. */
  record(settlement: Settlement): Promise<void> {
    this.#note(() => this.#journal.outcome(settlement))
    const done = Promise.withResolvers<void>()
    this.#waiting.set(settlement.id, { settlement, done })
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = null
    })
    return done.promise
  }

  /** Waits until everything is settled or `deadline` aborts, then gives back what is left. */
  async close(deadline: AbortSignal): Promise<void> {
    clearInterval(this.#heartbeat)
    while (this.#waiting.size > 0 && !deadline.aborted) await sleep(20)
    this.#isClosed = true
    if (this.#sweep !== null) clearTimeout(this.#sweep)
    if (this.#waiting.size === 0) await giveBackLeases(this.#database, this.#gatewayId)
  }

  async #flush(): Promise<void> {
    let pause = RETRY_MS
    while (this.#waiting.size > 0 && !this.#isClosed) {
      const batch = [...this.#waiting.values()].slice(0, BATCH_MAX)
      try {
        await settle(
          this.#database,
          batch.map((one) => one.settlement),
        )
        this.#finish(batch.map((one) => one.settlement))
        pause = RETRY_MS
        await this.#giveBackOrphans()
      } catch (error) {
        if (isRefusal(error)) await this.#oneByOne(batch.map((one) => one.settlement))
        this.#log.warn({ err: error, waiting: this.#waiting.size }, 'settling failed, will be tried again')
        await sleep(pause)
        pause = Math.min(pause * 2, RETRY_MS_MAX)
      }
    }
  }

  /** A batch that the database refuses holds one event that it refuses: that one must not keep the others waiting. */
  async #oneByOne(settlements: Settlement[]): Promise<void> {
    for (const settlement of settlements) {
      try {
        await settle(this.#database, [settlement])
        this.#finish([settlement])
      } catch (error) {
        if (!isRefusal(error)) return
        this.#log.error({ err: error, id: settlement.id }, 'an event can’t be settled; it stays in the journal')
        this.#waiting.get(settlement.id)?.done.resolve()
        this.#waiting.delete(settlement.id)
      }
    }
  }

  #finish(settlements: Settlement[]): void {
    this.#note(() => this.#journal.settled(settlements.map((one) => one.id)))
    for (const { id, lease_id } of settlements) {
      this.#leasesInUse.delete(lease_id)
      this.#waiting.get(id)?.done.resolve()
      this.#waiting.delete(id)
    }
  }

  /** With a full disk what was measured still goes to the database; told again after a restart, it counts once. */
  #note(write: () => void): void {
    try {
      write()
    } catch (error) {
      this.#log.error({ err: error }, 'the journal can’t be written')
    }
  }

  #sweepSoon(): void {
    this.#mayHaveOrphans = true
    if (this.#isClosed || this.#sweep !== null) return
    this.#sweep = setTimeout(() => {
      this.#sweep = null
      void this.#giveBackOrphans()
    }, SWEEP_MS)
  }

  async #giveBackOrphans(): Promise<void> {
    if (!this.#mayHaveOrphans) return
    this.#mayHaveOrphans = false
    try {
      await giveBackLeases(this.#database, this.#gatewayId, [...this.#leasesInUse])
    } catch (error) {
      this.#sweepSoon()
      this.#log.warn({ err: error }, 'giving leases back failed, will be tried again')
    }
  }

  async #beat(): Promise<void> {
    try {
      for (const dead of await reportGateway(this.#database, this.#gatewayId, DEAD_AFTER_SECONDS)) {
        const given = await giveBackLeases(this.#database, dead)
        this.#log.warn({ gateway_id: dead, leases_given_back: given }, 'a gateway was given up for dead')
      }
      // A draw that we gave up may have been made long after.
      this.#mayHaveOrphans = true
      await this.#giveBackOrphans()
    } catch (error) {
      this.#log.warn({ err: error }, 'the database does not answer')
    }
  }
}

/** Whether the database understood and said no, and would again: bad data, a broken constraint. Anything else may pass. */
function isRefusal(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && /^(22|23|42|P0)...$/.test(code)
}
