import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import type { Settlement } from '@stipend/core/spend'

/**
 * What this gateway has promised and measured, on disk before anyone relies on it: a `hold` before a request is forwarded, its
 * `outcome` afterwards. One line of JSON each, appended with one write, so that the death of the process at any instruction loses
 * nothing that was written and tears at most the last line. Once the ledger knows of all requests of a file, the file goes.
 *
 * Not forced to disk at each line: it protects from the death of the process, not from a power cut. After a power cut leases
 * without a record are given back.
 */
export class Journal {
  readonly #dir: string
  #segment: Segment | null = null
  #made = 0
  /** The files that hold something of a request the ledger doesn't know yet. */
  readonly #segmentsOf = new Map<string, Segment[]>()
  #queued: Settlement[] = []
  #callbacks: ((error: Error | null) => void)[] = []
  #isScheduled = false

  constructor(dir: string) {
    this.#dir = dir
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  }

  /**
   * Settlements that earlier processes may owe: measured ones as they were, and for requests that were in flight the one that
   * policy says (written with the hold). Some may be settled already: telling them again changes nothing. Call before the first
   * `hold`, and `forget` once they are settled.
   */
  recover(): { settlements: Settlement[]; torn: number; forget: () => void } {
    const files = readdirSync(this.#dir).filter((name) => name.endsWith('.jsonl'))
    const owed = new Map<string, Settlement>()
    let torn = 0
    for (const name of files.sort()) {
      for (const line of readFileSync(path.join(this.#dir, name), 'utf8').split('\n')) {
        if (line === '') continue
        const settlement = parseEntry(line)
        if (settlement === undefined) torn++
        else owed.set(settlement.id, settlement)
      }
    }
    const forget = () => {
      for (const name of files) rmSync(path.join(this.#dir, name), { force: true })
    }
    return { settlements: [...owed.values()], torn, forget }
  }

  /**
   * Before forwarding: what is to be settled should this process die before it knows better. `then` runs once it is on disk, or
   * with the reason why it isn't. All that was to be written in one turn of the event loop is written at once.
   */
  hold(ifInterrupted: Settlement, then: (error: Error | null) => void): void {
    this.#queued.push(ifInterrupted)
    this.#callbacks.push(then)
    this.#schedule()
  }

  /** What it came to: on disk by the end of this turn of the event loop. */
  outcome(settlement: Settlement): void {
    this.#queued.push(settlement)
    this.#schedule()
  }

  /** Runs `then` once all that was told so far is on disk: at once if it is. */
  whenWritten(then: () => void): void {
    if (this.#isScheduled) this.#callbacks.push(then)
    else then()
  }

  /** Writes what is queued, now. */
  flush(): void {
    if (this.#isScheduled) this.#write()
  }

  /** The ledger knows of it. */
  settled(id: string): void {
    for (const segment of this.#segmentsOf.get(id) ?? []) {
      segment.open--
      if (segment.open === 0 && segment !== this.#segment) discard(segment)
    }
    this.#segmentsOf.delete(id)
  }

  /** Removes a file that owes nothing; keeps one that does. */
  close(): void {
    this.flush()
    const segment = this.#segment
    this.#segment = null
    if (segment !== null && segment.open === 0) discard(segment)
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#write())
  }

  #write(): void {
    // Flushed by hand meanwhile.
    if (!this.#isScheduled) return
    this.#isScheduled = false
    const queued = this.#queued
    const callbacks = this.#callbacks
    this.#queued = []
    this.#callbacks = []
    let failure: Error | null = null
    try {
      this.#writeAll(queued)
    } catch (error) {
      // What is half written is torn; the rest goes into another file.
      failure = error as Error
      this.#segment = null
    }
    for (const then of callbacks) then(failure)
  }

  #writeAll(settlements: Settlement[]): void {
    const segment = this.#writable()
    let text = ''
    for (const settlement of settlements) {
      text += lineOf(settlement)
      this.#note(settlement.id, segment)
    }
    const bytes = Buffer.from(text)
    for (let written = 0; written < bytes.length; ) written += writeSync(segment.file, bytes, written)
    segment.bytes += bytes.length
  }

  #note(id: string, segment: Segment): void {
    const segments = this.#segmentsOf.get(id)
    if (segments === undefined) {
      segment.open++
      this.#segmentsOf.set(id, [segment])
    } else if (!segments.includes(segment)) {
      segment.open++
      segments.push(segment)
    }
  }

  #writable(): Segment {
    const current = this.#segment
    if (current !== null && current.bytes < SEGMENT_BYTES) return current
    const name = `${String(Date.now()).padStart(15, '0')}-${String(this.#made++).padStart(6, '0')}-${process.pid}.jsonl`
    const file = path.join(this.#dir, name)
    this.#segment = { path: file, file: openSync(file, 'a', 0o600), bytes: 0, open: 0 }
    if (current !== null && current.open === 0) discard(current)
    return this.#segment
  }
}

const SEGMENT_BYTES = 4 * 1024 * 1024

type Segment = {
  path: string
  file: number
  bytes: number
  /** Requests in it that the ledger doesn't know yet. */
  open: number
}

function lineOf({ hold_nanos, cost_nanos, excess_nanos, ...rest }: Settlement): string {
  const money = { hold_nanos: `${hold_nanos}`, cost_nanos: `${cost_nanos}`, excess_nanos: `${excess_nanos}` }
  return `${JSON.stringify({ ...rest, ...money })}\n`
}

function discard(segment: Segment): void {
  closeSync(segment.file)
  rmSync(segment.path, { force: true })
}

const MONEY = ['hold_nanos', 'cost_nanos', 'excess_nanos'] as const

function parseEntry(line: string): Settlement | undefined {
  try {
    const entry = JSON.parse(line) as Settlement
    const money = Object.fromEntries(MONEY.map((field) => [field, BigInt(entry[field])]))
    return typeof entry.id === 'string' ? { ...entry, ...money } : undefined
  } catch {
    return undefined
  }
}

/** The name under which this gateway's leases stand in the database: kept beside the journal, so that it outlives the process. */
export function gatewayIdentity(dir: string, create: () => string): string {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const file = path.join(dir, 'gateway-id')
  try {
    const id = readFileSync(file, 'utf8').trim()
    if (id !== '') return id
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const id = create()
  writeFileSync(file, `${id}\n`, { mode: 0o600 })
  return id
}

/** Two processes with one journal would settle each other's requests. Throws where another one is alive in this folder. */
export function lockFolder(dir: string): () => void {
  const file = path.join(dir, 'lock')
  try {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10)
    if (pid !== process.pid && isGateway(pid)) {
      throw new Error(`Another gateway (process ${pid}) uses ${dir}. Give each its own GATEWAY_DATA_DIR.`)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  writeFileSync(file, `${process.pid}\n`, { mode: 0o600 })
  return () => rmSync(file, { force: true })
}

/** Whether a process lives, and (where the system says) is one of ours and not another that got its number. */
function isGateway(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  try {
    const [state] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').slice(-1)
    if (state?.startsWith('Z') || state?.startsWith('X')) return false
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('gateway')
  } catch {
    return true
  }
}
