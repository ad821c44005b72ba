import { modelPrice } from '@stipend/money'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { candidates, catalogueOf, type ModelTerms, usableModels } from './candidates.ts'
import type { ServedModel, ServedProvider } from './catalogue.ts'
import { DIALECTS } from './kinds.ts'

const anything: ModelTerms = { provider_id: null, allowed_models: null, group_ids: [] }

function provider(name: string, facts: Partial<ServedProvider> = {}): ServedProvider {
  return {
    id: `prv_${name}`,
    tenant_id: null,
    owner: 'stipend',
    name,
    kind: 'openai_compatible',
    base_url: 'https://provider.example/v1',
    credential: null,
    priority: 100,
    weight: 1,
    ...facts,
  }
}

function model(name: string, at: ServedProvider, facts: Partial<ServedModel> = {}): ServedModel {
  return {
    id: `mod_${at.name}_${name}`,
    name,
    upstream_name: name,
    aliases: [],
    dialects: ['chat'],
    context_tokens_max: 1_000,
    output_tokens_max: 100,
    created_at: '2026-01-01T00:00:00.000Z',
    provider: at,
    shared_with: null,
    price_id: 'prc_x',
    price: modelPrice({ input: '1', output: '2' }),
    ...facts,
  }
}

const openai = provider('openai')
const own = provider('own', { tenant_id: 'ten_a', owner: 'grove', priority: 10 })
const models = [
  model('gpt', openai, { aliases: ['fast'] }),
  model('gpt', own),
  model('openai/gpt', own, { id: 'mod_slashed' }),
  model('fast', own, { id: 'mod_fast' }),
  model('claude', own, { dialects: ['messages'] }),
  model('new', openai, { price: null, price_id: null }),
  model('secret', openai, { shared_with: ['grp_staff'] }),
]
const catalogue = catalogueOf(models)

function ask(name: string, key: Partial<ModelTerms> = {}, dialect: (typeof DIALECTS)[number] = 'chat') {
  const found = candidates(catalogue, { ...anything, ...key }, { name, dialect }, () => 0)
  return found.ok ? found.models.map((one) => one.id) : found.error.code
}

describe('the name of a model', () => {
  it.each([
    ['gpt', ['mod_own_gpt', 'mod_openai_gpt']],
    ['stipend:openai/gpt', ['mod_openai_gpt']],
    ['grove:own/gpt', ['mod_own_gpt']],
    ['own/gpt', ['mod_own_gpt']],
    // Most precisely it names the model of that provider, not another model with a stroke in its name.
    ['openai/gpt', ['mod_openai_gpt']],
    ['own/openai/gpt', ['mod_slashed']],
    // A name comes before an alias.
    ['fast', ['mod_fast']],
    ['openai/fast', ['mod_openai_gpt']],
    ['stipend:openai/fast', ['mod_openai_gpt']],
    ['secret', 'model_not_found'],
    ['grove:openai/gpt', 'model_not_found'],
    ['GPT', 'model_not_found'],
    ['', 'model_not_found'],
    ['__proto__', 'model_not_found'],
    ['new', 'model_not_priced'],
  ])('%s', (name, expected) => {
    expect(ask(name)).toEqual(expected)
  })
})

describe('a key', () => {
  it('may use what its list names, by any of the names', () => {
    for (const name of ['gpt', 'own/gpt', 'grove:own/gpt']) {
      expect(ask('gpt', { allowed_models: [name] })).toContain('mod_own_gpt')
    }
    expect(ask('gpt', { allowed_models: ['openai/gpt'] })).toEqual(['mod_openai_gpt'])
    expect(ask('fast', { allowed_models: ['stipend:openai/gpt'] })).toEqual(['mod_openai_gpt'])
    expect(ask('gpt', { allowed_models: ['claude'] })).toBe('model_not_allowed')
    expect(ask('gpt', { allowed_models: [] })).toBe('model_not_allowed')
  })

  it('that is linked to one provider sees only that', () => {
    expect(ask('gpt', { provider_id: openai.id })).toEqual(['mod_openai_gpt'])
    expect(ask('claude', { provider_id: openai.id })).toBe('model_not_allowed')
    expect(ask('nothing', { provider_id: openai.id })).toBe('model_not_found')
    const seen = usableModels(catalogue, { ...anything, provider_id: openai.id })
    expect(seen.map((one) => one.id)).toEqual(['mod_openai_gpt'])
  })

  it('of a member of the group a provider is shared with may use it, and nobody else hears of it', () => {
    expect(ask('secret', { group_ids: ['grp_3b', 'grp_staff'] })).toEqual(['mod_openai_secret'])
    expect(ask('secret', { group_ids: ['grp_3b'] })).toBe('model_not_found')
    expect(ask('secret', { allowed_models: ['secret'] })).toBe('model_not_found')
  })
})

describe('a refusal', () => {
  const sentence = (name: string, key: Partial<ModelTerms>, dialect: (typeof DIALECTS)[number] = 'chat') => {
    const found = candidates(catalogue, { ...anything, ...key }, { name, dialect }, () => 0)
    return found.ok ? '' : found.error.message
  }

  it('names the models that would work', () => {
    expect(sentence('gpt', { allowed_models: ['claude'] })).toBe(
      'This API key may not use the model "gpt". These work: claude.',
    )
    expect(sentence('gpt', { allowed_models: [] })).toMatch(/No other model of this key works here/)
    expect(sentence('gpt', {}, 'messages')).toBe('The model "gpt" can’t be asked at /v1/messages. These work: claude.')
  })

  it('doesn’t repeat a name without end', () => {
    expect(sentence('x'.repeat(10_000), {}).length).toBeLessThan(300)
  })
})

describe('the order', () => {
  const kinds = fc.record({
    priority: fc.integer({ min: 1, max: 3 }),
    weight: fc.integer({ min: 1, max: 1_000 }),
    isPriced: fc.boolean(),
    groups: fc.option(fc.subarray(['grp_1', 'grp_2'])),
    dialects: fc.subarray([...DIALECTS]),
  })
  const world = fc.array(kinds, { maxLength: 6 }).map((specs) =>
    specs.map(({ priority, weight, isPriced, groups, dialects }, nth) =>
      model('m', provider(`p${nth}`, { priority, weight }), {
        dialects,
        shared_with: groups,
        ...(isPriced ? {} : { price: null, price_id: null }),
      }),
    ),
  )
  const terms = fc.record({
    provider_id: fc.option(fc.constantFrom('prv_p0', 'prv_p1')),
    allowed_models: fc.option(fc.subarray(['m', 'p0/m', 'stipend:p1/m', 'other'])),
    group_ids: fc.subarray(['grp_1', 'grp_2']),
  })

  it('has every model that may be used, once, by priority; and nothing else', () => {
    fc.assert(
      fc.property(
        world,
        terms,
        fc.constantFrom(...DIALECTS),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999999, noNaN: true })),
        (all, key, dialect, chances) => {
          const found = candidates(catalogueOf(all), key, { name: 'm', dialect }, () => chances.next().value as number)
          const expected = all.filter(
            (one) =>
              one.price !== null &&
              one.dialects.includes(dialect) &&
              (one.shared_with?.some((id) => key.group_ids.includes(id)) ?? true) &&
              (key.provider_id === null || key.provider_id === one.provider.id) &&
              (key.allowed_models?.some((name) =>
                ['m', `${one.provider.name}/m`, `stipend:${one.provider.name}/m`].includes(name),
              ) ??
                true),
          )
          const ids = found.ok ? found.models.map((one) => one.id) : []
          expect([...ids].sort()).toEqual(expected.map((one) => one.id).sort())
          const priorities = found.ok ? found.models.map((one) => one.provider.priority) : []
          expect(priorities).toEqual([...priorities].sort((a, b) => a - b))
          if (found.ok) return
          const isHidden = all.every(
            (one) => one.shared_with !== null && !one.shared_with.some((id) => key.group_ids.includes(id)),
          )
          expect(found.error.code === 'model_not_found').toBe(isHidden)
        },
      ),
    )
  })

  it('among equals follows their weights', () => {
    const heavy = model('m', provider('heavy', { weight: 3 }))
    const light = model('m', provider('light', { weight: 1 }))
    const both = catalogueOf([light, heavy])
    const firstAt = (chance: number) => {
      const found = candidates(both, anything, { name: 'm', dialect: 'chat' }, () => chance)
      return found.ok ? found.models[0].provider.name : null
    }
    // A quarter of all chances is the light one's, wherever it lies.
    const firsts = Array.from({ length: 1_000 }, (_, nth) => firstAt(nth / 1_000))
    expect(firsts.filter((name) => name === 'light')).toHaveLength(250)
  })

  it('of what is usable is that of the names, each once', () => {
    fc.assert(
      fc.property(world, terms, (all, key) => {
        const usable = usableModels(catalogueOf(all), key)
        for (const dialect of DIALECTS) {
          const found = candidates(catalogueOf(all), key, { name: 'm', dialect }, () => 0)
          const ids = found.ok ? found.models.map((one) => one.id) : []
          expect(ids.sort()).toEqual(
            usable
              .filter((one) => one.dialects.includes(dialect))
              .map((one) => one.id)
              .sort(),
          )
        }
      }),
    )
  })
})
