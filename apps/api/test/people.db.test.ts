import * as core from '@stipend/core'
import { createScene, type Scene } from '@stipend/core/testing'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { createLog } from '@stipend/runtime'
import { createCaller } from '@stipend/wire/trpc'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { createServer } from '../src/server.ts'
import { apiClient } from './client.ts'

let db: TestDatabase
let server: FastifyInstance
let scene: Scene
let api: ReturnType<typeof apiClient>

beforeAll(async () => {
  db = await createTestDatabase(inject('testCluster'))
  scene = await createScene(db.database)
  const scopes = core.serviceTokens.create.input.shape.scopes.element.options
  const { secret } = await scene.run(core.serviceTokens.create, { name: 'Script', scopes: [...scopes] })
  const log = createLog({ app: 'api', level: 'silent' })
  server = createServer({ database: db.database, log, requestTimeoutMs: 5_000 })
  api = apiClient(await server.listen({ host: '127.0.0.1', port: 0 }), secret ?? '')
})
afterAll(async () => {
  await server.close()
  await db.drop()
})

/** The console's door, as the owner. */
async function consoleDoor() {
  const actor = await scene.owner()
  return createCaller({ deps: { database: db.database }, actor, request: { request_id: 'req_test', ip: null } })
}

const base64 = (text: string) => Buffer.from(text).toString('base64')

test('a script imports a school, looks first, and then does it', async () => {
  const files = [
    {
      name: 'klas.csv',
      content_base64: base64('name,email,class,school\nAda,ada@x.example,3A,Noord\n,b@x.example,3A,Noord\n'),
    },
  ]
  const said = await api('POST /v1/imports', { body: { files } })
  expect(said).toMatchObject({ status: 201, body: { status: 'draft', summary: { add: 1, skip: 1 } } })
  expect((await api('GET /v1/members')).body.data).toEqual([])
  const rows = await api(`GET /v1/imports/${said.body.id}/rows?outcome=skip`)
  expect(rows.body.data).toMatchObject([{ line: 3, reason: 'no_name' }])
  const corrected = await api(`PATCH /v1/imports/${said.body.id}`, { body: { settings: { default_kind: 'staff' } } })
  expect(corrected.body.settings.default_kind).toBe('staff')
  const done = await api(`POST /v1/imports/${said.body.id}/run`, { body: { fingerprint: corrected.body.fingerprint } })
  expect(done).toMatchObject({ status: 200, body: { status: 'applied', summary: { add: 1 } } })
  const again = await api('POST /v1/imports', { body: { files, dry_run: false, settings: { default_kind: 'staff' } } })
  expect(again.body.summary).toMatchObject({ add: 0, change: 0, unchanged: 1 })
  expect((await api('GET /v1/imports/imp_01jd4k0v8m3q6y1x2z5w7t9rbc')).status).toBe(404)
})

test('a file of megabytes is taken, and one beyond all measure refused', async () => {
  const lines = Array.from(
    { length: 30_000 },
    (_, n) => `Person number ${n} of a very large school,p${n}@large.example`,
  )
  const large = await api('POST /v1/imports', {
    body: { files: [{ name: 'large.csv', content_base64: base64(`name,email\n${lines.join('\n')}\n`) }] },
  })
  expect(large).toMatchObject({ status: 201, body: { summary: { add: 30_000 } } })
  expect((await api('POST /v1/members', { raw: `{"name":"${'x'.repeat(1_100_000)}"}` })).status).toBe(413)
}, 30_000)

test('people are invited, deactivated, moved and removed, said first', async () => {
  const north = (await api('POST /v1/locations', { body: { name: 'North' } })).body
  const person = (
    await api('POST /v1/members', {
      body: { name: 'Bo', email: 'bo@x.example', kind: 'student', location_id: scene.location.id },
    })
  ).body
  const member_ids = [person.id]
  expect((await api('POST /v1/invitations', { body: { member_ids } })).body).toMatchObject({ people: 1, is_done: true })
  expect((await api(`GET /v1/members/${person.id}`)).body.invited_at).toMatch(/Z$/)
  expect((await api('POST /v1/invitations/revoke', { body: { member_ids } })).body).toEqual({ revoked: 1 })
  const said = await api('POST /v1/members/deactivate', { body: { member_ids, dry_run: true } })
  expect(said.body).toMatchObject({ is_done: false, people: 1 })
  expect((await api('POST /v1/members/deactivate', { body: { member_ids } })).body.is_done).toBe(true)
  expect((await api('GET /v1/members/count?state=deactivated')).body).toEqual({ count: 1 })
  await api('POST /v1/members/reactivate', { body: { member_ids } })
  await api('POST /v1/members/move', { body: { member_ids, location_id: north.id } })
  expect((await api(`PATCH /v1/members/${person.id}`, { body: { name: 'Bo Li' } })).body).toMatchObject({
    name: 'Bo Li',
    location_name: 'North',
  })
  // Both doors give the same answer.
  const trpc = await consoleDoor()
  expect(await trpc.members.get({ id: person.id })).toEqual((await api(`GET /v1/members/${person.id}`)).body)
  await api('POST /v1/members/remove', { body: { member_ids, history: 'anonymise' } })
  expect((await api(`GET /v1/members/${person.id}`)).status).toBe(404)
  await expect(trpc.members.get({ id: person.id })).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('groups are led and emptied, domains set and removed, the organisation changed', async () => {
  const teacher = await scene.member({ kind: 'staff' })
  const pupil = await scene.member()
  const group = (await api('POST /v1/groups', { body: { name: '4C', location_id: scene.location.id } })).body
  await api(`POST /v1/groups/${group.id}/members`, { body: { member_ids: [pupil.id] } })
  const led = await api(`POST /v1/groups/${group.id}/leads`, { body: { member_ids: [teacher.id] } })
  expect(led.body).toMatchObject({ members_count: 1, leads: [{ id: teacher.id }] })
  expect((await api(`GET /v1/groups/${group.id}`)).body).toEqual(led.body)
  const out = await api(`POST /v1/groups/${group.id}/remove_members`, { body: { member_ids: [pupil.id] } })
  expect(out.body).toEqual({ group_id: group.id, removed: 1 })
  expect((await api(`PATCH /v1/groups/${group.id}`, { body: { name: '4D' } })).body.name).toBe('4D')
  expect((await api(`POST /v1/groups/${group.id}/delete`)).body).toEqual({ id: group.id, members_count: 0 })

  const domain = { domain: 'School.Example', kind: 'student' }
  expect((await api('POST /v1/domains', { body: domain })).body).toMatchObject({
    domain: 'school.example',
    role: 'member',
  })
  expect((await api('POST /v1/domains', { body: { ...domain, domain: 'gmail.com' } })).status).toBe(400)
  expect((await api('GET /v1/domains')).body.data).toHaveLength(1)
  expect((await api('POST /v1/domains/school.example/remove')).status).toBe(200)
  expect((await api('POST /v1/domains/school.example/remove')).status).toBe(404)

  const changed = await api('PATCH /v1/tenant', { body: { content: { kept: 'titles', days: 14 } } })
  expect(changed.body.content).toEqual({ kept: 'titles', days: 14 })
})
