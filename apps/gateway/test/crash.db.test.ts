import { appendFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as core from '@stipend/core'
import { modelPrice, usd } from '@stipend/money'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { accountFor, balanced, costAt, settled, soon } from './books.ts'
import { buildCrashHouse, type CrashHouse } from './crash-house.ts'
import { type Answer, call, idOf, isWhole, keepAlive, prompt } from './http.ts'
import { seeded } from './random.ts'

const PRICE = modelPrice({ input: '2.50', cached_input: '1.25', output: '10' })
let house: CrashHouse
beforeAll(async () => {
  house = await buildCrashHouse(PRICE)
})
afterAll(() => house.close())
beforeEach(() => house.sandbox.reset())

/** Sets everything the key has left aside at once, and gets an answer for it. */
async function spendTheRest(url: string, key: { id: string; secret: string }): Promise<void> {
  const { budget } = await house.scene.run(core.keys.get, { id: key.id })
  const n = Number(usd(budget.remaining_usd ?? '0') / costAt(PRICE, { input_tokens: 200, output_tokens: 1_000 }))
  expect(n).toBeGreaterThan(5)
  expect(n).toBeLessThan(128)
  const answer = await call(url, { key: key.secret, body: prompt('tokens=1', { n }) })
  expect(answer.status, answer.text).toBe(200)
  expect(answer.headers).not.toHaveProperty('x-stipend-output-tokens-max')
}

const INTERRUPTED = { status: 'interrupted', is_estimated: true, output_tokens: 0 }

describe('kill -9 of the gateway', () => {
  it('in the middle of fifty requests loses nothing and keeps nothing', async () => {
    const key = await house.scene.key({ budget_usd: '1' })
    let gateway = await house.gateway('fifty')
    const before = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        call(gateway.url, { key: key.secret, body: prompt('tokens=20', { stream: i % 2 === 0 }) }),
      ),
    )
    expect(before.every(isWhole)).toBe(true)

    let begun = 0
    const running = Array.from({ length: 50 }, (_, i) => {
      const isStream = i % 2 === 0
      let isBegun = false
      return call(gateway.url, {
        key: key.secret,
        body: prompt(isStream ? 'chunk_delay=50 tokens=400' : 'delay=60000', { stream: isStream }),
        leaveWhen: () => {
          if (!isBegun) begun += 1
          isBegun = true
          return false
        },
      })
    })
    await soon(() => expect(begun + house.sandbox.stats().open).toBe(25 + 50))
    gateway.kill('SIGKILL')
    const cut = await Promise.all(running)
    expect(cut.some(isWhole)).toBe(false)
    expect(await gateway.ended).toBe('SIGKILL')
    await soon(() => expect(house.sandbox.stats()).toMatchObject({ open: 0, aborted_by_peer: 50 }))

    gateway = await house.gateway('fifty')
    expect(gateway.logged()).toContainEqual(
      expect.objectContaining({ msg: 'journal replayed', refused: 0, torn_lines: 0 }),
    )
    const events = await accountFor(house.books, key, PRICE)
    expect(events.size).toBe(60)
    for (const answer of before) {
      expect(events.get(idOf(answer))).toMatchObject({ status: 'succeeded', is_estimated: false, output_tokens: 20 })
    }
    for (const answer of cut.filter(({ status }) => status === 200)) {
      expect(events.get(idOf(answer))).toMatchObject(INTERRUPTED)
    }
    const interrupted = [...events.values()].filter((event) => event.status === 'interrupted')
    expect(interrupted).toHaveLength(50)
    for (const event of interrupted) expect(event).toMatchObject(INTERRUPTED)
    // What it had surely been sent, taken for rather more than the provider counts.
    const { input_tokens } = house.sandbox.stats()
    const charged = [...events.values()].reduce((sum, event) => sum + event.input_tokens, 0)
    expect(charged).toBeGreaterThanOrEqual(input_tokens)
    expect(charged).toBeLessThan(2 * input_tokens)

    await spendTheRest(gateway.url, key)
    gateway.kill('SIGTERM')
    await gateway.ended
  })

  /** Clients that ask again and again until their gateway is gone. */
  async function traffic(url: string, secret: string, seed: number, onAnswer: () => void): Promise<Answer[]> {
    const random = seeded(seed)
    const clients = Array.from({ length: 20 }, async (_, i) => {
      const answers: Answer[] = []
      for (;;) {
        const stream = random() < 0.6
        const marker = stream
          ? `chunk_delay=${Math.floor(random() * 4)} tokens=12`
          : `delay=${Math.floor(random() * 30)} tokens=12`
        const answer = await call(url, { key: secret, body: prompt(marker, { stream, n: 1 + (i % 2) }) })
        answers.push(answer)
        if (!isWhole(answer)) return answers
        onAnswer()
      }
    })
    return (await Promise.all(clients)).flat()
  }

  const ROUNDS = [
    { name: 'and the gateway comes back', seed: 1 },
    { name: 'with a torn line at the end of the journal', seed: 2 },
    { name: 'and others have given its leases back meanwhile', seed: 3 },
    { name: 'and of PostgreSQL with it', seed: 4 },
  ]
  it.each(ROUNDS)('at any moment charges what was answered once, $name', async ({ name, seed }) => {
    const key = await house.scene.key({ budget_usd: '50' })
    const folder = `round-${seed}`
    let gateway = await house.gateway(folder)
    const random = seeded(seed)
    const moment = Promise.withResolvers<void>()
    let left = 15 + Math.floor(random() * 60)
    const asking = traffic(gateway.url, key.secret, seed, () => {
      left -= 1
      if (left === 0) moment.resolve()
    })
    await moment.promise
    await sleep(random() * 30)
    const killed = name.includes('PostgreSQL') ? house.killDatabase() : undefined
    gateway.kill('SIGKILL')
    await killed
    const answers = await asking
    await gateway.ended
    await soon(() => expect(house.sandbox.stats().open).toBe(0))
    const { requests } = house.sandbox.stats()

    const journal = path.join(house.dataDir(folder), 'journal')
    const files = readdirSync(journal)
    expect(files.length).toBeGreaterThan(0)
    const [last = ''] = files.sort().slice(-1)
    if (name.includes('torn'))
      appendFileSync(path.join(journal, last), '{"kind":"hold","settlement":{"id":"req_torn","started_')
    if (name.includes('leases')) {
      await house.books.test.admin`select app.give_back_all(g.id) from gateways g`
      await balanced(house.books)
    }
    if (name.includes('PostgreSQL')) {
      // Without a database it doesn't start, and forgets nothing.
      await expect(house.gateway(folder)).rejects.toThrow(/the gateway ended with 1/)
      expect(readdirSync(journal)).toEqual(files)
      await house.startDatabase()
    }
    gateway = await house.gateway(folder)

    const replayed = gateway.logged().find((line) => line.msg === 'journal replayed')
    expect(replayed).toMatchObject({ torn_lines: name.includes('torn') ? 1 : 0 })
    const events = await accountFor(house.books, key, PRICE)
    const whole = answers.filter(isWhole)
    expect(whole.length).toBeGreaterThan(10)
    for (const answer of whole) {
      expect(events.get(idOf(answer)), idOf(answer)).toMatchObject({ status: 'succeeded', is_estimated: false })
    }
    for (const answer of answers.filter(({ status, end }) => status === 200 && end !== 'clean')) {
      expect(events.get(idOf(answer))?.status, idOf(answer)).toMatch(/interrupted|succeeded/)
    }
    // Whatever the provider was asked is in the books.
    expect(events.size).toBeGreaterThanOrEqual(requests)
    expect(events.size - whole.length).toBeLessThanOrEqual(20)

    const again = await call(gateway.url, { key: key.secret, body: prompt('tokens=5') })
    expect(again.status).toBe(200)
    gateway.kill('SIGTERM')
    await gateway.ended
  })
})

describe('a journal', () => {
  it('belongs to one gateway at a time', async () => {
    const key = await house.scene.key()
    const first = await house.gateway('shared')
    await expect(house.gateway('shared')).rejects.toThrow(/Another gateway \(process \d+\) uses .*GATEWAY_DATA_DIR/)
    expect((await call(first.url, { key: key.secret, body: prompt('tokens=5') })).status).toBe(200)
    first.kill('SIGTERM')
    expect(await first.ended).toBe(0)

    // Of a process that is somebody else's by now, or of none, a lock holds nobody up.
    writeFileSync(path.join(house.dataDir('shared'), 'lock'), '1\n')
    const second = await house.gateway('shared')
    expect((await call(second.url, { key: key.secret, body: prompt('tokens=5') })).status).toBe(200)
    second.kill('SIGTERM')
    await second.ended
    await settled(house.books, key.id, 2)
  })
})

describe('SIGTERM', () => {
  it('lets running requests finish, takes no more, gives everything back and exits with 0', async () => {
    const key = await house.scene.key()
    const gateway = await house.gateway('term')
    const agents = Array.from({ length: 20 }, keepAlive)
    const running = agents.map((agent, i) => {
      const isStream = i % 2 === 0
      const marker = isStream ? 'chunk_delay=20 tokens=60' : 'delay=1000 tokens=60'
      return call(gateway.url, { key: key.secret, body: prompt(marker, { stream: isStream }), agent })
    })
    // Connections that are kept, but quiet.
    const idle = keepAlive()
    expect((await call(gateway.url, { method: 'GET', path: '/models', key: key.secret, agent: idle })).status).toBe(200)
    await soon(() => expect(house.sandbox.stats().requests).toBe(20))
    gateway.kill('SIGTERM')
    await soon(async () => expect((await call(gateway.url, { path: '/models' })).end).toBe('ECONNREFUSED'))

    const answers = await Promise.all(running)
    expect(answers.every(isWhole)).toBe(true)
    // Not held up by connections that clients keep: they'd be kept for longer than a test may take.
    expect(await gateway.ended).toBe(0)
    for (const agent of [...agents, idle]) agent.destroy()

    const events = await accountFor(house.books, key, PRICE)
    expect(events.size).toBe(20)
    for (const answer of answers)
      expect(events.get(idOf(answer))).toMatchObject({ status: 'succeeded', output_tokens: 60 })
    expect(readdirSync(path.join(house.dataDir('term'), 'journal'))).toEqual([])
  })
})
