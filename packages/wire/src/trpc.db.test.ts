import { type Actor, type AnyOperation, keys } from '@stipend/core'
import { createScene, type Scene } from '@stipend/core/testing'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { TRPCError } from '@trpc/server'
import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { asDomainError } from './errors.ts'
import { appRouter, createCaller, type TrpcContext } from './trpc.ts'

let db: TestDatabase
let scene: Scene
let owner: Actor
beforeAll(async () => {
  db = await createTestDatabase(inject('testCluster'))
  scene = await createScene(db.database)
  owner = await scene.owner()
})
afterAll(() => db.drop())

function context(over: Partial<TrpcContext> = {}): TrpcContext {
  return { deps: { database: db.database }, actor: owner, request: { request_id: 'req_test', ip: null }, ...over }
}

/** What a browser would get. */
async function overHttp(call: `${string} ${string}`, body?: unknown, ctx = context()) {
  const [method = 'GET', path = ''] = call.split(' ')
  const response = await fetchRequestHandler({
    endpoint: '/trpc',
    router: appRouter,
    createContext: () => ctx,
    req: new Request(`http://localhost/trpc/${path}`, {
      method,
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      headers: { 'content-type': 'application/json' },
    }),
  })
  const text = await response.text()
  return { status: response.status, text, body: JSON.parse(text) }
}

const input = (value: object) => encodeURIComponent(JSON.stringify(value))

test('a loader calls operations in process and gets what they declare', async () => {
  const caller = createCaller(context())
  const member = await scene.member()
  const made = await caller.keys.create({ member_id: member.id, name: 'Laptop', budget_usd: '5' })
  expect(made.secret).toMatch(/^sk-stp-/)
  const { data } = await caller.keys.list({ member_id: member.id })
  expect(data.map(({ id }) => id)).toEqual([made.id])
  expect((await caller.tenants.get()).id).toBe(scene.tenant_id)
})

test('the browser calls them over HTTP: queries with GET, commands with POST', async () => {
  const { id } = await scene.key()
  const got = await overHttp(`GET keys.get?input=${input({ id })}`)
  expect(got).toMatchObject({ status: 200, body: { result: { data: { id, status: 'active' } } } })
  const revoked = await overHttp('POST keys.revoke', { id })
  expect(revoked).toMatchObject({ status: 200, body: { result: { data: { id, status: 'revoked' } } } })
})

test('a repeated command is done once', async () => {
  const member_id = (await scene.member()).id
  const call = () =>
    createCaller(context({ idempotency_key: 'form-1' })).keys.create({ member_id, name: 'Once', budget_usd: '5' })
  const [first, second] = [await call(), await call()]
  expect(second).toEqual({ ...first, secret: null })
})

describe('an error of ours', () => {
  test('carries its code, its fields and the request id', async () => {
    const answer = await overHttp('POST keys.create', { member_id: 'mem_1', name: '', budget_usd: '0', colour: 'red' })
    expect(answer).toMatchObject({
      status: 400,
      body: {
        error: { data: { code: 'BAD_REQUEST', error: 'invalid_request', httpStatus: 400, request_id: 'req_test' } },
      },
    })
    const paths = answer.body.error.data.fields.map((field: { path: string }) => field.path)
    expect(paths.toSorted()).toEqual(['budget_usd', 'colour', 'name'])
    expect(Object.keys(answer.body.error.data).toSorted()).toEqual([
      'code',
      'error',
      'fields',
      'httpStatus',
      'request_id',
      'retry_after_seconds',
    ])
  })

  test('is the cause of what a loader catches', async () => {
    const caught = await createCaller(context())
      .keys.get({ id: 'key_nowhere' })
      .catch((error: unknown) => error)
    expect(caught).toBeInstanceOf(TRPCError)
    expect(caught).toMatchObject({ code: 'NOT_FOUND', cause: { code: 'not_found' }, message: 'There is no such key.' })
  })

  test('is the same for a stranger, whatever is asked', async () => {
    const anonymous = context({ actor: { kind: 'anonymous' } })
    for (const call of [
      'GET keys.list',
      'GET tenants.get',
      `GET keys.get?input=${input({ id: 'nonsense' })}`,
    ] as const) {
      expect(await overHttp(call, undefined, anonymous)).toMatchObject({
        status: 401,
        body: { error: { data: { error: 'unauthenticated' } } },
      })
    }
  })
})

describe('an error that is not ours', () => {
  // What the database really says when an operation has a bug: SQL, parameters, table names, the password in the URL.
  const LEAKS = /select|insert|from |params|\$1|keys_|relation|column|postgres|stipend_app|password|\bat .*\.ts|stack/i

  async function withBrokenTable<T>(work: () => Promise<T>): Promise<T> {
    await db.admin`alter table keys rename column name to renamed`
    try {
      return await work()
    } finally {
      await db.admin`alter table keys rename column renamed to name`
    }
  }

  test('shows no SQL to the browser, and keeps it for the log', async () => {
    await withBrokenTable(async () => {
      const answer = await overHttp('GET keys.list')
      expect(answer).toMatchObject({
        status: 500,
        body: { error: { data: { code: 'INTERNAL_SERVER_ERROR', error: 'internal', request_id: 'req_test' } } },
      })
      expect(answer.text).not.toMatch(LEAKS)

      const caught = (await createCaller(context())
        .keys.list({})
        .catch((error: unknown) => error)) as TRPCError
      expect(caught.message).not.toMatch(LEAKS)
      // This test would show nothing if the database had said nothing.
      expect(String(asDomainError(caught.cause).cause)).toMatch(/Failed query: select .*"keys"/s)
    })
  })

  test('undoes what was begun', async () => {
    const count = async () => (await db.admin`select count(*)::int as rows from accounts`)[0]?.rows
    const member_id = (await scene.member()).id
    const before = await count()
    await withBrokenTable(async () => {
      const answer = await overHttp('POST keys.create', { member_id, name: 'x', budget_usd: '5' })
      expect(answer.status).toBe(500)
      expect(answer.text).not.toMatch(LEAKS)
    })
    expect(await count()).toBe(before)
  })

  test('of tRPC itself is put into words of ours', async () => {
    expect(await overHttp('GET keys.steal')).toMatchObject({
      status: 404,
      body: { error: { message: 'There is no such operation.', data: { error: 'not_found' } } },
    })
    expect(await overHttp('GET tenants.create')).toMatchObject({ status: 404 })
    expect(await overHttp('GET keys.revoke')).toMatchObject({
      status: 405,
      body: { error: { data: { error: 'method_not_allowed' } } },
    })
    const broken = await overHttp('POST keys.revoke', '{"id": "sk-stp-secret')
    expect(broken).toMatchObject({ status: 400, body: { error: { data: { error: 'invalid_request' } } } })
    expect(broken.text).not.toContain('sk-stp-secret')
  })

  test('thrown while the context is made is masked, too', async () => {
    const response = await fetchRequestHandler({
      endpoint: '/trpc',
      router: appRouter,
      createContext: () => {
        throw new Error('Failed query: select * from sessions')
      },
      req: new Request('http://localhost/trpc/keys.list'),
    })
    const text = await response.text()
    expect([response.status, LEAKS.test(text)]).toEqual([500, false])
  })

  test('of an operation that answers more than it declares reaches nobody', async () => {
    const leaky = { ...keys.list, handle: async () => ({ data: [{ secret_hash: 'deadbeef' }], next_cursor: null }) }
    const { execute } = await import('@stipend/core')
    const caught = await execute(
      leaky as unknown as AnyOperation,
      { database: db.database },
      owner,
      {},
      {
        request: { request_id: 'req_test', ip: null },
      },
    ).catch((error: unknown) => error)
    expect(caught).toMatchObject({ code: 'internal' })
    expect((caught as Error).message).not.toContain('deadbeef')
  })
})
