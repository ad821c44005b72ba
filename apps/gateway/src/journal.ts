import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import type { Settlement } from '@stipend/core/spend'

/**
 * What this gateway has promised and measured, on disk before anyone relies on it: a `hold` before a request is forwarded, its
 * `outcome` afterwards, `settled` once the database has it. One line of JSON each, appended with one write, so that the death of
 * the process at any instruction loses nothing that was written and tears at most the last line.
 *
 * Not forced to disk at each line: it protects from the death of the process, not from a power cut. After a power cut leases
 * without a record are given back.
 */
export class Journal {
  readonly #dir: string
  #file = -1
  #filePath = ''
  #bytes = 0
  readonly #open = new Set<string>()

  constructor(dir: string) {
    this.#dir = dir
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  }

  /**
   * Settlements that earlier processes owe: measured ones as they were, and for requests that were in flight the one that
   * policy says (written with the hold). Call before the first `hold`, and `forget` once they are settled.
   */
  recover(): { settlements: Settlement[]; torn: number; forget: () => void } {
    const files = readdirSync(this.#dir).filter((name) => name.endsWith('.jsonl'))
    const owed = new Map<string, Settlement>()
    let torn = 0
    for (const name of files.sort()) {
      for (const line of readFileSync(path.join(this.#dir, name), 'utf8').split('\n')) {
        if (line === '') continue
        const entry = parseEntry(line)
        if (entry === undefined) torn++
        else if ('settled' in entry) owed.delete(entry.settled)
        else owed.set(entry.settlement.id, entry.settlement)
      }
    }
    const forget = () => {
      for (const name of files) rmSync(path.join(this.#dir, name), { force: true })
    }
    return { settlements: [...owed.values()], torn, forget }
  }

  /** Before forwarding: what is to be settled should this process die before it knows better. */
  hold(ifInterrupted: Settlement): void {
    this.#open.add(ifInterrupted.id)
    this.#append({ kind: 'hold', settlement: ifInterrupted })
  }

  /** What it came to. */
  outcome(settlement: Settlement): void {
    this.#append({ kind: 'outcome', settlement })
  }

  settled(ids: readonly string[]): void {
    for (const id of ids) {
      this.#open.delete(id)
      this.#append({ settled: id })
    }
    if (this.#open.size === 0 && this.#bytes > ROTATE_BYTES) this.close()
  }

  /** Removes a file that owes nothing; keeps one that does. */
  close(): void {
    if (this.#file === -1) return
    closeSync(this.#file)
    this.#file = -1
    if (this.#open.size === 0) rmSync(this.#filePath, { force: true })
  }

  #append(entry: Entry): void {
    if (this.#file === -1) {
      this.#filePath = path.join(this.#dir, `${Date.now()}-${process.pid}.jsonl`)
      this.#file = openSync(this.#filePath, 'a', 0o600)
      this.#bytes = fstatSync(this.#file).size
    }
    const line = Buffer.from(`${JSON.stringify(entry, writeBigint)}\n`)
    for (let written = 0; written < line.length; ) written += writeSync(this.#file, line, written)
    this.#bytes += line.length
  }
}

const ROTATE_BYTES = 4 * 1024 * 1024

type Entry = { kind: 'hold' | 'outcome'; settlement: Settlement } | { settled: string }

const MONEY = ['hold_nanos', 'cost_nanos', 'excess_nanos', 'release_nanos'] as const
const writeBigint = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)

function parseEntry(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line) as Entry
    if ('settled' in entry) return entry
    const money = Object.fromEntries(MONEY.map((field) => [field, BigInt(entry.settlement[field])]))
    return { ...entry, settlement: { ...entry.settlement, ...money } as Settlement }
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
