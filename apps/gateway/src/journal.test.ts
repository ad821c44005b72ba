import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Settlement } from '@stipend/core/spend'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { gatewayIdentity, Journal, lockFolder, type Written } from './journal.ts'

let root: string
let dir: string
let folders = 0
const newFolder = () => {
  folders += 1
  return path.join(root, String(folders))
}
beforeAll(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'stipend-journal-'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))
beforeEach(() => {
  dir = newFolder()
})

/** As large as PostgreSQL takes them, so that no digit can get lost. */
const nanos = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })
const settlement = (id: string, cost_nanos: bigint, model: string): Settlement => ({
  id,
  started_at: '2026-11-21T10:00:00.000Z',
  gateway_id: 'gtw_1',
  tenant_id: 'ten_1',
  key_id: 'key_1',
  member_id: 'mem_1',
  allocation_id: null,
  draws_on_balance: true,
  lease_id: `lea_${id}`,
  model,
  provider_id: 'prv_1',
  provider_name: 'sandbox',
  price_id: 'prc_1',
  status: 'succeeded',
  http_status: 200,
  error_code: null,
  is_streamed: true,
  is_estimated: false,
  input_tokens: 7,
  cached_input_tokens: 0,
  cache_write_tokens: 0,
  cache_write_1h_tokens: 0,
  output_tokens: 3,
  reasoning_tokens: null,
  hold_nanos: cost_nanos,
  cost_nanos,
  excess_nanos: 0n,
  latency_ms: 5,
  first_byte_ms: null,
})

type Step = { kind: 'hold' | 'outcome'; id: string; cost: bigint; model: string }
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('hold' as const, 'outcome' as const),
  id: fc.integer({ min: 0, max: 5 }).map((n) => `req_${n}`),
  cost: nanos,
  model: fc.oneof(fc.constant('gpt-5'), fc.string({ unit: 'binary', maxLength: 8 })),
})

function take(journal: Journal, { kind, id, cost, model }: Step): void {
  if (kind === 'hold') journal.hold(settlement(id, cost, model), null, () => {})
  else journal.outcome(settlement(id, cost, model), null)
}

/** A hold that is on disk when this returns. */
function hold(journal: Journal, one: Settlement): Written | null {
  const written = journal.hold(one, null, () => {})
  journal.flush()
  return written
}

/** What is owed after these steps. */
function owed(steps: readonly Step[]): Settlement[] {
  const open = new Map<string, Settlement>()
  for (const { id, cost, model } of steps) open.set(id, settlement(id, cost, model))
  return [...open.values()]
}

const statMode = (file: string) => (statSync(file).mode & 0o777).toString(8)
const byId = (all: readonly Settlement[]) => [...all].sort((a, b) => a.id.localeCompare(b.id))
const textOf = (folder: string) =>
  Buffer.concat(
    readdirSync(folder)
      .sort()
      .map((name) => readFileSync(path.join(folder, name))),
  )

describe('a journal', () => {
  it('gives back what is owed, to the nanodollar', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const folder = newFolder()
        const journal = new Journal(folder)
        for (const one of steps) take(journal, one)
        journal.flush()
        const { settlements, torn } = new Journal(folder).recover()
        expect(byId(settlements)).toEqual(byId(owed(steps)))
        expect(torn).toBe(0)
      }),
      { numRuns: 60 },
    )
  })

  it('cut off at any byte gives back what its whole lines say', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (steps, places) => {
          const folder = newFolder()
          const journal = new Journal(folder)
          for (const one of steps) take(journal, one)
          journal.flush()
          const bytes = textOf(folder)
          const cut = newFolder()
          const reader = new Journal(cut)
          const ends = [...bytes.entries()].filter(([, byte]) => byte === 0x0a).flatMap(([at]) => [at, at + 1, at + 2])
          for (const place of [...places, ...ends]) {
            const length = place % (bytes.length + 1)
            const prefix = bytes.subarray(0, length)
            writeFileSync(path.join(cut, '1-1.jsonl'), prefix)
            const lines = prefix.toString('latin1').split('\n')
            const isWhole = length === bytes.length || bytes[length] === 0x0a
            const whole = steps.slice(0, lines.length - 1 + (isWhole && lines.at(-1) !== '' ? 1 : 0))
            const { settlements, torn } = reader.recover()
            expect(byId(settlements)).toEqual(byId(owed(whole)))
            expect(torn).toBe(lines.at(-1) === '' || isWhole ? 0 : 1)
          }
        },
      ),
      { numRuns: 15 },
    )
  })

  it('survives any bytes', () => {
    const line = fc.oneof(
      fc.constantFrom('null', '5', '[]', '{}', '{"id":7}', '{"id":"req_1"}', '{"id":"req_1","cost_nanos":"x"}'),
      fc.json(),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const folder = newFolder()
        const journal = new Journal(folder)
        hold(journal, settlement('req_good', 5n, 'gpt-5'))
        writeFileSync(path.join(folder, '0-0.jsonl'), lines.join('\n'))
        const { settlements } = new Journal(folder).recover()
        expect(settlements).toContainEqual(settlement('req_good', 5n, 'gpt-5'))
      }),
      { numRuns: 60 },
    )
  })

  it('that owes nothing leaves no file, and one that does keeps it', () => {
    const journal = new Journal(dir)
    const held = hold(journal, settlement('req_1', 5n, 'gpt-5'))
    journal.settled(journal.outcome(settlement('req_1', 5n, 'gpt-5'), held))
    journal.close()
    expect(readdirSync(dir)).toEqual([])
    hold(journal, settlement('req_2', 5n, 'gpt-5'))
    journal.close()
    expect(readdirSync(dir)).toHaveLength(1)
    expect(new Journal(dir).recover().settlements.map((one) => one.id)).toEqual(['req_2'])
  })

  it('begins another file when one is full, and keeps each until all that is in it is settled', () => {
    const journal = new Journal(dir)
    const long = hold(journal, settlement('req_long', 5n, 'gpt-5'))
    const first = readdirSync(dir)
    let others: (Written | null)[] = []
    for (let i = 0; i < 50_000 && readdirSync(dir).length === 1; i++) {
      others.push(journal.outcome(settlement(`req_${i}`, 5n, 'gpt-5'), null))
      if (i % 100 === 0) journal.flush()
    }
    journal.flush()
    for (const one of others) journal.settled(one)
    others = []
    expect(readdirSync(dir)).toEqual(expect.arrayContaining(first))
    expect(new Journal(dir).recover().settlements.map((one) => one.id)).toContain('req_long')

    // Its outcome stands in the second file: both are of it until it is settled.
    const both = journal.outcome(settlement('req_long', 3n, 'gpt-5'), long)
    journal.flush()
    expect(both).toHaveLength(2)
    journal.settled(both)
    expect(readdirSync(dir)).toHaveLength(1)
    expect(readdirSync(dir)).not.toEqual(first)
    journal.close()
    expect(readdirSync(dir)).toEqual([])
  })

  it('forgets what was recovered, and nothing that came since', () => {
    hold(new Journal(dir), settlement('req_old', 5n, 'gpt-5'))
    const journal = new Journal(dir)
    const { settlements, forget } = journal.recover()
    expect(settlements.map((one) => one.id)).toEqual(['req_old'])
    // Told again until it is forgotten.
    expect(new Journal(dir).recover().settlements).toHaveLength(1)
    forget()
    expect(new Journal(dir).recover().settlements).toEqual([])
  })

  it('keeps its files to its owner', () => {
    hold(new Journal(dir), settlement('req_1', 5n, 'gpt-5'))
    const [name = ''] = readdirSync(dir)
    expect(statMode(path.join(dir, name))).toBe('600')
    expect(statMode(dir)).toBe('700')
  })
})

describe('a folder', () => {
  it('gives its gateway the same name each time', () => {
    let made = 0
    const create = () => {
      made += 1
      return `gtw_${made}`
    }
    expect(gatewayIdentity(dir, create)).toBe('gtw_1')
    expect(gatewayIdentity(dir, create)).toBe('gtw_1')
    writeFileSync(path.join(dir, 'gateway-id'), '\n')
    expect(gatewayIdentity(dir, create)).toBe('gtw_2')
  })

  it('is locked by a gateway that lives, and by nothing else', async () => {
    gatewayIdentity(dir, () => 'gtw_1')
    const lock = path.join(dir, 'lock')
    const living = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)', 'gateway'])
    writeFileSync(lock, `${living.pid}\n`)
    expect(() => lockFolder(dir)).toThrow(/Another gateway \(process \d+\)/)
    living.kill('SIGKILL')
    await new Promise((resolve) => living.once('exit', resolve))
    lockFolder(dir)()

    for (const text of ['', 'nonsense', '-1', '0', '999999999', '1e9', String(process.pid)]) {
      writeFileSync(lock, text)
      const unlock = lockFolder(dir)
      expect(readFileSync(lock, 'utf8')).toBe(`${process.pid}\n`)
      unlock()
    }
  })
})
