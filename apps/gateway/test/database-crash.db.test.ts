import { setTimeout as sleep } from 'node:timers/promises'
import { modelPrice } from '@stipend/money'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { accountFor, settled, soon } from './books.ts'
import { buildCrashHouse, type CrashHouse } from './crash-house.ts'
import { type Answer, call, errorOf, idOf, isWhole, pieces, prompt } from './http.ts'

const PRICE = modelPrice({ input: '2.50', cached_input: '1.25', output: '10' })
let house: CrashHouse
beforeAll(async () => {
  house = await buildCrashHouse(PRICE)
})
afterAll(() => house.close())
beforeEach(() => house.sandbox.reset())

describe('kill -9 of PostgreSQL', () => {
  it('in the middle of fifty requests ends none of them, and all are settled once when it is back', {
    timeout: 60_000,
  }, async () => {
    const key = await house.scene.key({ budget_usd: '5' })
    const gateway = await house.gateway('database')
    const MARKERS = [
      'chunk_delay=15 tokens=40',
      'chunk_delay=60 tokens=60',
      'delay=700 tokens=40',
      'delay=3500 tokens=60',
    ]
    const running = Array.from({ length: 50 }, (_, i) => {
      const marker = MARKERS[i % 4] ?? ''
      return call(gateway.url, { key: key.secret, body: prompt(marker, { stream: marker.startsWith('chunk') }) })
    })
    // A key with a lease goes on for as long as that lasts.
    const cold = await house.scene.key()
    await soon(() => expect(house.sandbox.stats().requests).toBe(50))
    await house.killDatabase()
    const away = sleep(2_000)

    for (const body of [
      prompt('tokens=5'),
      prompt('tokens=5', { stream: true }),
      { ...prompt(''), model: 'gpt-99' },
      {},
    ]) {
      const refused = await call(gateway.url, { key: cold.secret, body })
      expect(refused).toMatchObject({ status: 503, end: 'clean' })
      expect(errorOf(refused)).toMatchObject({ code: 'metering_unavailable', type: 'server_error' })
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
      expect(refused.headers).not.toHaveProperty('x-should-retry')
    }
    const models = await call(gateway.url, { method: 'GET', path: '/models', key: cold.secret })
    expect(models.status).toBe(503)
    const { origin } = new URL(gateway.url)
    expect((await call(origin, { method: 'GET', path: '/healthz' })).status).toBe(503)
    expect(house.sandbox.stats().requests).toBe(50)

    await away
    await house.startDatabase()
    const answers = await Promise.all(running)
    for (const [i, answer] of answers.entries()) {
      expect(isWhole(answer), answer.text.slice(-300)).toBe(true)
      if (i % 4 < 2) expect(pieces(answer.text)).toBe(i % 4 === 0 ? 40 : 60)
    }
    await settled(house.books, key.id, 50, 20_000)
    const events = await accountFor(house.books, key, PRICE)
    for (const answer of answers) {
      expect(events.get(idOf(answer))).toMatchObject({ status: 'succeeded', is_estimated: false })
    }
    const { input_tokens, output_tokens } = house.sandbox.stats()
    expect([...events.values()].reduce((sum, event) => sum + event.input_tokens, 0)).toBe(input_tokens)
    expect([...events.values()].reduce((sum, event) => sum + event.output_tokens, 0)).toBe(output_tokens)

    const again = await call(gateway.url, { key: key.secret, body: prompt('tokens=5') })
    expect(again.status).toBe(200)
    await settled(house.books, key.id, 51)
    gateway.kill('SIGTERM')
    expect(await gateway.ended).toBe(0)
  })

  const FATES = [{ fate: 'lives' }, { fate: 'is killed as well' }]
  it.each(FATES)(
    'leaves nothing unpaid that was answered while it was away, if the gateway $fate',
    async ({ fate }) => {
      const key = await house.scene.key({ budget_usd: '5' })
      let gateway = await house.gateway('away')
      const running = Array.from({ length: 10 }, (_, i) => {
        const isStream = i % 2 === 0
        const body = prompt(isStream ? 'chunk_delay=15 tokens=40' : 'delay=500 tokens=40', { stream: isStream })
        return call(gateway.url, { key: key.secret, body })
      })
      await soon(() => expect(house.sandbox.stats().requests).toBe(10))
      await house.killDatabase()
      const answers = await Promise.all(running)
      expect(answers.every(isWhole)).toBe(true)
      if (fate !== 'lives') {
        gateway.kill('SIGKILL')
        await gateway.ended
      }
      await house.startDatabase()
      if (fate !== 'lives') gateway = await house.gateway('away')

      // By itself: nobody asks for anything any more.
      await settled(house.books, key.id, 10, 30_000)
      const events = await accountFor(house.books, key, PRICE)
      for (const answer of answers) {
        expect(events.get(idOf(answer))).toMatchObject({ status: 'succeeded', is_estimated: false, output_tokens: 40 })
      }
      gateway.kill('SIGTERM')
      await gateway.ended
    },
  )

  it('or of one of its processes, which takes the others with it, is no different', { timeout: 60_000 }, async () => {
    const key = await house.scene.key({ budget_usd: '5' })
    const gateway = await house.gateway('backend')
    let served = 0
    let isOver = false
    const asking = Array.from({ length: 20 }, async (_, client) => {
      const answers: Answer[] = []
      while (!isOver) {
        const stream = client % 2 === 0
        const body = prompt(`tokens=${5 + client} ${stream ? 'chunk_delay=2' : 'delay=20'}`, { stream })
        const answer = await call(gateway.url, { key: key.secret, body })
        answers.push(answer)
        if (isWhole(answer)) served += 1
        else await sleep(20)
      }
      return answers
    })
    await soon(() => expect(served).toBeGreaterThan(40))
    const [backend] = await house.books.test.admin`
      select pid from pg_stat_activity where application_name like 'stipend gateway%' limit 1`
    process.kill(backend?.pid, 'SIGKILL')
    // Requests that were let in before it went are done by then.
    const before = served
    await soon(() => expect(served).toBeGreaterThan(before + 40), 40_000)
    isOver = true
    const answers = (await Promise.all(asking)).flat()
    const whole = answers.filter(isWhole)
    const refused = answers.filter(({ status }) => status === 503)
    expect(whole.length + refused.length).toBe(answers.length)
    for (const answer of refused) expect(errorOf(answer).code).toBe('metering_unavailable')

    await settled(house.books, key.id, whole.length, 20_000)
    const events = await accountFor(house.books, key, PRICE)
    for (const answer of whole) {
      expect(events.get(idOf(answer))).toMatchObject({ status: 'succeeded', is_estimated: false })
    }
    expect(house.sandbox.stats().requests).toBe(whole.length)
    gateway.kill('SIGTERM')
    expect(await gateway.ended).toBe(0)
  })

  it('or one that only hangs: clients are told so soon, and nothing stays set aside', { timeout: 60_000 }, async () => {
    const key = await house.scene.key({ budget_usd: '5' })
    const gateway = await house.gateway('hanging')
    const cold = await house.scene.key()
    const askWith = (secret: string) => call(gateway.url, { key: secret, body: prompt('tokens=5') })
    const ask = () => askWith(key.secret)
    expect((await Promise.all(Array.from({ length: 30 }, ask))).every(isWhole)).toBe(true)
    // All is told: no connection is busy, and the next question goes to one that hangs.
    await accountFor(house.books, key, PRICE)

    const backends = await house.books.test.admin`
      select pid from pg_stat_activity where application_name like 'stipend gateway%'`
    for (const { pid } of backends) process.kill(pid, 'SIGSTOP')
    const answers = await Promise.all(Array.from({ length: 30 }, () => askWith(cold.secret)))
    for (const { pid } of backends) process.kill(pid, 'SIGCONT')
    // One may have got a connection of its own.
    const refused = answers.filter((answer) => !isWhole(answer))
    expect(refused.length).toBeGreaterThan(0)
    for (const answer of refused) {
      expect(answer.status).toBe(503)
      expect(errorOf(answer).code).toBe('metering_unavailable')
    }
    await soon(async () => expect(isWhole(await ask())).toBe(true), 20_000)
    const events = await accountFor(house.books, key, PRICE)
    const others = answers.length - refused.length
    expect(events.size + others).toBe(house.sandbox.stats().requests)
    gateway.kill('SIGTERM')
    expect(await gateway.ended).toBe(0)
  })
})
