import { describe, expect, it } from 'vitest'
import { Health, Providers } from './health.ts'

const provider = { id: 'prv_1', tenant_id: null }
const other = { id: 'prv_2', tenant_id: 'ten_1' }
const NOW = 1_000_000

const failing = (times: number, now = NOW): Health => {
  const health = new Health()
  for (let n = 0; n < times; n++) health.failed(now, 'provider_error', null)
  return health
}

describe('a provider that fails', () => {
  it('is left alone after five failures in a row, and not before', () => {
    expect(failing(4).shuns(NOW)).toBe(false)
    expect(failing(5).shuns(NOW)).toBe(true)
    const mixed = failing(4)
    mixed.succeeded(NOW, 10)
    for (let n = 0; n < 4; n++) mixed.failed(NOW, 'provider_error', null)
    expect(mixed.shuns(NOW)).toBe(false)
  })

  it('gets one request after its rest, and all of them once that succeeds', () => {
    const health = failing(5)
    expect(health.shuns(NOW + 4_999)).toBe(true)
    expect(health.shuns(NOW + 5_000)).toBe(false)
    expect(health.shuns(NOW + 5_001), 'one probe at a time').toBe(true)
    health.succeeded(NOW + 5_002, 10)
    expect(health.shuns(NOW + 5_003)).toBe(false)
    expect(health.shuns(NOW + 5_003)).toBe(false)
  })

  it('rests twice as long each time its probe fails, a minute at most', () => {
    const health = failing(5)
    let now = NOW
    for (const rest of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
      expect(health.shuns(now + rest - 1)).toBe(true)
      now += rest
      expect(health.shuns(now)).toBe(false)
      health.failed(now, 'provider_error', null)
    }
  })

  it('gets another probe where the first one ended without an answer', () => {
    const health = failing(5)
    expect(health.shuns(NOW + 5_000)).toBe(false)
    health.leftOpen()
    expect(health.shuns(NOW + 5_001)).toBe(false)
  })

  it('gets another probe where nothing is heard of the first one', () => {
    const health = failing(5)
    expect(health.shuns(NOW + 5_000)).toBe(false)
    expect(health.shuns(NOW + 34_999)).toBe(true)
    expect(health.shuns(NOW + 35_000)).toBe(false)
  })

  it('rests for as long as it says, a minute at most', () => {
    const asked = new Health()
    asked.failed(NOW, 'rate_limited', 7_000)
    expect(asked.shuns(NOW + 6_999)).toBe(true)
    expect(asked.shuns(NOW + 7_000)).toBe(false)
    const greedy = new Health()
    greedy.failed(NOW, 'rate_limited', 3_600_000)
    expect(greedy.shuns(NOW + 60_000)).toBe(false)
  })
})

describe('what is told of a provider', () => {
  it('is about the last five minutes', () => {
    const health = failing(3)
    health.succeeded(NOW + 1, 30)
    health.succeeded(NOW + 1, 10)
    health.succeeded(NOW + 1, 20)
    expect(health.report(provider, NOW + 2)).toMatchObject({
      ...{ tenant_id: null, provider_id: 'prv_1', state: 'up', requests: 6, failures: 3, latency_ms: 20 },
      last_error_code: 'provider_error',
    })
    expect(health.report(provider, NOW + 400_000)).toMatchObject({ requests: 0, failures: 0 })
    expect(failing(5).report(provider, NOW).state).toBe('resting')
  })

  it('is told once, until there is something new', () => {
    const providers = new Providers()
    providers.of(provider).succeeded(NOW, 5)
    providers.of(other).failed(NOW, 'provider_error', null)
    expect(providers.news(NOW).map(({ provider_id }) => provider_id)).toEqual(['prv_1', 'prv_2'])
    expect(providers.news(NOW)).toEqual([])
    providers.of(other).succeeded(NOW, 5)
    expect(providers.news(NOW)).toMatchObject([{ tenant_id: 'ten_1', provider_id: 'prv_2', requests: 2, failures: 1 }])
  })
})

describe('the order in which providers are tried', () => {
  const models = [
    { provider, name: 'a' },
    { provider: other, name: 'b' },
  ]
  const names = (providers: Providers, now = NOW) => providers.inOrder(models, now).map(({ name }) => name)

  it('has those that rest last, and never leaves one out', () => {
    const providers = new Providers()
    expect(names(providers)).toEqual(['a', 'b'])
    providers.of(provider).failed(NOW, 'rate_limited', 10_000)
    expect(names(providers)).toEqual(['b', 'a'])
    providers.of(other).failed(NOW, 'rate_limited', 10_000)
    expect(names(providers)).toEqual(['a', 'b'])
    // Rested, it is tried first again: by one.
    expect(names(providers, NOW + 10_000)).toEqual(['a', 'b'])
  })

  it('costs a probe only of the one that would be asked first', () => {
    const providers = new Providers()
    providers.of(other).failed(NOW, 'rate_limited', 1_000)
    expect(names(providers, NOW + 1_000)).toEqual(['a', 'b'])
    expect(providers.of(other).shuns(NOW + 1_000)).toBe(false)
  })
})
