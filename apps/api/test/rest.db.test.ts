import { randomBytes } from 'node:crypto'
import net from 'node:net'
import { serviceTokens } from '@stipend/core'
import { newSecret } from '@stipend/core/secrets'
import { createScene, type Scene } from '@stipend/core/testing'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { createLog } from '@stipend/runtime'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createServer } from '../src/server.ts'
import { apiClient } from './client.ts'

let db: TestDatabase
let server: FastifyInstance
let base: string
let port: number
let scene: Scene
let other: Scene
let token: string
let api: ReturnType<typeof apiClient>
const logged: string[] = []

const ALL_SCOPES = serviceTokens.create.input.shape.scopes.element.options

beforeAll(async () => {
  db = await createTestDatabase(inject('testCluster'))
  scene = await createScene(db.database)
  other = await createScene(db.database)
  token = await newToken(scene, ALL_SCOPES)
  const log = createLog({ app: 'api', level: 'info', destination: { write: (line: string) => logged.push(line) } })
  server = createServer({ database: db.database, log, requestTimeoutMs: 1_000 })
  base = await server.listen({ host: '127.0.0.1', port: 0 })
  port = Number(new URL(base).port)
  api = apiClient(base, token)
})
afterAll(async () => {
  await server.close()
  await db.drop()
})

async function newToken(of: Scene, scopes: typeof ALL_SCOPES): Promise<string> {
  const { secret } = await of.run(serviceTokens.create, { name: 'Script', scopes: [...scopes] })
  if (secret === null) throw new Error('a new token without its secret')
  return secret
}

async function rowsOf(table: 'keys' | 'audit_entries' | 'idempotency_keys'): Promise<number> {
  const [row] = await db.admin`select count(*)::int as rows from ${db.admin(table)}`
  return row?.rows
}

/** What a raw connection gets back for exactly these bytes. */
function exchange(bytes: string, { end = false } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => (end ? socket.end(bytes) : socket.write(bytes)))
    let answer = ''
    socket.setEncoding('utf8')
    socket.on('data', (data) => {
      answer += data
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}

describe('keys', () => {
  test('are made, shown, listed and revoked', async () => {
    const member = await scene.member()
    const made = await api('POST /v1/keys', {
      body: {
        member_id: member.id,
        name: 'Laptop',
        budget_usd: '12.50',
        renewal: 'monthly',
        valid_from: '2026-11-21T10:00:00+01:00',
        valid_until: '2099-12-31T23:00:00.000Z',
      },
    })
    expect(made.status).toBe(201)
    expect(made.headers.get('cache-control')).toBe('no-store')
    expect(made.body).toMatchObject({
      name: 'Laptop',
      member_id: member.id,
      status: 'active',
      budget: { limit_usd: '12.50', spent_usd: '0.00', remaining_usd: '12.50', renewal: 'monthly' },
      valid_from: '2026-11-21T09:00:00.000Z',
      secret: expect.stringMatching(/^sk-stp-[0-9A-Za-z]{34}$/),
    })
    const { secret, ...key } = made.body

    expect((await api(`GET /v1/keys/${key.id}`)).body).toEqual(key)
    const listed = await api(`GET /v1/keys?member_id=${member.id}`)
    expect(listed.body).toMatchObject({ data: [key], next_cursor: null })
    expect(listed.text).not.toContain(secret)

    const revoked = await api(`POST /v1/keys/${key.id}/revoke`)
    expect(revoked).toMatchObject({ status: 200, body: { id: key.id, status: 'revoked' } })
    const again = await api(`POST /v1/keys/${key.id}/revoke`)
    expect(again.body.revoked_at).toBe(revoked.body.revoked_at)
    expect(await api(`POST /v1/keys/${key.id}/enable`)).toMatchObject({ status: 409, body: { code: 'conflict' } })
  })

  test('are disabled and enabled, with and without a body', async () => {
    const key = await scene.key()
    expect((await api(`POST /v1/keys/${key.id}/disable`, { body: {} })).body.status).toBe('disabled')
    expect((await api(`POST /v1/keys/${key.id}/enable`, { raw: '' })).body.status).toBe('active')
  })

  test('may be unlimited, but only when null is said', async () => {
    const member_id = (await scene.member()).id
    const made = await api('POST /v1/keys', { body: { member_id, name: 'Free', budget_usd: null } })
    expect(made.body.budget).toMatchObject({ limit_usd: null, remaining_usd: null, renewal: 'never' })
    const silent = await api('POST /v1/keys', { body: { member_id, name: 'Free' } })
    expect(silent.body).toMatchObject({ code: 'invalid_request', errors: [{ path: 'budget_usd' }] })
  })

  test('are only made for people who can sign in', async () => {
    const { id } = await scene.member({ account: false })
    const answer = await api('POST /v1/keys', { body: { member_id: id, name: 'Laptop', budget_usd: '1' } })
    expect(answer).toMatchObject({ status: 409, body: { code: 'conflict', errors: [{ path: 'member_id' }] } })
  })

  test.each([
    '0',
    '-1',
    '0.00',
    'abc',
    '',
    ' 5',
    '5 ',
    '1e3',
    '5,00',
    '$5',
    '0.0000000001',
    '1000000001',
    '٥',
    'NaN',
    'Infinity',
    '1'.repeat(41),
    5,
    5.5,
    true,
    ['5'],
    { usd: '5' },
    '0x10',
    '05',
  ])('budget %j is refused and nothing is written', async (budget_usd) => {
    const member_id = (await scene.member()).id
    const [keys, audits] = [await rowsOf('keys'), await rowsOf('audit_entries')]
    const answer = await api('POST /v1/keys', { body: { member_id, name: 'Laptop', budget_usd } })
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
    expect(new Set(answer.body.errors.map((error: { path: string }) => error.path))).toEqual(new Set(['budget_usd']))
    expect([await rowsOf('keys'), await rowsOf('audit_entries')]).toEqual([keys, audits])
  })

  test.each([
    [{ valid_from: '2030-01-02T00:00:00Z', valid_until: '2030-01-01T00:00:00Z' }, 'valid_until'],
    [{ valid_from: '2030-01-01T00:00:00Z', valid_until: '2030-01-01T01:00:00+01:00' }, 'valid_until'],
    [{ valid_until: '2020-01-01T00:00:00Z' }, 'valid_until'],
    [{ valid_until: '2030-01-01' }, 'valid_until'],
    [{ valid_from: '2030-02-30T00:00:00Z' }, 'valid_from'],
    [{ valid_from: 1893456000 }, 'valid_from'],
    [{ renewal: 'yearly' }, 'renewal'],
    [{ name: '' }, 'name'],
    [{ name: 'a\nb' }, 'name'],
    [{ name: 'a\u0000b' }, 'name'],
    [{ name: 'x'.repeat(201) }, 'name'],
    [{ member_id: 'mem_' }, 'member_id'],
    [{ member_id: 'key_01jd4k0v8m3q6y1x2z5w7t9rbc' }, 'member_id'],
    [{ budget: '5.00' }, 'budget'],
    [{ budgetUsd: '5.00' }, 'budgetUsd'],
    [{ tenant_id: 'ten_01jd4k0v8m3q6y1x2z5w7t9rbc' }, 'tenant_id'],
    [{ secret: 'sk-stp-mine' }, 'secret'],
  ])('%j is refused, naming %s', async (fields, path) => {
    const member_id = (await scene.member()).id
    const before = await rowsOf('keys')
    const answer = await api('POST /v1/keys', { body: { member_id, name: 'Laptop', budget_usd: '1', ...fields } })
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request', errors: [{ path }] } })
    expect(answer.headers.get('x-should-retry')).toBe('false')
    expect(await rowsOf('keys')).toBe(before)
  })
})

describe('people and places', () => {
  test('are made and read', async () => {
    const location = (await api('POST /v1/locations', { body: { name: 'Harbour' } })).body
    const group = (await api('POST /v1/groups', { body: { name: '7b', location_id: location.id } })).body
    const made = await api('POST /v1/members', {
      body: {
        name: 'Zoë Ümit',
        email: 'ZOE@Harbour.example',
        kind: 'student',
        location_id: location.id,
        group_ids: [group.id],
      },
    })
    expect(made).toMatchObject({
      status: 201,
      body: { name: 'Zoë Ümit', email: 'zoe@harbour.example', account: 'none', groups: [{ name: '7b' }] },
    })
    expect((await api(`GET /v1/members/${made.body.id}`)).body).toEqual(made.body)
    expect((await api('GET /v1/members?search=Z%C3%B8')).body.data).toEqual([])
    expect((await api('GET /v1/members?search=zo%C3%AB')).body.data).toEqual([made.body])
    const added = await api(`POST /v1/groups/${group.id}/members`, { body: { member_ids: [made.body.id] } })
    expect(added.body).toEqual({ group_id: group.id, added: 0 })
    expect((await api(`GET /v1/groups?location_id=${location.id}`)).body.data).toMatchObject([{ members_count: 1 }])
    expect((await api('GET /v1/locations')).body.data).toContainEqual({
      ...location,
      members_count: 1,
      groups_count: 1,
    })
  })

  test('taken twice are a conflict', async () => {
    const body = { name: 'Twice', email: 'twice@school.example', kind: 'student' }
    expect((await api('POST /v1/members', { body })).status).toBe(201)
    expect(await api('POST /v1/members', { body })).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect((await api('POST /v1/locations', { body: { name: 'Twice' } })).status).toBe(201)
    expect((await api('POST /v1/locations', { body: { name: 'Twice' } })).status).toBe(409)
  })

  test('every other list and page of the tenant answers as documented', async () => {
    for (const path of [
      '/v1/tenant',
      '/v1/balance',
      '/v1/usage',
      '/v1/usage/summary?days=7',
      '/v1/audit',
      '/v1/allocations',
    ]) {
      expect(await api(`GET ${path as '/'}`)).toMatchObject({ status: 200 })
    }
    const pot = await api('POST /v1/allocations', { body: { name: 'Class trip', budget_usd: '20' } })
    expect(pot).toMatchObject({ status: 201, body: { budget: { limit_usd: '20.00' }, keys_count: 0 } })
    expect((await api('GET /v1/balance')).body.credited_usd).toBe('100.00')
  })
})

describe('lists', () => {
  test('are read page by page, each row once', async () => {
    const member_id = (await scene.member()).id
    for (let i = 0; i < 7; i++) await scene.key({ member_id })
    const seen: string[] = []
    let cursor = ''
    let pages = 0
    do {
      const { body } = await api(`GET /v1/keys?member_id=${member_id}&limit=3${cursor}`)
      seen.push(...body.data.map((key: { id: string }) => key.id))
      cursor = body.next_cursor === null ? '' : `&cursor=${encodeURIComponent(body.next_cursor)}`
      pages++
    } while (cursor !== '')
    expect(pages).toBe(3)
    expect(new Set(seen).size).toBe(7)
    expect(seen).toHaveLength(7)
  })

  test.each([
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=5&limit=6', 'limit'],
    ['Limit=5', 'Limit'],
    ['page=2', 'page'],
    ['status=dead', 'status'],
    ['cursor=nonsense', 'cursor'],
    ['cursor=%00', 'cursor'],
    [`search=${'x'.repeat(201)}`, 'search'],
    ['member_id=mem_%27%20or%20true', 'member_id'],
  ])('?%s is refused, naming %s', async (query, path) => {
    expect(await api(`GET /v1/keys?${query}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ path }] },
    })
  })

  test.each([
    `cursor=${Buffer.from('["no time","key_1"]').toString('base64url')}`,
    `cursor=${Buffer.from('["2026-02-30T09:00:00.000Z","key_1"]').toString('base64url')}`,
    `cursor=${Buffer.from('["2026-11-21T09:00:00.000Z","a\\u0000"]').toString('base64url')}`,
    `cursor=${Buffer.from('["2026-11-21T09:00:00.000Z"]').toString('base64url')}`,
    'search=%00',
  ])('?%s is refused, though only the database can tell', async (query) => {
    expect(await api(`GET /v1/keys?${query}`)).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
  })

  test.each(['%', '_', '\\', "'", '"', '%25%25', '🦊', '\u202e'])('search=%s is only text', async (search) => {
    const answer = await api(`GET /v1/keys?search=${encodeURIComponent(search)}`)
    expect(answer).toMatchObject({ status: 200, body: { data: [] } })
  })
})

describe('what is not there', () => {
  const madeUp = (prefix: string) => `${prefix}_01jd4k0v8m3q6y1x2z5w7t9rbc`

  test('and what is another tenant’s get the same answer, but for the request id', async () => {
    const theirs = { key: (await other.key()).id, member: (await other.member()).id, location: other.location.id }
    const pairs: [`${string} /${string}`, string, string][] = [
      ['GET /v1/keys/:id', theirs.key, madeUp('key')],
      ['POST /v1/keys/:id/revoke', theirs.key, madeUp('key')],
      ['POST /v1/keys/:id/disable', theirs.key, madeUp('key')],
      ['POST /v1/keys/:id/enable', theirs.key, madeUp('key')],
      ['GET /v1/members/:id', theirs.member, madeUp('mem')],
    ]
    for (const [call, foreign, made] of pairs) {
      const answers = []
      for (const id of [foreign, made]) {
        const answer = await api(call.replace(':id', id) as typeof call)
        expect(answer.status).toBe(404)
        answers.push(answer.text.replace(answer.body.request_id, ''))
      }
      expect(answers[0]).toBe(answers[1])
    }
    const revoked = await db.admin`select revoked_at, disabled_at from keys where id = ${theirs.key}`
    expect(revoked).toEqual([{ revoked_at: null, disabled_at: null }])
  })

  test('in a body is the same as well', async () => {
    const bodies = [other.location.id, madeUp('loc')].map((location_id) => ({ name: 'Group', location_id }))
    const answers = []
    for (const body of bodies) {
      const answer = await api('POST /v1/groups', { body })
      expect(answer.status).toBe(404)
      answers.push(answer.text.replace(answer.body.request_id, ''))
    }
    expect(answers[0]).toBe(answers[1])
  })

  test('an address', async () => {
    for (const path of ['/', '/v1', '/v1/nothing', '/v1/keys/', '/v2/keys', '//', '/v1//keys', '/v1/keys/a/b/c']) {
      const answer = await api(`GET ${path as '/'}`, { token: null })
      expect(answer).toMatchObject({ status: path === '/v1/keys/' ? answer.status : 404 })
    }
    expect(await api('POST /v1/nothing', { body: {} })).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })

  test('a method', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const answer = await api(`${method} /v1/keys`, { raw: 'x', headers: { 'content-type': 'text/plain' } })
      expect(answer).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } })
      expect(answer.headers.get('allow')).toBe('GET, POST, HEAD')
    }
    expect((await api('GET /v1/groups/grp_1/members')).headers.get('allow')).toBe('POST')
    const head = await fetch(`${base}/v1/keys`, { method: 'HEAD', headers: { authorization: `Bearer ${token}` } })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })
})

describe('callers', () => {
  test.each([
    ['nothing', null],
    ['an empty header', ''],
    ['another scheme', 'Basic c3RwOnN0cA=='],
    ['a bare token', 'st-stp-bare'],
    ['a made-up token', `Bearer ${newSecret('service_token', randomBytes)}`],
    ['a mistyped token', 'Bearer st-stp-0000000000000000000000000000000000'],
    ['a very long token', `Bearer st-stp-${'a'.repeat(5000)}`],
  ])('with %s are turned away', async (_, authorization) => {
    const answer = await api('GET /v1/keys', {
      token: null,
      ...(authorization === null ? {} : { headers: { authorization } }),
    })
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
  })

  test('with a gateway key are told what it is', async () => {
    const { secret } = await scene.key()
    const answer = await api('GET /v1/keys', { token: secret })
    expect(answer).toMatchObject({ status: 401, body: { detail: expect.stringContaining('API key for the gateway') } })
    expect(answer.text).not.toContain(secret)
  })

  test('do what their scopes say, and no more', async () => {
    const reader = await newToken(scene, ['keys:read'])
    expect((await api('GET /v1/keys', { token: reader })).status).toBe(200)
    for (const path of ['/v1/members', '/v1/usage', '/v1/audit', '/v1/service_tokens', '/v1/tenant']) {
      expect(await api(`GET ${path as '/'}`, { token: reader })).toMatchObject({
        status: 403,
        body: { code: 'forbidden' },
      })
    }
    const before = await rowsOf('keys')
    const member_id = (await scene.member()).id
    const refused = await api('POST /v1/keys', { token: reader, body: { member_id, name: 'x', budget_usd: '1' } })
    expect(refused.status).toBe(403)
    expect(await rowsOf('keys')).toBe(before)
  })

  test('can not make a token that may do more than themselves', async () => {
    const maker = await newToken(scene, ['service_tokens:write', 'keys:read'])
    const body = { name: 'Bigger', scopes: ['keys:read', 'keys:write'] }
    expect(await api('POST /v1/service_tokens', { token: maker, body })).toMatchObject({ status: 403 })
    const fine = await api('POST /v1/service_tokens', { token: maker, body: { ...body, scopes: ['keys:read'] } })
    expect(fine.status).toBe(201)
  })

  test('are gone once their token is revoked', async () => {
    const made = (await api('POST /v1/service_tokens', { body: { name: 'Gone', scopes: ['keys:read'] } })).body
    expect((await api('GET /v1/keys', { token: made.secret })).status).toBe(200)
    await api(`POST /v1/service_tokens/${made.id}/revoke`)
    expect((await api('GET /v1/keys', { token: made.secret })).status).toBe(401)
    const listed = await api('GET /v1/service_tokens')
    expect(listed.text).not.toContain(made.secret)
    expect(listed.body.data.find((one: { id: string }) => one.id === made.id).last_used_at).not.toBeNull()
  })

  test('see their own tenant only', async () => {
    const theirs = await newToken(other, ALL_SCOPES)
    const key = await other.key()
    const mine = await api('GET /v1/keys?limit=200')
    expect(mine.text).not.toContain(key.id)
    expect((await api('GET /v1/keys?limit=200', { token: theirs })).body.data).toContainEqual(
      expect.objectContaining({ id: key.id }),
    )
    expect((await api('GET /v1/tenant', { token: theirs })).body.id).toBe(other.tenant_id)
  })

  test('are named in the audit log, with what they changed and never a secret', async () => {
    const { id } = (await api('POST /v1/locations', { body: { name: 'Audited' } })).body
    const { data } = (await api(`GET /v1/audit?target_id=${id}`)).body
    expect(data).toMatchObject([
      { operation: 'locations.create', actor_id: expect.stringMatching(/^tok_/), ip: '127.0.0.1' },
    ])
    const key = (
      await api('POST /v1/keys', { body: { member_id: (await scene.member()).id, name: 'x', budget_usd: '1' } })
    ).body
    expect((await api(`GET /v1/audit?target_id=${key.id}`)).text).not.toContain(key.secret.slice(7, 30))
  })
})

describe('Idempotency-Key', () => {
  const keyBody = async () => ({ member_id: (await scene.member()).id, name: 'Once', budget_usd: '1.50' })
  const newKey = () => `test-${randomBytes(8).toString('hex')}`

  test('a repeat gets the first answer without its secret, and nothing is done twice', async () => {
    const body = await keyBody()
    const headers = { 'idempotency-key': newKey() }
    const first = await api('POST /v1/keys', { body, headers })
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    const before = [await rowsOf('keys'), await rowsOf('audit_entries')]
    // The order of fields and what is left at its default make no difference.
    const second = await api('POST /v1/keys', {
      body: { renewal: 'never', ...Object.fromEntries(Object.entries(body).toReversed()) },
      headers,
    })
    expect(second.status).toBe(201)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(second.body).toEqual({ ...first.body, secret: null })
    expect(JSON.stringify({ ...first.body, secret: null })).toBe(second.text)
    expect([await rowsOf('keys'), await rowsOf('audit_entries')]).toEqual(before)
    const stored = await db.admin`select output::text as output from idempotency_keys`
    expect(JSON.stringify(stored)).not.toContain(first.body.secret.slice(7))
  })

  test('with another body or another operation it is refused', async () => {
    const body = await keyBody()
    const headers = { 'idempotency-key': newKey() }
    await api('POST /v1/keys', { body, headers })
    const before = await rowsOf('keys')
    const reused = { status: 409, body: { code: 'idempotency_key_reused' } }
    expect(await api('POST /v1/keys', { body: { ...body, budget_usd: '1.51' }, headers })).toMatchObject(reused)
    expect(await api('POST /v1/locations', { body: { name: 'Reused' }, headers })).toMatchObject(reused)
    expect(await rowsOf('keys')).toBe(before)
  })

  test('twenty at once make one key', async () => {
    const body = await keyBody()
    const headers = { 'idempotency-key': newKey() }
    const before = await rowsOf('keys')
    const answers = await Promise.all(Array.from({ length: 20 }, () => api('POST /v1/keys', { body, headers })))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    expect(new Set(answers.map(({ body: { id } }) => id)).size).toBe(1)
    expect(answers.filter(({ body: { secret } }) => secret !== null)).toHaveLength(1)
    expect(answers.filter(({ headers: sent }) => sent.get('idempotency-replayed') === 'true')).toHaveLength(19)
    expect(await rowsOf('keys')).toBe(before + 1)
  })

  test('a refused request does not use it up', async () => {
    const body = await keyBody()
    const headers = { 'idempotency-key': newKey() }
    expect((await api('POST /v1/keys', { body: { ...body, budget_usd: '0' }, headers })).status).toBe(400)
    const nobody = { ...body, member_id: 'mem_01jd4k0v8m3q6y1x2z5w7t9rbc' }
    expect((await api('POST /v1/keys', { body: nobody, headers })).status).toBe(404)
    const made = await api('POST /v1/keys', { body, headers })
    expect(made).toMatchObject({ status: 201, body: { secret: expect.any(String) } })
  })

  test('is each caller’s own', async () => {
    const headers = { 'idempotency-key': newKey() }
    const first = await api('POST /v1/locations', { body: { name: 'Mine' }, headers })
    const theirs = await api('POST /v1/locations', {
      body: { name: 'Mine' },
      headers,
      token: await newToken(other, ALL_SCOPES),
    })
    expect(theirs.status).toBe(201)
    expect(theirs.body.id).not.toBe(first.body.id)
  })

  test.each(['', 'x'.repeat(256), 'caf\u00e9', 'a\tb'])('%j is none', async (key) => {
    expect(
      await api('POST /v1/locations', { body: { name: 'None' }, headers: { 'idempotency-key': key } }),
    ).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'Idempotency-Key' }] },
    })
  })
})

describe('bodies', () => {
  test.each([
    '{',
    '',
    'null',
    '[]',
    '"text"',
    '{"name":"a","name":"b"}',
    '{"name":"a"}}',
    '{"__proto__":{"name":"a"}}',
    '\u0000',
  ])('%j is refused', async (raw) => {
    const answer = await api('POST /v1/locations', { raw, headers: { 'content-type': 'application/json' } })
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
  })

  test.each([
    'text/plain',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'json',
  ])('of type %s are refused', async (type) => {
    const answer = await api('POST /v1/locations', { raw: '{"name":"a"}', headers: { 'content-type': type } })
    expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } })
  })

  test('may say their charset', async () => {
    const headers = { 'content-type': 'application/json; charset=UTF-8' }
    expect((await api('POST /v1/locations', { body: { name: 'Château' }, headers })).body.name).toBe('Château')
  })

  test('a field may not be in the path and in the body, nor in the query of a command', async () => {
    const { id } = await scene.key()
    expect(await api(`POST /v1/keys/${id}/revoke`, { body: { id } })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'id' }] },
    })
    expect(await api(`POST /v1/keys/${id}/revoke`, { body: { force: true } })).toMatchObject({ status: 400 })
    expect(await api(`POST /v1/keys/${id}/revoke?force=true`)).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'force' }] },
    })
    expect(await api(`GET /v1/keys/${id}?id=${id}`)).toMatchObject({ status: 400 })
    expect((await api(`GET /v1/keys/${id}`)).body.status).toBe('active')
  })

  test('of 10 MB are refused, whether announced or not', async () => {
    const raw = JSON.stringify({ name: 'x'.repeat(10 * 1024 * 1024) })
    expect(await api('POST /v1/locations', { raw })).toMatchObject({ status: 413, body: { code: 'request_too_large' } })

    const chunk = `${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`
    const head = `POST /v1/locations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n`
    expect(await exchange(`${head}${chunk.repeat(160)}0\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 413 [\s\S]*"code":"request_too_large"/,
    )
  })

  test('of 1 MiB less a little are read', async () => {
    const raw = JSON.stringify({ name: 'Spacious' }).padEnd(1024 * 1024 - 1)
    expect((await api('POST /v1/locations', { raw })).status).toBe(201)
  })

  test('that never finish are given up on', async () => {
    const before = await rowsOf('audit_entries')
    const answer = await exchange(
      `POST /v1/locations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"name":`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*content-type: application\/problem\+json/)
    expect(answer).toContain('"code":"request_timeout"')
    expect(await rowsOf('audit_entries')).toBe(before)
  })
})

describe('what is no HTTP', () => {
  const head = 'GET /v1/keys HTTP/1.1\r\nhost: x\r\n'
  test.each([
    ['garbage', 'garbage\r\n\r\n', 400],
    ['a header with a newline in it', `${head}x-evil: a\nb\r\n\r\n`, 400],
    ['a header with a carriage return in it', `${head}x-evil: a\rb\r\n\r\n`, 400],
    ['a header with a NUL in it', `${head}x-evil: a\0b\r\n\r\n`, 400],
    ['headers of 100 kB', `${head}x-long: ${'a'.repeat(100_000)}\r\n\r\n`, 413],
    ['two lengths', `POST /v1/keys HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}`, 400],
    [
      'a length and chunks',
      `POST /v1/keys HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['a negative length', `POST /v1/keys HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n{}`, 400],
    ['no host', 'GET /v1/keys HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
    ['a broken escape in the address', `GET /v1/keys/%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`, 400],
    ['headers that never end', 'GET /v1/keys HTTP/1.1\r\nhost: x\r\n', 408],
  ])('%s is refused as a problem', async (_, bytes, status) => {
    const answer = await exchange(bytes)
    expect(answer.split(' ')[1]).toBe(String(status))
    expect(answer).toMatch(/content-type: application\/problem\+json/i)
    const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))
    expect(body).toMatchObject({ status, request_id: expect.stringMatching(/^req_/) })
  })
})

test('when the database is away it says so, without saying how', async () => {
  const { connect, close } = await import('@stipend/db')
  const gone = connect('postgres://stipend_app:pw@127.0.0.1:1/none')
  const lonely = createServer({ database: gone, log: createLog({ app: 'api', level: 'silent' }) })
  const address = await lonely.listen({ host: '127.0.0.1', port: 0 })
  const call = apiClient(address, newSecret('service_token', randomBytes))
  expect(await call('GET /v1/keys')).toMatchObject({ status: 503, body: { code: 'unavailable' } })
  const health = await call('GET /healthz')
  expect(health).toMatchObject({ status: 503, body: { code: 'unavailable' } })
  expect(health.text).not.toMatch(/127\.0\.0\.1|ECONNREFUSED|postgres/)
  await lonely.close()
  await close(gone)
})

test('health says that the database answers', async () => {
  expect(await api('GET /healthz', { token: null })).toMatchObject({ status: 200, body: { status: 'ok' } })
})

test('the log has a line for each request, with who and what, and no secret', async () => {
  logged.length = 0
  const key = await scene.key()
  const answer = await api(`POST /v1/keys/${key.id}/disable`)
  await api('GET /v1/keys?search=private', { token: key.secret })
  await expect.poll(() => logged.length).toBe(2)
  const [disabled, refused] = logged.map((line) => JSON.parse(line))
  expect(disabled).toMatchObject({
    level: 'info',
    request_id: answer.headers.get('x-request-id'),
    operation: 'keys.disable',
    status: 200,
    ms: expect.any(Number),
    actor_id: expect.stringMatching(/^tok_/),
  })
  expect(refused).toMatchObject({ status: 401, code: 'unauthenticated', actor_id: 'anonymous', path: '/v1/keys' })
  expect(logged.join('')).not.toContain(token)
  expect(logged.join('')).not.toMatch(/sk-stp-[0-9A-Za-z]|st-stp-[0-9A-Za-z]|private/)
})
