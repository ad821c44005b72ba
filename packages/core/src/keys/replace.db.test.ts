import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { usd } from '@stipend/money'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import * as core from '../index.ts'
import { hashSecret } from '../secrets.ts'
import { auditLedger, draw, settle } from '../spend/index.ts'
import { createScene, refusalOf, type Scene } from '../testing.ts'

let test: TestDatabase
let scene: Scene
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database)
})
afterAll(() => test.drop())

/** Draws so much for a key; what is `spent` of it is settled, the rest stays set aside. */
async function use(secret: string, drawn: string, spent: string) {
  const lease_id = core.newId('lease')
  const answer = await draw(test.database, {
    secret_hash: hashSecret(secret),
    gateway_id: 'gtw_test',
    lease_id,
    want_nanos: usd(drawn),
    least_nanos: usd(drawn),
    uses_balance: true,
  })
  if (answer.outcome !== 'granted') return answer
  const { tenant_id, key_id, member_id, allocation_id } = answer.facts
  if (spent !== '0') {
    await settle(test.database, [
      {
        ...{ tenant_id, key_id, member_id, allocation_id, lease_id },
        id: core.newId('request'),
        started_at: new Date().toISOString(),
        gateway_id: 'gtw_test',
        draws_on_balance: true,
        model: 'sandbox-small',
        provider_id: 'prv_test',
        provider_name: 'sandbox',
        price_id: 'prc_test',
        status: 'succeeded',
        http_status: 200,
        error_code: null,
        is_streamed: false,
        is_estimated: false,
        input_tokens: 10,
        cached_input_tokens: 0,
        cache_write_tokens: 0,
        cache_write_1h_tokens: 0,
        output_tokens: 5,
        reasoning_tokens: null,
        hold_nanos: usd(spent),
        cost_nanos: usd(spent),
        excess_nanos: 0n,
        latency_ms: 1,
        first_byte_ms: null,
      },
    ])
  }
  return answer
}

describe('a lost key', () => {
  it('ends, and another takes its place with the same settings and what is left', async () => {
    const lost = await scene.key({ name: 'Homework', budget_usd: '5', valid_until: '2099-01-01T00:00:00Z' })
    await use(lost.secret, '1.80', '1.80')
    const made = await scene.run(core.keys.replace, { id: lost.id })
    expect(made).toMatchObject({
      name: 'Homework',
      member_id: lost.member_id,
      valid_until: '2099-01-01T00:00:00.000Z',
      status: 'active',
      replaced_id: lost.id,
      carried_usd: '1.80',
      budget: { limit_usd: '5.00', spent_usd: '1.80', remaining_usd: '3.20', renewal: 'never' },
    })
    expect(await scene.run(core.keys.get, { id: lost.id })).toMatchObject({ status: 'revoked' })
    expect(await use(lost.secret, '0.01', '0')).toMatchObject({ outcome: 'refused', error: { code: 'key_revoked' } })
    // What was spent stays spent, to the last nanodollar.
    expect(await use(made.secret ?? '', '3.200000001', '0')).toMatchObject({
      outcome: 'short',
      error: { code: 'budget_exhausted' },
    })
    expect((await use(made.secret ?? '', '3.20', '3.20')).outcome).toBe('granted')
    expect((await scene.run(core.keys.get, { id: made.id })).budget).toMatchObject({
      spent_usd: '5.00',
      remaining_usd: '0.00',
    })
    const entries = await scene.run(core.audit.list, { target_id: lost.id })
    expect(entries.data[0]).toMatchObject({ operation: 'keys.replace', after: { replaced_by: made.id } })
    expect(JSON.stringify(entries)).not.toContain(made.secret)
  })

  it('counts what a running request has set aside as spent', async () => {
    const lost = await scene.key({ budget_usd: '5' })
    await use(lost.secret, '2', '0')
    const made = await scene.run(core.keys.replace, { id: lost.id })
    expect(made.budget.remaining_usd).toBe('3.00')
  })

  it('that was never used is replaced whole, and one without a limit stays without', async () => {
    const unused = await scene.run(core.keys.replace, { id: (await scene.key({ budget_usd: '5' })).id })
    expect(unused).toMatchObject({ carried_usd: '0.00', budget: { spent_usd: '0.00', remaining_usd: '5.00' } })
    const unlimited = await scene.key({ budget_usd: null })
    await use(unlimited.secret, '1', '1')
    const made = await scene.run(core.keys.replace, { id: unlimited.id })
    expect(made.budget).toMatchObject({ limit_usd: null, remaining_usd: null })
  })

  it('that is raised afterwards still has spent what was spent', async () => {
    const lost = await scene.key({ budget_usd: '5' })
    await use(lost.secret, '2', '2')
    const made = await scene.run(core.keys.replace, { id: lost.id })
    const raised = await scene.run(core.keys.update, { id: made.id, budget_usd: '6' })
    expect(raised.budget).toMatchObject({ limit_usd: '6.00', spent_usd: '2.00', remaining_usd: '4.00' })
  })

  it('with a budget that renews gets what is left of this one, and whole ones after', async () => {
    const lost = await scene.key({ budget_usd: '5', renewal: 'when_used_up' })
    await use(lost.secret, '4', '4')
    const made = await scene.run(core.keys.replace, { id: lost.id })
    expect(made.budget).toMatchObject({ spent_usd: '4.00', remaining_usd: '1.00' })
    expect((await use(made.secret ?? '', '3', '3')).outcome).toBe('granted')
    expect((await scene.run(core.keys.get, { id: made.id })).budget).toMatchObject({ spent_usd: '2.00' })
  })

  it('is not replaced when it was revoked, when its window is over, or when nothing is left', async () => {
    const revoked = await scene.key()
    await scene.run(core.keys.revoke, { id: revoked.id })
    expect((await refusalOf(scene.run(core.keys.replace, { id: revoked.id }))).code).toBe('conflict')
    const over = await scene.key({ valid_until: new Date(Date.now() + 60_000).toISOString() })
    const later = { now: new Date(Date.now() + 120_000) }
    expect((await refusalOf(scene.run(core.keys.replace, { id: over.id }, scene.operator, later))).message).toMatch(
      /window/,
    )
    const spent = await scene.key({ budget_usd: '1' })
    await use(spent.secret, '1', '1')
    expect((await refusalOf(scene.run(core.keys.replace, { id: spent.id }))).message).toMatch(/Nothing is left/)
  })

  it('leaves a sound ledger', async () => {
    expect((await auditLedger(test.database)).violations).toEqual([])
  })
})

describe('a key of one’s own', () => {
  const limits = { kinds: ['student' as const], keys_max: 2, budget_max_usd: '5', days_max: 30, may_renew: false }
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
  const self = async (place: Scene, kind: 'student' | 'staff' = 'student') => {
    const member = await place.member({ kind })
    const { tenant_id } = place
    const base = { kind: 'user' as const, tenant_id, user_id: 'usr_x', member_id: member.id, role: 'member' as const }
    return { ...base, location_ids: null, group_ids: null }
  }
  const wanted = () => ({ name: 'Mine', budget_usd: '5', valid_until: inDays(7) })

  it('is made within the limits, at most so many', async () => {
    const place = await createScene(test.database)
    const me = await self(place)
    const make = (changes: object = {}) => place.run(core.keys.createOwn, { ...wanted(), ...changes }, me)
    expect((await refusalOf(make())).code).toBe('forbidden')
    await place.run(core.tenants.update, { own_keys: limits })
    expect((await refusalOf(make({ budget_usd: '5.000000001' }))).details.param).toBe('budget_usd')
    expect((await refusalOf(make({ budget_usd: null }))).details.param).toBe('budget_usd')
    expect((await refusalOf(make({ renewal: 'daily' }))).details.param).toBe('renewal')
    expect((await refusalOf(make({ valid_until: inDays(31) }))).details.param).toBe('valid_until')
    expect((await refusalOf(make({ valid_until: null }))).details.param).toBe('valid_until')
    const first = await make()
    expect(first).toMatchObject({ member_id: me.member_id, created_by: me.member_id, status: 'active' })
    const both = await Promise.allSettled([make(), make(), make()])
    expect(both.filter((one) => one.status === 'fulfilled')).toHaveLength(1)
    await place.run(core.keys.revokeOwn, { id: first.id }, me)
    expect((await make()).secret).toMatch(/^sk-stp-/)
    expect((await refusalOf(place.run(core.keys.createOwn, wanted(), await self(place, 'staff')))).code).toBe(
      'forbidden',
    )
  })

  it('is revoked by its owner and by no other member', async () => {
    const place = await createScene(test.database)
    const [me, another] = [await self(place), await self(place)]
    const mine = await place.key({ member_id: me.member_id })
    const missing = await refusalOf(place.run(core.keys.revokeOwn, { id: core.newId('key') }, another))
    expect(await refusalOf(place.run(core.keys.revokeOwn, { id: mine.id }, another))).toEqual(missing)
    expect(await place.run(core.keys.revokeOwn, { id: mine.id }, me)).toMatchObject({ status: 'revoked' })
  })
})
