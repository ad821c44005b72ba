import { catalogueOf, loadPlatformCatalogue, newId, usableModels } from '@stipend/core'
import { hashSecret } from '@stipend/core/secrets'
import { draw, type Settlement, settle } from '@stipend/core/spend'
import { type Database, reportGateway } from '@stipend/db'
import { costOf } from '@stipend/money'

const DAY_MS = 24 * 60 * 60_000
const MINUTE_MS = 60_000
export const HISTORY_DAYS = 30
/** Of somebody whose pace is 1, on a day that isn't a weekend's. */
const REQUESTS_A_DAY_MAX = 30
/** How long the lesson has been going on. */
export const LESSON_MINUTES = 20
/** A gateway that is never heard of again: its leases are given back when their time is over. */
const GATEWAY_SECONDS = 3600
const TOLD_AT_ONCE = 500

/** Somebody's key and how busy they are with it: 1 is a lot. */
export type Worker = { secret: string; pace: number }

/**
 * A month of work, written by the ledger's own functions: money is drawn and settled as a gateway would, so that what the pages
 * show adds up. The same every time, and nobody gets more than their budget.
 */
export async function writeHistory(seeding: HistorySeeding, workers: readonly Worker[]): Promise<void> {
  const { now } = seeding
  const scribe = await scribeOf(seeding)
  const random = dice(7)
  for (const { secret, pace } of workers) {
    for (let day = HISTORY_DAYS; day >= 1; day--) {
      const date = new Date(now.getTime() - day * DAY_MS)
      const isWeekend = date.getUTCDay() % 6 === 0
      const count = Math.floor(random() * REQUESTS_A_DAY_MAX * pace * (isWeekend ? 0.2 : 1))
      // Lessons are in the morning.
      const asked = Array.from({ length: count }, () => date.getTime() - Math.floor(random() * 3 * 60 * MINUTE_MS))
      await scribe.work(secret, date, asked, random)
    }
  }
  await scribe.tell()
}

/** The first twenty minutes of a lesson that is going on: some near the end of their budget, some out, some barely begun. */
export async function writeLesson(seeding: HistorySeeding, workers: readonly Worker[]): Promise<void> {
  const { now } = seeding
  const scribe = await scribeOf(seeding)
  const random = dice(3)
  for (const { secret, pace } of workers) {
    const asked = Array.from(
      { length: Math.round(40 * pace) },
      () => now.getTime() - Math.floor(random() * LESSON_MINUTES * MINUTE_MS),
    )
    await scribe.work(secret, now, asked, random)
  }
  await scribe.tell()
}

export type HistorySeeding = { database: Database; masterKey: Buffer; now: Date }

async function scribeOf({ database, masterKey }: HistorySeeding) {
  const gateway_id = newId('gateway')
  await reportGateway(database, gateway_id, GATEWAY_SECONDS)
  const served = catalogueOf(await loadPlatformCatalogue(database, [masterKey]))
  const models = usableModels(served, { provider_id: null, allowed_models: null, group_ids: [] })
  let told: Settlement[] = []

  const tell = async () => {
    for (let at = 0; at < told.length; at += TOLD_AT_ONCE) await settle(database, told.slice(at, at + TOLD_AT_ONCE))
    told = []
  }

  /** What somebody asked on one day, out of one lease: less and less of it until the budget pays for it. */
  const work = async (secret: string, at: Date, asked: readonly number[], random: () => number) => {
    const requests = asked.map((time) => request(time, models, random))
    const lease_id = newId('lease')
    for (let count = requests.length; count > 0; count = Math.floor(count * 0.9)) {
      const served = requests.slice(0, count)
      const nanos = served.reduce((sum, { cost_nanos }) => sum + cost_nanos, 0n)
      const money = { want_nanos: nanos, least_nanos: nanos, uses_balance: true }
      const drawn = await draw(database, { secret_hash: hashSecret(secret), gateway_id, lease_id, ...money, at })
      if (drawn.outcome !== 'granted') continue
      const { tenant_id, key_id, member_id, allocation_id } = drawn.facts
      const whose = { tenant_id, key_id, member_id, allocation_id, gateway_id, lease_id, draws_on_balance: true }
      for (const one of served) told.push({ ...one, ...whose, id: newId('request'), hold_nanos: one.cost_nanos })
      return
    }
  }
  return { work, tell }
}

function request(time: number, models: ReturnType<typeof usableModels>, random: () => number) {
  const model = models[Math.floor(random() * 2) % models.length]
  if (model === undefined) throw new Error('a history needs models')
  const output_tokens = Math.floor(80 + random() * 1_400)
  const usage = {
    input_tokens: Math.floor(2_000 + random() * 12_000),
    cached_input_tokens: 0,
    reasoning_tokens: null,
    cache_write_tokens: 0,
    cache_write_1h_tokens: 0,
    output_tokens,
  }
  const isCanceled = random() < 0.03
  return {
    ...usage,
    started_at: new Date(time).toISOString(),
    model: model.name,
    provider_id: model.provider.id,
    provider_name: model.provider.name,
    price_id: model.price_id,
    status: isCanceled ? ('canceled' as const) : ('succeeded' as const),
    http_status: 200,
    error_code: null,
    is_streamed: true,
    is_estimated: isCanceled,
    cost_nanos: costOf(usage, model.price),
    excess_nanos: 0n,
    latency_ms: Math.floor(900 + output_tokens * 9 + random() * 900),
    first_byte_ms: Math.floor(250 + random() * 500),
  }
}

/** Chance that is the same every time. */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}
