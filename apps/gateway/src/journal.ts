import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import type { Settlement } from '@stipend/core/spend'
import { type EventKind, EventKinds } from '@stipend/db'

/**
 * What this gateway has promised and measured, on disk before anyone relies on it: a `hold` before a request is forwarded, its
 * `outcome` afterwards. One line of JSON each, appended with one write, so that the death of the process at any instruction loses
 * nothing that was written and tears at most the last line. Once the ledger knows of all requests of a file, the file goes.
 *
 * A line is a list of figures (`lineOf`). What many lines share stands in the first of a file that has it, and by number in the
 * others.
 *
 * Not forced to disk at each line: it protects from the death of the process, not from a power cut. After a power cut leases
 * without a record are given back.
 */
export class Journal {
  readonly #dir: string
  #segment: Segment | null = null
  #made = 0
  #queued: Settlement[] = []
  #callbacks: ((error: Error | null) => void)[] = []
  #isScheduled = false
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)

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
      const kinds: EventKind[] = []
      for (const line of readFileSync(path.join(this.#dir, name), 'utf8').split('\n')) {
        if (line === '') continue
        const settlement = parseEntry(line, kinds)
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
   * with the reason why it isn't. All that was to be written in one turn of the event loop is written at once. Takes what it answered
   * to an earlier hold of the same request, and answers what `outcome` is to be given.
   */
  hold(ifInterrupted: Settlement, heldIn: Written | null, then: (error: Error | null) => void): Written | null {
    try {
      const written = this.#noted(heldIn)
      this.#queue(ifInterrupted)
      this.#callbacks.push(then)
      return written
    } catch (error) {
      setImmediate(() => then(error as Error))
      return heldIn
    }
  }

  /** What it came to: on disk by the end of this turn of the event loop. Answers what to give to `settled` once the ledger knows of it. */
  outcome(settlement: Settlement, heldIn: Written | null): Written | null {
    try {
      const written = this.#noted(heldIn)
      this.#queue(settlement)
      return written
    } catch {
      // Nothing can be written. The ledger will be told all the same, unless this process dies.
      return heldIn
    }
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
  settled(written: Written | null): void {
    if (written === null) return
    for (const segment of Array.isArray(written) ? written : [written]) {
      segment.open--
      if (segment.open === 0 && segment !== this.#segment) discard(segment)
    }
  }

  /** Removes a file that owes nothing; keeps one that does. */
  close(): void {
    this.flush()
    const segment = this.#segment
    this.#segment = null
    if (segment !== null && segment.open === 0) discard(segment)
  }

  #queue(settlement: Settlement): void {
    this.#queued.push(settlement)
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
    for (const settlement of settlements) text += lineOf(settlement, segment.kinds)
    // A character is at most three bytes.
    const fits = text.length * 3 <= this.#scratch.length
    const bytes = fits ? this.#scratch.subarray(0, this.#scratch.write(text)) : Buffer.from(text)
    for (let written = 0; written < bytes.length; ) written += writeSync(segment.file, bytes, written)
    segment.bytes += bytes.length
  }

  /** Where all lines of a request stand, once the one that is to be written now does. Throws where there is no file to write to. */
  #noted(heldIn: Written | null): Written {
    const segment = this.#writable()
    if (heldIn === segment || (Array.isArray(heldIn) && heldIn.includes(segment))) return heldIn
    segment.open++
    return heldIn === null ? segment : [heldIn, segment].flat()
  }

  /** The file to write to: another one only once what was written has filled it, or couldn't be. */
  #writable(): Segment {
    const current = this.#segment
    if (current !== null && current.bytes < SEGMENT_BYTES) return current
    const name = `${String(Date.now()).padStart(15, '0')}-${String(this.#made++).padStart(6, '0')}-${process.pid}.jsonl`
    const file = path.join(this.#dir, name)
    this.#segment = { path: file, file: openSync(file, 'a', 0o600), bytes: 0, open: 0, kinds: new EventKinds() }
    if (current !== null && current.open === 0) discard(current)
    return this.#segment
  }
}

const SEGMENT_BYTES = 4 * 1024 * 1024
const SCRATCH_BYTES = 64 * 1024

/** The files that hold something of a request. */
export type Written = Segment | Segment[]

type Segment = {
  path: string
  file: number
  bytes: number
  /** Requests in it that the ledger doesn't know yet. */
  open: number
  /** What stands in it already of what its lines share. */
  kinds: EventKinds
}

/**
 * `[kind, id, started_at, input, cached input, cache write, cache write 1 h, output, reasoning, hold, cost, excess, latency, first
 * byte]`: tokens, nanodollars as text, milliseconds. `kind` is an object where the file has it for the first time, and from then on its
 * number, counted from 1.
 */
function lineOf(one: Settlement, kinds: EventKinds): string {
  const known = kinds.list.length
  const number = kinds.numberOf(one)
  const kind = number > known ? JSON.stringify(kinds.list[known]) : number
  const tokens = `${one.input_tokens},${one.cached_input_tokens},${one.cache_write_tokens},${one.cache_write_1h_tokens},${one.output_tokens},${one.reasoning_tokens}`
  const nanos = `"${one.hold_nanos}","${one.cost_nanos}","${one.excess_nanos}"`
  return `[${kind},"${one.id}","${one.started_at}",${tokens},${nanos},${one.latency_ms},${one.first_byte_ms}]\n`
}

type Line = [
  kind: EventKind | number,
  id: string,
  started_at: string,
  input_tokens: number,
  cached_input_tokens: number,
  cache_write_tokens: number,
  cache_write_1h_tokens: number,
  output_tokens: number,
  reasoning_tokens: number | null,
  hold_nanos: string,
  cost_nanos: string,
  excess_nanos: string,
  latency_ms: number,
  first_byte_ms: number | null,
]
const LINE_LENGTH = 14

/** Adds a kind that the line brings to `kinds`. */
function parseEntry(line: string, kinds: EventKind[]): Settlement | undefined {
  try {
    const read: unknown = JSON.parse(line)
    if (!Array.isArray(read) || read.length !== LINE_LENGTH) return undefined
    const [
      first,
      id,
      started_at,
      input,
      cached,
      write,
      write_1h,
      output,
      reasoning,
      hold,
      cost,
      excess,
      latency,
      first_byte,
    ] = read as Line
    if (typeof id !== 'string') return undefined
    const kind = typeof first === 'number' ? kinds[first - 1] : first
    if (typeof kind?.tenant_id !== 'string') return undefined
    if (typeof first !== 'number') kinds.push(kind)
    return {
      ...(kind as EventKind & Pick<Settlement, 'status'>),
      id,
      started_at,
      input_tokens: input,
      cached_input_tokens: cached,
      cache_write_tokens: write,
      cache_write_1h_tokens: write_1h,
      output_tokens: output,
      reasoning_tokens: reasoning,
      hold_nanos: BigInt(hold),
      cost_nanos: BigInt(cost),
      excess_nanos: BigInt(excess),
      latency_ms: latency,
      first_byte_ms: first_byte,
    }
  } catch {
    return undefined
  }
}

function discard(segment: Segment): void {
  try {
    closeSync(segment.file)
    rmSync(segment.path, { force: true })
  } catch {
    // A file that can't be removed is read once more by the next process, and tells the ledger what it knows.
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
