import { setTimeout as sleep } from 'node:timers/promises'
import * as core from '@stipend/core'
import { auditLedger } from '@stipend/core/spend'
import type { Scene } from '@stipend/core/testing'
import { displayUsd, usd } from '@stipend/money'
import { askLittle, createChance, isLie, type Outcome, sendOne } from './client.ts'
import { spendWithoutDatabase } from './outage.ts'
import { buildWorld, type Key, type World } from './world.ts'

const CLIENTS = 14
/** A key with less than this may be refused a request of a few words. */
const SMALL_REQUEST_NANOS = 5_000_000n

export type ChaosOptions = {
  /** The project's folder. */
  root: string
  /** What any program needs of the environment; settings are added to it. */
  surroundings: Record<string, string>
  minutes: number
  seed: number
  tell: (line: string) => void
  stop: AbortSignal
}

type Event = (typeof core.usage.list)['output']['_output']['data'][number]

/**
 * Three gateways, a database that is killed, a provider that misbehaves and clients that hang up, for some minutes; a minute without
 * the database; then everything is looked at. Answers what is wrong, in sentences: nothing, if all holds.
 */
export async function runChaos(options: ChaosOptions): Promise<string[]> {
  const { seed, minutes, tell, stop } = options
  tell(`Seed ${seed}, ${minutes} minutes.`)
  const world = await buildWorld(options.root, options.surroundings)
  const wrong: string[] = []
  try {
    const until = performance.now() + minutes * 60_000
    const isOver = () => stop.aborted || performance.now() > until
    const outcomes: Outcome[] = []
    const kills = { gateways: 0, database: 0 }
    await Promise.all([
      ...Array.from({ length: CLIENTS }, (_, i) => useKeys(world, outcomes, seed + i, isOver)),
      killGateways(world, kills, seed + 101, isOver),
      killDatabase(world, kills, seed + 102, isOver),
      auditNowAndThen(world, wrong, isOver),
    ])
    tell(`${outcomes.length} requests; gateways killed ${kills.gateways} times, PostgreSQL ${kills.database} times.`)

    for (const gateway of world.gateways) {
      if (!gateway.isRunning) gateway.start()
      if (!(await gateway.isHealthy(60))) wrong.push(`gateway ${gateway.name} does not come back`)
    }
    await spendWithoutDatabase(world, outcomes, { wrong, tell, stop })
    await checkKeys(world, wrong)
    for (const gateway of world.gateways) {
      const code = await gateway.end('SIGTERM')
      if (code !== 0) wrong.push(`gateway ${gateway.name} ended with ${code}`)
    }
    await checkLedger(world, outcomes, kills.gateways, wrong, tell)
    if (wrong.length > 0) tell(`What the gateways said is in ${world.logs}.`)
  } finally {
    await world.remove({ keepLogs: wrong.length > 0 })
  }
  return wrong
}

// --- what happens -----------------------------------------------------------------------------------------------------

async function useKeys(world: World, outcomes: Outcome[], seed: number, isOver: () => boolean): Promise<void> {
  const chance = createChance(seed)
  const one = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)] as T
  while (!isOver()) {
    const gateway = one(world.gateways)
    const outcome = await sendOne(gateway.url, one(world.keys).secret, chance)
    outcomes.push(outcome)
    // Nobody hammers a gateway that is down, or a key that is spent.
    if (outcome.status !== 200) await sleep(50)
  }
}

async function killGateways(
  world: World,
  kills: { gateways: number },
  seed: number,
  isOver: () => boolean,
): Promise<void> {
  const chance = createChance(seed)
  while (!isOver()) {
    await pause(2_000 + chance() * 6_000, isOver)
    const gateway = world.gateways[Math.floor(chance() * world.gateways.length)]
    if (gateway === undefined || isOver()) continue
    await gateway.end('SIGKILL')
    kills.gateways++
    await pause(chance() * 3_000, isOver)
    // It may end by itself while the database is away: whoever runs it starts it again.
    while (!(await gateway.isHealthy(4)) && !isOver()) if (!gateway.isRunning) gateway.start()
  }
}

async function killDatabase(
  world: World,
  kills: { database: number },
  seed: number,
  isOver: () => boolean,
): Promise<void> {
  const chance = createChance(seed)
  while (!isOver()) {
    await pause(8_000 + chance() * 15_000, isOver)
    if (isOver()) return
    await world.crashDatabase(chance() * 4_000)
    kills.database++
  }
}

async function auditNowAndThen(world: World, wrong: string[], isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await pause(3_000, isOver)
    try {
      const { violations } = await auditLedger(world.database)
      for (const { check, subject, detail } of violations) wrong.push(`meanwhile: ${check}: ${subject}: ${detail}`)
    } catch {
      // The database is away.
    }
  }
}

async function pause(ms: number, isOver: () => boolean): Promise<void> {
  for (const until = performance.now() + ms; performance.now() < until && !isOver(); ) await sleep(100)
}

// --- what must hold ---------------------------------------------------------------------------------------------------

/** Whoever has money left can spend it, at each gateway. */
async function checkKeys(world: World, wrong: string[]): Promise<void> {
  for (const gateway of world.gateways) {
    for (const key of world.keys) {
      const left = await leftOf(key)
      if (left !== null && left < SMALL_REQUEST_NANOS) continue
      let answer = await askLittle(gateway.url, key.secret)
      // Money that a killed gateway had is back once it has read its journal and the others have been asked.
      for (let tries = 0; tries < 20 && answer.status !== 200; tries++) {
        await sleep(100)
        answer = await askLittle(gateway.url, key.secret)
      }
      if (answer.status !== 200) {
        const words = left === null ? 'no limit' : displayUsd(left)
        wrong.push(`${key.name} has ${words} left, and gateway ${gateway.name} answers ${answer.status} ${answer.code}`)
      }
    }
  }
}

/** What the tightest account of a key has not spent. Null: no limit. */
async function leftOf({ scene, id, allocation_id }: Key): Promise<bigint | null> {
  const { budget } = await scene.run(core.keys.get, { id })
  const { data } = await scene.run(core.allocations.list, { limit: 100 })
  const pot = data.find((one) => one.id === allocation_id)?.budget.remaining_usd ?? null
  const own = budget.renewal === 'when_used_up' ? null : budget.remaining_usd
  const { available_usd } = await scene.run(core.balance.get, {})
  return [own, pot, available_usd]
    .flatMap((text) => (text === null ? [] : [usd(text)]))
    .reduce((least, one) => (one < least ? one : least))
}

async function eventsOf(scene: Scene): Promise<Event[]> {
  const events: Event[] = []
  let cursor: string | undefined
  do {
    const { data, next_cursor }: { data: Event[]; next_cursor: string | null } = await scene.run(core.usage.list, {
      limit: 200,
      ...(cursor === undefined ? {} : { cursor }),
    })
    events.push(...data)
    cursor = next_cursor ?? undefined
  } while (cursor !== undefined)
  return events
}

/** With all gateways gone: nothing overspent, lost, charged twice or left behind; and the provider's own count. */
async function checkLedger(
  world: World,
  outcomes: readonly Outcome[],
  gatewaysKilled: number,
  wrong: string[],
  tell: (line: string) => void,
): Promise<void> {
  const report = await auditLedger(world.database)
  for (const { check, subject, detail } of report.violations) wrong.push(`${check}: ${subject}: ${detail}`)
  if (report.leases > 0) wrong.push(`${report.leases} leases are nobody’s`)
  const events = (await Promise.all(world.scenes.map(eventsOf))).flat()
  const byId = new Map(events.map((event) => [event.id, event]))
  if (byId.size !== events.length) wrong.push(`${events.length - byId.size} requests were charged twice`)

  let interruptedAfterAll = 0
  for (const { request_id, isComplete, usage, marker } of outcomes) {
    if (!isComplete || request_id === null) continue
    const event = byId.get(request_id)
    if (event === undefined) wrong.push(`${request_id} was answered (${marker || 'honestly'}) and is not in the ledger`)
    else if (event.status === 'interrupted') interruptedAfterAll++
    else if (
      usage !== null &&
      (event.input_tokens !== usage.input_tokens || event.output_tokens !== usage.output_tokens)
    ) {
      wrong.push(
        `${request_id} used ${usage.input_tokens} + ${usage.output_tokens} tokens, the ledger says ${event.input_tokens} + ${event.output_tokens}`,
      )
    }
  }
  // An answer leaves in the turn of the event loop at whose end it is written down.
  if (interruptedAfterAll > gatewaysKilled)
    wrong.push(`${interruptedAfterAll} answers were complete and count as interrupted`)

  const { requests, completed, cut, aborted_by_peer, input_tokens, output_tokens } = world.sandbox.stats()
  const sum = (some: readonly Event[], field: 'input_tokens' | 'output_tokens') =>
    some.reduce((total, event) => total + event[field], 0)
  tell(
    `\nThe provider began ${requests} answers (${completed} completed, ${cut} broken off by it, ${aborted_by_peer} left by us).`,
  )
  tell(`${''.padEnd(44)}${'requests'.padStart(10)}${'input'.padStart(12)}${'output'.padStart(12)}`)
  const row = (name: string, count: number, input: number, output: number) =>
    tell(`${name.padEnd(44)}${String(count).padStart(10)}${String(input).padStart(12)}${String(output).padStart(12)}`)
  row('the provider’s own count', requests, input_tokens, output_tokens)
  const part = (name: string, belongs: (event: Event) => boolean) => {
    const some = events.filter(belongs)
    row(`  ${name}`, some.length, sum(some, 'input_tokens'), sum(some, 'output_tokens'))
  }
  row('the ledger', events.length, sum(events, 'input_tokens'), sum(events, 'output_tokens'))
  const liedTo = new Set(
    outcomes.flatMap(({ request_id, marker }) => (isLie(marker) && request_id ? [request_id] : [])),
  )
  const isReported = (event: Event) => !event.is_estimated && event.status === 'succeeded'
  part('as the provider reported', (event) => isReported(event) && !liedTo.has(event.id))
  part('as it reported, falsely; paid by the hold', (event) => isReported(event) && liedTo.has(event.id))
  part('counted here: it reported nothing of use', (event) => event.is_estimated && event.status === 'succeeded')
  part('the client hung up: what was sent', (event) => event.status === 'canceled')
  part('the gateway was killed: the prompt', (event) => event.status === 'interrupted')
  part('the provider failed', (event) => event.status === 'failed')
}
