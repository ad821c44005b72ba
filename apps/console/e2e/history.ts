import { catalogueOf, keys, loadPlatformCatalogue, newId, usableModels } from '@stipend/core'
import { hashSecret } from '@stipend/core/secrets'
import { draw, settle } from '@stipend/core/spend'
import { type Database, reportGateway } from '@stipend/db'
import { costOf } from '@stipend/money'
import { named, operatorOf, type Seeded } from './scenario.ts'

const DAY_MS = 24 * 60 * 60_000
const DAYS = 30

/** Who has which key in the pictures, and how busy they are. */
const KEYS = [
  { name: 'Zoë van der Meer', budget_usd: '5.00', renewal: 'never', pace: 0.5 },
  { name: 'Mohammed El Amrani', budget_usd: '10.00', renewal: 'never', pace: 0.8 },
  { name: 'Aylin Öztürk', budget_usd: '25.00', renewal: 'monthly', pace: 1 },
  { name: 'Noor Bakker', budget_usd: '2.00', renewal: 'never', pace: 0.3 },
  { name: 'Emma Willems', budget_usd: '1.00', renewal: 'weekly', pace: 0.2 },
  { name: 'Nguyễn Minh Anh', budget_usd: '25.00', renewal: 'never', pace: 1 },
  { name: 'Yusuf Demir', budget_usd: null, renewal: 'never', pace: 0.6 },
] as const

/**
 * A month of work in a class, written by the ledger's own functions: money is drawn and settled as a gateway would, so what the
 * pages show adds up. The same every time.
 */
export async function writeHistory(database: Database, masterKey: Buffer, school: Seeded, now: Date): Promise<void> {
  const gateway_id = newId('gateway')
  await reportGateway(database, gateway_id, 3600)
  const served = catalogueOf(await loadPlatformCatalogue(database, [masterKey]))
  const catalogue = usableModels(served, { provider_id: null, allowed_models: null, group_ids: [] })
  const began = new Date(now.getTime() - DAYS * DAY_MS)
  const operate = operatorOf(database, school.tenant_id, began)
  const random = dice(7)

  for (const { name, pace, ...terms } of KEYS) {
    const { secret } = await operate(keys.create, {
      member_id: named(school.people, name).id,
      name: 'Coding',
      ...terms,
    })
    const secret_hash = hashSecret(secret ?? '')
    const settlements: Parameters<typeof settle>[1][number][] = []
    for (let day = DAYS - 1; day >= 0; day--) {
      const date = new Date(now.getTime() - day * DAY_MS)
      const isWeekend = date.getUTCDay() % 6 === 0
      const requests = Math.floor(random() * 30 * pace * (isWeekend ? 0.2 : 1))
      for (let nth = 0; nth < requests; nth++) {
        const model = catalogue[random() < 0.5 ? 0 : 1]
        if (model === undefined) throw new Error('no models')
        const usage = {
          input_tokens: Math.floor(2_000 + random() * 22_000),
          cached_input_tokens: 0,
          reasoning_tokens: null,
          cache_write_tokens: 0,
          cache_write_1h_tokens: 0,
          output_tokens: Math.floor(80 + random() * 1_400),
        }
        const cost_nanos = costOf(usage, model.price)
        const lease_id = newId('lease')
        const drawn = await draw(database, {
          secret_hash,
          gateway_id,
          lease_id,
          want_nanos: cost_nanos,
          least_nanos: cost_nanos,
          uses_balance: true,
          at: date,
        })
        if (drawn.outcome !== 'granted') continue
        const { tenant_id, key_id, member_id, allocation_id } = drawn.facts
        const isCanceled = random() < 0.03
        settlements.push({
          ...usage,
          id: newId('request'),
          // Lessons are in the morning.
          started_at: new Date(
            Math.min(date.getTime(), now.getTime()) - Math.floor(random() * 3 * 60 * 60_000),
          ).toISOString(),
          gateway_id,
          tenant_id,
          key_id,
          member_id,
          allocation_id,
          draws_on_balance: true,
          lease_id,
          model: model.name,
          provider_id: model.provider.id,
          provider_name: model.provider.name,
          price_id: model.price_id,
          status: isCanceled ? 'canceled' : 'succeeded',
          http_status: 200,
          error_code: null,
          is_streamed: true,
          is_estimated: isCanceled,
          hold_nanos: cost_nanos,
          cost_nanos,
          excess_nanos: 0n,
          latency_ms: Math.floor(900 + usage.output_tokens * 9 + random() * 900),
          first_byte_ms: Math.floor(250 + random() * 500),
        })
      }
    }
    for (let at = 0; at < settlements.length; at += 50) await settle(database, settlements.slice(at, at + 50))
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
