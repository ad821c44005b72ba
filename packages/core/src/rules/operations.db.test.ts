import { randomBytes } from 'node:crypto'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import * as core from '../index.ts'
import { createProvider, createScene, refusalOf, type Scene } from '../testing.ts'
import { countRules, loadRules } from './gateway.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  await createProvider(test.database, {
    base_url: 'https://provider.example/v1',
    masterKey: randomBytes(32),
    models: ['gpt-6-mini', 'claude-opus'],
  })
})
afterAll(() => test.drop())

const block = { name: 'Block', effect: 'block' } as const
const named = async (scene: Scene) => (await scene.run(core.rules.list, {})).data.map((one) => one.name)

describe('making and changing', () => {
  it('a rule says nothing but what it was given', async () => {
    const scene = await createScene(test.database)
    const group = await scene.run(core.groups.create, { name: '7b', location_id: scene.location.id })
    const made = await scene.run(core.rules.create, {
      ...block,
      group_ids: [group.id, group.id],
      kinds: [],
      models: [' claude-* '],
      days: ['mon', 'tue'],
      time_from: '17:00',
      time_until: '08:00',
    })
    expect(made).toEqual({
      id: expect.stringMatching(/^rul_/),
      name: 'Block',
      effect: 'block',
      is_enabled: true,
      position: 1,
      member_ids: null,
      kinds: null,
      roles: null,
      group_ids: [group.id],
      location_ids: null,
      models: ['claude-*'],
      provider_ids: null,
      days: ['mon', 'tue'],
      time_from: '17:00',
      time_until: '08:00',
      names: [{ id: group.id, name: '7b' }],
      hidden_count: 0,
      requests_7_days: 0,
      created_at: expect.stringMatching(/Z$/),
      updated_at: made.created_at,
    })
    expect(await scene.run(core.rules.get, { id: made.id })).toEqual(made)
    const changed = await scene.run(core.rules.update, { id: made.id, is_enabled: false, group_ids: null })
    expect(changed).toEqual({
      ...made,
      is_enabled: false,
      group_ids: null,
      names: [],
      updated_at: changed.updated_at,
    })
    expect(changed.updated_at > made.updated_at).toBe(true)
  })

  it('each stands at its place, and all of them move together', async () => {
    const scene = await createScene(test.database)
    const make = (name: string, position?: number) => scene.run(core.rules.create, { ...block, name, position })
    const [b, d, a] = [await make('b'), await make('d'), await make('a', 1)]
    const c = await make('c', 3)
    await make('e', 400)
    expect(await named(scene)).toEqual(['a', 'b', 'c', 'd', 'e'])
    await scene.run(core.rules.delete, { id: b.id })
    expect((await scene.run(core.rules.list, {})).data.map(({ name, position }) => `${position} ${name}`)).toEqual([
      '1 a',
      '2 c',
      '3 d',
      '4 e',
    ])
    const ids = (await scene.run(core.rules.list, {})).data.map((one) => one.id)
    const { data } = await scene.run(core.rules.reorder, { ids: ids.toReversed() })
    expect(data.map((one) => one.name)).toEqual(['e', 'd', 'c', 'a'])
    expect(await named(scene)).toEqual(['e', 'd', 'c', 'a'])
    const refused = async (wanted: string[]) => (await refusalOf(scene.run(core.rules.reorder, { ids: wanted }))).code
    expect(await refused([a.id, c.id])).toBe('conflict')
    expect(await refused([...ids, d.id])).toBe('invalid_request')
    expect(await refused([...ids, b.id])).toBe('not_found')
    expect(await named(scene)).toEqual(['e', 'd', 'c', 'a'])
  })

  it('two made at once both have a place', async () => {
    const scene = await createScene(test.database)
    await Promise.all(['a', 'b', 'c', 'd'].map((name) => scene.run(core.rules.create, { ...block, name, position: 1 })))
    const { data } = await scene.run(core.rules.list, {})
    expect(data.map((one) => one.name).toSorted()).toEqual(['a', 'b', 'c', 'd'])
    const stored = await test.admin`select position from rules where tenant_id = ${scene.tenant_id} order by 1`
    expect(stored.map((row) => row.position)).toEqual([1, 2, 3, 4])
  })

  it.each<[string, object, string]>([
    ['a time without its end', { time_from: '17:00' }, 'time_until'],
    ['an end without its beginning', { time_until: '17:00' }, 'time_from'],
    ['no time at all', { time_from: '08:00', time_until: '08:00' }, 'time_until'],
    ['a time that isn’t one', { time_from: '24:00', time_until: '08:00' }, 'time_from'],
    ['a model that nobody offers', { models: ['gpt-7'] }, 'models'],
    ['a * in the middle', { models: ['gpt-*-mini'] }, 'models.0'],
    ['a day that isn’t one', { days: ['monday'] }, 'days.0'],
    ['a field misspelt', { group_id: 'grp_x' }, 'group_id'],
  ])('refuses %s', async (_, terms, param) => {
    const scene = await createScene(test.database)
    const made = await scene.run(core.rules.create, block)
    const refused = await refusalOf(scene.run(core.rules.create, { ...block, ...terms }))
    expect(refused).toMatchObject({ code: 'invalid_request', details: { param } })
    expect((await refusalOf(scene.run(core.rules.update, { id: made.id, ...terms }))).details.param).toBe(param)
    expect(await named(scene)).toEqual(['Block'])
  })

  it('takes the beginning of names that are still to come', async () => {
    const scene = await createScene(test.database)
    const rule = await scene.run(core.rules.create, {
      ...block,
      models: ['gpt-7*', 'claude-opus', 'sandbox/claude-opus'],
    })
    expect(rule.models).toEqual(['gpt-7*', 'claude-opus', 'sandbox/claude-opus'])
  })

  it('what it names may go; the rule stays as it is and matches nobody', async () => {
    const scene = await createScene(test.database)
    const group = await scene.run(core.groups.create, { name: '7b', location_id: scene.location.id })
    const { id } = await scene.run(core.rules.create, { ...block, group_ids: [group.id] })
    await scene.run(core.groups.delete, { id: group.id })
    expect(await scene.run(core.rules.get, { id })).toMatchObject({ group_ids: [group.id], names: [] })
    const renamed = await scene.run(core.rules.update, { id, name: 'Still', group_ids: [group.id] })
    expect(renamed.group_ids).toEqual([group.id])
    const other = await refusalOf(scene.run(core.rules.create, { ...block, group_ids: [group.id] }))
    expect(other.code).toBe('not_found')
    const person = await scene.member()
    const trial = await scene.run(core.rules.try, { member_id: person.id, model: 'claude-opus' })
    expect(trial.effect).toBe('allow')
  })
})

describe('who sees them', () => {
  it('those of a location what concerns it, and of that what is theirs', async () => {
    const scene = await createScene(test.database)
    const north = await scene.run(core.locations.create, { name: 'North' })
    const south = await scene.run(core.locations.create, { name: 'South' })
    const theirs = await scene.member({ location_id: north.id })
    const other = await scene.member({ location_id: south.id })
    const everyone = await scene.run(core.rules.create, { ...block, name: 'Everyone' })
    const both = await scene.run(core.rules.create, {
      ...block,
      name: 'Both',
      location_ids: [north.id, south.id],
      member_ids: [theirs.id, other.id],
    })
    const elsewhere = await scene.run(core.rules.create, { ...block, name: 'South', location_ids: [south.id] })
    const admin = await scene.adminOf(north.id)
    const { data } = await scene.run(core.rules.list, {}, admin)
    expect(data.map((one) => [one.name, one.hidden_count, one.position])).toEqual([
      ['Everyone', 0, 1],
      ['Both', 2, 2],
    ])
    expect(JSON.stringify(data)).not.toContain(south.id)
    expect(JSON.stringify(data)).not.toContain(other.id)
    expect(await scene.run(core.rules.get, { id: both.id }, admin)).toMatchObject({ location_ids: [north.id] })
    expect((await refusalOf(scene.run(core.rules.get, { id: elsewhere.id }, admin))).code).toBe('not_found')
    const changed = await refusalOf(scene.run(core.rules.update, { id: everyone.id, is_enabled: false }, admin))
    expect(changed.code).toBe('forbidden')
  })
})

describe('trying', () => {
  it('answers as the gateway would, with the sentence that a tool shows', async () => {
    const scene = await createScene(test.database)
    const person = await scene.member({ kind: 'student' })
    const teacher = await scene.member({ kind: 'staff' })
    const staff = await scene.run(core.rules.create, { name: 'Staff always', effect: 'allow', kinds: ['staff'] })
    const evenings = await scene.run(core.rules.create, {
      name: 'No coding after school',
      effect: 'block',
      time_from: '17:00',
      time_until: '08:00',
    })
    const ask = (member_id: string, at: string) => scene.run(core.rules.try, { member_id, model: 'claude-opus', at })
    expect(await ask(person.id, '2026-11-24T18:00:00+01:00')).toEqual({
      effect: 'block',
      rule: { id: evenings.id, name: 'No coding after school' },
      code: 'outside_schedule',
      sentence:
        'The rule "No coding after school" of your organisation blocks this API key at this time. It works again on 25 November 2026 at 08:00 (Europe/Amsterdam).',
      opens_at: '2026-11-25T07:00:00.000Z',
      candidates: [
        {
          model: 'claude-opus',
          provider_id: expect.stringMatching(/^prv_/),
          provider: 'sandbox',
          effect: 'block',
          rule: { id: evenings.id, name: 'No coding after school' },
        },
      ],
    })
    expect(await ask(person.id, '2026-11-24T16:00:00+01:00')).toMatchObject({ effect: 'allow', rule: null })
    expect(await ask(teacher.id, '2026-11-24T18:00:00+01:00')).toMatchObject({
      effect: 'allow',
      rule: { id: staff.id },
      sentence: null,
    })
  })

  it('with a draft: new ones last or where they are put, changed ones in their place', async () => {
    const scene = await createScene(test.database)
    const person = await scene.member({ kind: 'student' })
    const saved = await scene.run(core.rules.create, { name: 'No Claude', effect: 'block', models: ['claude-*'] })
    const ask = { member_id: person.id, model: 'claude-opus' }
    const draft = { name: 'For me', effect: 'allow' as const, member_ids: [person.id] }
    const of = async (input: object) => {
      const { effect, rule, code, sentence } = await scene.run(core.rules.try, { ...ask, ...input })
      return { effect, rule: rule?.name, code, sentence }
    }
    const blocked = {
      effect: 'block',
      rule: 'No Claude',
      code: 'blocked_by_rule',
      sentence:
        'The rule "No Claude" of your organisation blocks the model "claude-opus". Ask an administrator of your organisation.',
    }
    expect(await of({})).toEqual(blocked)
    expect(await of({ draft })).toEqual(blocked)
    const allowed = { effect: 'allow', code: null, sentence: null }
    expect(await of({ draft: { ...draft, position: 1 } })).toEqual({ ...allowed, rule: 'For me' })
    expect(await of({ draft: { ...block, id: saved.id, models: ['gpt-*'] } })).toEqual({ ...allowed, rule: undefined })
    expect(await of({ draft: { ...block, id: saved.id, is_enabled: false } })).toMatchObject({ effect: 'allow' })
    expect(await named(scene)).toEqual(['No Claude'])
    const missing = { ...block, id: core.newId('rule') }
    expect((await refusalOf(scene.run(core.rules.try, { ...ask, draft: missing }))).code).toBe('not_found')
    const stranger = { ...block, member_ids: [core.newId('member')] }
    expect((await refusalOf(scene.run(core.rules.try, { ...ask, draft: stranger }))).code).toBe('not_found')
  })

  it('with a key: its own limits come first', async () => {
    const scene = await createScene(test.database)
    const key = await scene.key({ allowed_models: ['gpt-6-mini'] })
    const trial = await scene.run(core.rules.try, { key_id: key.id, model: 'claude-opus' })
    expect(trial).toMatchObject({ effect: 'block', code: 'model_not_allowed', rule: null, candidates: [] })
    expect(await scene.run(core.rules.try, { key_id: key.id, model: 'gpt-6-mini' })).toMatchObject({ effect: 'allow' })
    const neither = await refusalOf(scene.run(core.rules.try, { model: 'gpt-6-mini' }))
    expect(neither).toMatchObject({ code: 'invalid_request', details: { param: 'member_id' } })
  })

  it('a blocked provider is passed over', async () => {
    const scene = await createScene(test.database)
    const own = await createProvider(test.database, {
      tenant_id: scene.tenant_id,
      base_url: 'https://own.example/v1',
      masterKey: randomBytes(32),
      models: ['claude-opus'],
      name: 'own',
      priority: 1,
    })
    const person = await scene.member()
    const rule = await scene.run(core.rules.create, { ...block, name: 'Not there', provider_ids: [own.id] })
    const trial = await scene.run(core.rules.try, { member_id: person.id, model: 'claude-opus' })
    expect(trial).toMatchObject({ effect: 'allow', rule: null, sentence: null })
    expect(trial.candidates.map((one) => [one.provider, one.effect, one.rule?.id])).toEqual([
      ['own', 'block', rule.id],
      ['sandbox', 'allow', undefined],
    ])
    const there = await scene.run(core.rules.try, { member_id: person.id, model: 'claude-opus', provider_id: own.id })
    expect(there).toMatchObject({ effect: 'block', code: 'blocked_by_rule', rule: { id: rule.id } })
  })
})

describe('what gateways hold and count', () => {
  it('those switched on, in their order', async () => {
    const scene = await createScene(test.database)
    for (const name of ['a', 'b', 'c']) {
      await scene.run(core.rules.create, { ...block, name, is_enabled: name !== 'b', position: 1 })
    }
    expect((await loadRules(test.database, scene.tenant_id)).map((one) => one.name)).toEqual(['c', 'a'])
  })

  it('adds up what gateways tell, by the hour, for seven days', async () => {
    const scene = await createScene(test.database)
    const { tenant_id } = scene
    const rule = await scene.run(core.rules.create, block)
    const gone = await scene.run(core.rules.create, block)
    await scene.run(core.rules.delete, { id: gone.id })
    const ago = (days: number) => new Date(Math.floor(Date.now() / 3_600_000) * 3_600_000 - days * 86_400_000)
    const count = (rule_id: string, hour: Date, requests: number) => ({ tenant_id, rule_id, hour, requests })
    await countRules(test.database, tenant_id, [count(rule.id, ago(0), 2), count(gone.id, ago(0), 9)])
    await countRules(test.database, tenant_id, [count(rule.id, ago(0), 3), count(rule.id, ago(6), 10)])
    await countRules(test.database, tenant_id, [count(rule.id, ago(8), 100)])
    await countRules(test.database, tenant_id, [count(rule.id, ago(32), 1_000)])
    await countRules(test.database, tenant_id, [count(rule.id, ago(0), 1)])
    expect(await scene.run(core.rules.get, { id: rule.id })).toMatchObject({ requests_7_days: 16 })
    // What is older than a month is gone.
    const rows = await test.admin`select requests::int from rule_counts where tenant_id = ${tenant_id} order by 1`
    expect(rows.map((row) => row.requests)).toEqual([6, 10, 100])
  })
})
