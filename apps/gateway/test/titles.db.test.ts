import * as core from '@stipend/core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { balanced, soon } from './books.ts'
import { buildHouse, type House } from './harness.ts'
import { call } from './http.ts'

/** Titles of chats: kept for a tenant that wants them, and for no other. */
let house: House
let key: { id: string; secret: string }
beforeAll(async () => {
  house = await buildHouse(inject('testCluster'))
  key = await house.scene.key()
})
afterAll(async () => {
  await balanced(house)
  await house.close()
})

const ask = async (url: string, session: string, content: string, path: '/chat/completions' | '/messages') => {
  const answer = await call(url, {
    path,
    key: key.secret,
    headers: { 'x-session-id': session },
    body: { model: 'sandbox-small', max_tokens: 20, messages: [{ role: 'user', content }] },
  })
  expect(answer.status, answer.text).toBe(200)
}
const keep = (kept: 'nothing' | 'titles', days = 30) =>
  house.scene.run(core.tenants.update, { content: { kept, days } })
const rows = () => house.test.admin`select title, thread from chats order by created_at, title`
const titles = async () => (await rows()).map((row) => row.title)
const listed = async () => (await house.scene.run(core.chats.list, { key_id: key.id })).data

describe('the title of a chat', () => {
  it('is not kept unless the tenant wants it', async () => {
    await ask(house.url, 'before', 'A secret of mine', '/chat/completions')
    await soon(async () => expect(await listed()).toHaveLength(1))
    expect((await listed())[0]?.title).toBeNull()
    expect(await titles()).toEqual([])
  })

  it('is the first words of its first request, once, where the tenant wants it', async () => {
    await keep('titles')
    // A gateway that knows the choice already keeps to it for some seconds; another asks.
    const url = await house.start()
    await ask(url, 'maths', 'Why is the sky blue?', '/chat/completions')
    await soon(async () => expect(await titles()).toEqual(['Why is the sky blue?']))
    await ask(url, 'maths', 'And the sea?', '/chat/completions')
    await ask(url, 'physics', 'What is heat?', '/messages')
    await soon(async () => expect(await titles()).toEqual(['Why is the sky blue?', 'What is heat?']))
    await soon(async () =>
      expect((await listed()).map((chat) => [chat.title, chat.requests])).toEqual([
        ['What is heat?', 1],
        ['Why is the sky blue?', 2],
        [null, 1],
      ]),
    )
  })

  it('is gone at once when the tenant stops, also for gateways that don’t know yet', async () => {
    const url = await house.start()
    await ask(url, 'art', 'Draw me a sheep', '/chat/completions')
    await soon(async () => expect(await titles()).toContain('Draw me a sheep'))
    await keep('nothing')
    expect(await titles()).toEqual([])
    await ask(url, 'music', 'Sing', '/chat/completions')
    await soon(async () => expect(await listed()).toHaveLength(5))
    expect(await titles()).toEqual([])
    expect((await listed()).map((chat) => chat.title)).toEqual([null, null, null, null, null])
  })

  it('is forgotten after the days the tenant keeps it', async () => {
    await keep('titles', 7)
    const chat = { tenant_id: house.scene.tenant_id, key_id: key.id, thread: 'old' }
    await core.keepTitle(house.test.database, { ...chat, title: 'Of last week' })
    const after = (days: number) => new Date(Date.now() + days * 86_400_000)
    await core.forgetTitles(house.test.database, after(6.9))
    expect(await titles()).toEqual(['Of last week'])
    await core.forgetTitles(house.test.database, after(7.1))
    expect(await titles()).toEqual([])
    // What slipped in while the tenant stopped goes with the next round.
    await core.keepTitle(house.test.database, { ...chat, title: 'Slipped in' })
    await house.test.admin`update tenants set content_kept = 'nothing'`
    await core.forgetTitles(house.test.database, after(0.1))
    expect(await titles()).toEqual([])
  })
})
