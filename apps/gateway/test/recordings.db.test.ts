import { createProvider } from '@stipend/core/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Dialect } from '../src/meter/meter.ts'
import { balanced, soon } from './books.ts'
import { buildHouse, CREDENTIAL, type House, MASTER_KEY } from './harness.ts'
import { type Answer, call, idOf, keepAlive } from './http.ts'
import { countsOf, piecesOf, readRecordings, wires, withoutUsageChunk } from './recordings.ts'
import { insideCharacters, type Recorded, samples } from './samples.ts'
import { type ScriptedProvider, startScriptedProvider } from './scripted.ts'

const recordings = readRecordings()
const all = [...samples, ...recordings]
const DIALECTS: Dialect[] = ['chat', 'completions', 'embeddings', 'responses', 'messages']
const CUTS_MAX = 40
const BYTES_MAX = 2_000

let house: House
let provider: ScriptedProvider
let key: { id: string; secret: string }
beforeAll(async () => {
  house = await buildHouse(inject('testCluster'), { balance_usd: '10000' })
  provider = await startScriptedProvider()
  await createProvider(house.test.database, {
    base_url: `${provider.url}/v1`,
    masterKey: MASTER_KEY,
    credential: CREDENTIAL,
    name: 'scripted',
    models: ['scripted-1'],
    dialects: DIALECTS,
    output_tokens_max: 32_000,
  })
  key = await house.scene.key({ budget_usd: '5000' })
})
afterAll(async () => {
  await balanced(house)
  await house.close()
  await provider.close()
})

const ASKED: Record<Dialect, { path: string; body: object }> = {
  chat: { path: '/chat/completions', body: { messages: [{ role: 'user', content: 'Hello' }] } },
  completions: { path: '/completions', body: { prompt: 'Hello' } },
  embeddings: { path: '/embeddings', body: { input: 'Hello' } },
  responses: { path: '/responses', body: { input: 'Hello' } },
  messages: { path: '/messages', body: { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 30_000 } },
}

const agent = keepAlive()

type Figures = ReturnType<typeof countsOf> & { id: string; is_estimated: boolean }

/** Asks a provider that answers in these pieces. */
async function replay(recorded: Recorded, pieces: readonly Buffer[], more: object = {}): Promise<Answer> {
  const { dialect, stream } = recorded
  const type = stream ? 'text/event-stream; charset=utf-8' : 'application/json'
  const user = provider.say({ status: 200, headers: { 'content-type': type }, pieces })
  const { path, body } = ASKED[dialect]
  const asked = { model: 'scripted-1', user, ...body, ...(stream ? { stream } : {}), ...more }
  const answer = await call(house.url, { path, key: key.secret, body: asked, agent })
  replayed.set(recorded, [...(replayed.get(recorded) ?? []), idOf(answer)])
  return answer
}

/** Which requests replayed what. Their figures are looked at together, once all are in the books. */
const replayed = new Map<Recorded, string[]>()

function expectBytes(got: Buffer, recorded: Recorded, sent: Buffer, asksUsage: boolean): void {
  const shown = asksUsage ? sent : withoutUsageChunk(recorded.dialect, sent)
  if (!got.equals(shown)) expect(got.toString()).toBe(shown.toString())
}

/** A stream in which the provider says that it failed: its words stay with us, so the end of it is ours. */
const fails = ({ file }: Recorded) => /error|fail/.test(file)

function expectOwnEnd({ status, body }: Answer, sent: Buffer): void {
  expect(body.toString()).toContain('The model provider failed in the middle of its answer.')
  // Where nothing had been said yet, another provider could have been asked; there is none.
  const same = body.findIndex((byte, at) => byte !== sent[at])
  if (status === 200) expect(body.subarray(0, same).toString()).toMatch(/"content":"\w+|response\.created/)
  else expect(status).toBe(502)
}

const named = (recorded: Recorded[]) => recorded.map((one) => [`${one.dialect}: ${one.file}`, one] as const)

describe('an answer in one piece', () => {
  it.each(named(all.filter(({ stream }) => !stream)))('%s', async (_, recorded) => {
    const { body } = recorded
    const bytes = [...body.keys()].slice(0, BYTES_MAX)
    for (const cuts of [[], bytes, insideCharacters(body).slice(0, CUTS_MAX)]) {
      const answer = await replay(recorded, piecesOf(body, cuts))
      expect(answer).toMatchObject({ status: 200, end: 'clean' })
      expect(answer.body.equals(body)).toBe(true)
    }
  })
})

describe('a stream', () => {
  it.each(named(all.filter(({ stream }) => stream)))('%s', async (_, recorded) => {
    const ask = async (sent: Buffer, cuts: number[], asksUsage: boolean) => {
      const wants = ['chat', 'completions'].includes(recorded.dialect) && asksUsage
      const more = wants ? { stream_options: { include_usage: true } } : {}
      const answer = await replay(recorded, piecesOf(sent, cuts), more)
      expect(answer.end).toBe('clean')
      if (fails(recorded)) return expectOwnEnd(answer, sent)
      expect(answer.status).toBe(200)
      expect(answer.headers['content-type']).toBe('text/event-stream; charset=utf-8')
      expectBytes(answer.body, recorded, sent, asksUsage)
    }
    for (const [wire, sent] of wires(recorded.body)) {
      await ask(sent, [], true)
      const inside = wire === 'as recorded' ? recorded.cuts : insideCharacters(sent)
      await ask(sent, inside.slice(0, CUTS_MAX), true)
      const random = fc.sample(fc.array(fc.nat(sent.length), { maxLength: 40 }), { seed: 20_261_124, numRuns: 2 })
      for (const cuts of random) await ask(sent, cuts, false)
      if (wire === 'as recorded' || wire === 'with CR LF') await ask(sent, [...sent.keys()], false)
    }
  })
})

describe('the usage', () => {
  let figures: Map<string, Figures>
  beforeAll(async () => {
    const count = [...replayed.values()].flat().length
    figures = await soon(async () => {
      const rows = await house.test.admin<Figures[]>`
        select id, is_estimated, input_tokens::int, cached_input_tokens::int, cache_write_tokens::int, output_tokens::int,
               reasoning_tokens::int
          from usage_events where key_id = ${key.id}`
      expect(rows.length).toBe(count)
      return new Map(rows.map((row) => [row.id, row]))
    }, 30_000)
  })

  it.each(named(all))('%s', (_, recorded) => {
    const ids = replayed.get(recorded) ?? []
    expect(ids.length).toBeGreaterThan(0)
    for (const id of ids) {
      if (recorded.expect !== null) {
        expect(figures.get(id)).toMatchObject({ ...countsOf(recorded.expect), is_estimated: false })
      } else if (!fails(recorded)) expect(figures.get(id)).toMatchObject({ is_estimated: true })
    }
  })
})

it('a stream with nothing in it for the client is one all the same', async () => {
  const usage = { prompt_tokens: 7, completion_tokens: 0, total_tokens: 7 }
  const only = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [], usage }
  const user = provider.say({
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    pieces: [Buffer.from(`data: ${JSON.stringify(only)}\n\n`)],
  })
  const body = { model: 'scripted-1', user, stream: true, messages: [{ role: 'user', content: 'Hello' }] }
  const answer = await call(house.url, { key: key.secret, body, agent })
  expect(answer).toMatchObject({ status: 200, end: 'clean', text: '' })
  expect(answer.headers).toMatchObject({ 'content-type': 'text/event-stream; charset=utf-8' })
  expect(idOf(answer)).toMatch(/^req_/)
})

it('replays all recordings, where they are', () => {
  if (recordings.length > 0) expect(recordings.length).toBeGreaterThanOrEqual(89)
  expect(new Set(all.map(({ dialect }) => dialect)).size).toBe(DIALECTS.length)
})
