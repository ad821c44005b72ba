import { createProvider } from '@stipend/core/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { balanced, settled, soon } from './books.ts'
import { buildHouse, type House, MASTER_KEY } from './harness.ts'
import { call, errorOf } from './http.ts'

/** Responses that a provider keeps: there for the key that made them, and for nobody else. */
let house: House
/** Another gateway: it knows only what is in the database. */
let elsewhere: string
let key: { id: string; secret: string }
let other: { id: string; secret: string }
beforeAll(async () => {
  house = await buildHouse(inject('testCluster'))
  elsewhere = await house.start()
  key = await house.scene.key()
  other = await house.scene.key()
})
afterAll(async () => {
  await balanced(house)
  await house.close()
})
beforeEach(() => house.sandbox.reset())

const model = 'sandbox-small'
const make = async (more: object = {}) => {
  const answer = await call(house.url, {
    path: '/responses',
    key: key.secret,
    body: { model, input: 'Say hello.', ...more },
  })
  expect(answer.status, answer.text).toBe(200)
  const [, id = ''] = /"id":"(resp_\w+)"/.exec(answer.text) ?? []
  return id
}
const noted = (id: string) =>
  soon(async () => {
    const rows = await house.test.admin`select provider_id from kept_responses where id = ${id}`
    expect(rows).toHaveLength(1)
  })
const ask = (url: string, secret: string, method: string, path: string) =>
  call(url, { method, path: `/responses/${path}`, key: secret })

describe('a response that is kept', () => {
  it.each([{}, { stream: true }])('is there for its key, at any gateway: %j', async (more) => {
    const id = await make(more)
    await noted(id)
    for (const url of [house.url, elsewhere]) {
      const answer = await ask(url, key.secret, 'GET', id)
      expect(answer).toMatchObject({ status: 200, end: 'clean' })
      expect(JSON.parse(answer.text)).toMatchObject({ id, object: 'response', status: 'completed' })
      expect((await ask(url, key.secret, 'GET', `${id}/input_items?limit=5`)).status).toBe(200)
      // As a stream it would be an answer that nobody measures.
      expect((await ask(url, key.secret, 'GET', `${id}?stream=true`)).headers['content-type']).toMatch(/json/)
    }
  })

  it('isn’t there for any other key, as one that was never made isn’t', async () => {
    const id = await make()
    await noted(id)
    house.sandbox.reset()
    const paths: [string, string][] = [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/cancel'],
      ['GET', '/input_items'],
    ]
    for (const [method, beneath] of paths) {
      const theirs = await ask(house.url, other.secret, method, id + beneath)
      const nobodys = await ask(house.url, other.secret, method, `resp_0000${beneath}`)
      expect(theirs.status).toBe(404)
      expect(errorOf(theirs).code).toBe('not_found')
      expect(theirs.text.replace(id, '')).toBe(nobodys.text.replace('resp_0000', ''))
    }
    const body = { model, input: 'And now?', previous_response_id: id }
    const refused = await call(elsewhere, { path: '/responses', key: other.secret, body })
    expect(refused.status).toBe(404)
    expect(errorOf(refused)).toMatchObject({ code: 'not_found', param: 'previous_response_id' })
    expect(refused.headers['x-should-retry']).toBe('false')
    // Nothing of this reached the provider.
    expect(house.sandbox.stats()).toMatchObject({ requests: 0, failed: 0 })
  })

  it('is followed, and what is read again is paid for', async () => {
    const mine = await house.scene.key()
    const first = await call(house.url, {
      path: '/responses',
      key: mine.secret,
      body: { model, input: 'word '.repeat(3_000) },
    })
    const { id } = JSON.parse(first.text) as { id: string }
    for (const url of [house.url, elsewhere]) {
      if (url === elsewhere) await noted(id)
      const body = { model, input: 'And now?', previous_response_id: id }
      expect((await call(url, { path: '/responses', key: mine.secret, body })).status).toBe(200)
    }
    const [, second, third] = await settled(house, mine.id, 3)
    for (const event of [second, third]) {
      expect(event?.input_tokens).toBeGreaterThan(3_000)
      expect(event?.excess_nanos).toBe(0n)
    }
  })

  it('is deleted, and cancelled where that makes sense, by its provider', async () => {
    const id = await make()
    const canceled = await ask(house.url, key.secret, 'POST', `${id}/cancel`)
    expect([200, 400]).toContain(canceled.status)
    expect((await ask(house.url, key.secret, 'DELETE', id)).status).toBe(200)
    expect((await ask(house.url, key.secret, 'GET', id)).status).toBe(404)
  })

  it('is followed only by a model of its provider', async () => {
    const id = await make()
    await createProvider(house.test.database, {
      base_url: `${house.sandbox.url}/v1`,
      masterKey: MASTER_KEY,
      models: ['sandbox-large'],
      dialects: ['responses'],
      name: 'another',
    })
    const body = { model: 'sandbox-large', input: 'And now?', previous_response_id: id }
    const answer = await call(house.url, { path: '/responses', key: key.secret, body })
    expect(answer.status).toBe(400)
    expect(errorOf(answer)).toMatchObject({
      param: 'previous_response_id',
      message: expect.stringMatching(/another provider/),
    })
  })
})

it('a response that isn’t to be kept isn’t', async () => {
  const id = await make({ store: false })
  expect((await ask(house.url, key.secret, 'GET', id)).status).toBe(404)
  const strange = ['x'.repeat(300), '%2e%2e', '..%2fmodels', "'; drop table keys"]
  for (const path of strange) {
    expect((await ask(house.url, key.secret, 'GET', encodeURIComponent(path))).status, path).toBe(404)
  }
})
