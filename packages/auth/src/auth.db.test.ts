import { createHash, randomBytes } from 'node:crypto'
import {
  type Actor,
  execute,
  groups,
  locations,
  members as memberOperations,
  newId,
  type Role,
  serviceTokens,
  tenants,
} from '@stipend/core'
import { newSecret } from '@stipend/core/secrets'
import { withTenant } from '@stipend/db'
import { users } from '@stipend/db/schema'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import {
  actorOf,
  createAccount,
  membershipsOfUser,
  resolveServiceToken,
  resolveSession,
  sessionCookie,
  signIn,
  signOut,
} from './index.ts'

const PASSWORD = 'a long enough password'
const DAY_MS = 24 * 60 * 60_000
const NOW = new Date('2026-11-21T09:00:00.000Z')
const daysLater = (days: number) => new Date(NOW.getTime() + days * DAY_MS)
const request = { request_id: 'req_test', ip: null }

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase(inject('testCluster'))
})
afterAll(() => db.drop())

/** A tenant with one person in it, not yet able to sign in. */
async function makeTenant(name: string, role: Role = 'owner') {
  const tenant_id = newId('tenant')
  const operator: Actor = { kind: 'operator', tenant_id, name: 'test' }
  const run = async (operation: Parameters<typeof execute>[0], input: object) =>
    (await execute(operation, { database: db.database }, operator, input, { request })).output
  await run(tenants.create, { slug: name, kind: 'school', name, time_zone: 'Europe/Berlin' })
  const location = await run(locations.create, { name: 'North' })
  const email = `${name}@school.example`
  const member = await run(memberOperations.create, {
    name: `Person of ${name}`,
    email,
    kind: 'staff',
    role,
    location_id: location.id,
    scope_location_ids: role === 'admin' ? [location.id] : [],
  })
  return { tenant_id, operator, run, email, member_id: member.id as string, location_id: location.id as string }
}

async function makeAccount(name: string, role?: Role) {
  const tenant = await makeTenant(name, role)
  const { user_id } = await createAccount(db.database, { ...tenant, password: PASSWORD })
  const session = await signIn(db.database, { email: tenant.email, password: PASSWORD }, { ip: null, now: NOW })
  return { ...tenant, user_id, ...session }
}

describe('signing in', () => {
  test('opens a session of 30 days whose token is not in the database', async () => {
    const { token, expires_at, user_id, email } = await makeAccount('opens')
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(expires_at).toEqual(daysLater(30))

    const rows = await db.admin`select id, user_id, expires_at from sessions where user_id = ${user_id}`
    expect(rows).toHaveLength(1)
    expect(rows[0]?.id).toBe(createHash('sha256').update(token).digest('hex'))
    expect(Math.abs(rows[0]?.expires_at - daysLater(30).getTime())).toBeLessThan(60_000)

    const session = await resolveSession(db.database, token, NOW)
    expect(session).toMatchObject({ user: { id: user_id, email }, is_fresh: false })
    expect(session?.user).toEqual({ id: user_id, email })
  })

  test('takes the e-mail address in any case', async () => {
    const { email } = await makeAccount('anycase')
    await signIn(db.database, { email: ` ${email.toUpperCase()} `, password: PASSWORD }, { ip: null, now: NOW })
  })

  test('says the same for a wrong password and for nobody', async () => {
    const { email } = await makeAccount('same')
    const attempt = (mail: string) =>
      signIn(db.database, { email: mail, password: 'not the password' }, { ip: null, now: NOW }).catch((error) => error)
    const [wrong, nobody] = [await attempt(email), await attempt('nobody@school.example')]
    expect(wrong).toMatchObject({ code: 'invalid_credentials' })
    expect({ code: nobody.code, message: nobody.message, details: nobody.details }).toEqual({
      code: wrong.code,
      message: wrong.message,
      details: wrong.details,
    })
  })

  test('is refused after ten failures, even with the right password, until the oldest is 15 minutes ago', async () => {
    const { email } = await makeAccount('tenfailures')
    const attempt = (password: string, now: Date) => signIn(db.database, { email, password }, { ip: null, now })
    const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1000)
    for (let i = 0; i < 10; i++) {
      await expect(attempt('not the password', later(i))).rejects.toMatchObject({ code: 'invalid_credentials' })
    }
    await expect(attempt(PASSWORD, later(10))).rejects.toMatchObject({
      code: 'rate_limited',
      details: { retry_after_seconds: 890 },
    })
    await attempt(PASSWORD, later(900))
  })

  test('thirty wrong guesses at once are ten', async () => {
    const { email } = await makeAccount('atonce')
    const guesses = Array.from({ length: 30 }, (_, i) =>
      signIn(db.database, { email, password: `guess number ${i}` }, { ip: null, now: NOW }).catch(
        (error) => error.code,
      ),
    )
    const codes = await Promise.all(guesses)
    expect(codes.filter((code) => code === 'invalid_credentials')).toHaveLength(10)
    expect(codes.filter((code) => code === 'rate_limited')).toHaveLength(20)
  })

  test('a hundred failures close an address for every e-mail, and no other address', async () => {
    const { email } = await makeAccount('address')
    const guess = (n: number) =>
      signIn(
        db.database,
        // Too long to be anybody's: refused without the work of hashing.
        { email: `guess${n}@school.example`, password: 'x'.repeat(1000) },
        { ip: '192.0.2.7', now: NOW },
      )
    for (let i = 0; i < 100; i++) await expect(guess(i)).rejects.toMatchObject({ code: 'invalid_credentials' })
    const right = { email, password: PASSWORD }
    await expect(signIn(db.database, right, { ip: '192.0.2.7', now: NOW })).rejects.toMatchObject({
      code: 'rate_limited',
    })
    await signIn(db.database, right, { ip: '192.0.2.8', now: NOW })
  })
})

describe('a session', () => {
  test('is extended in its second half, and is over after 30 days', async () => {
    const { token } = await makeAccount('sliding')
    expect(await resolveSession(db.database, token, daysLater(14))).toMatchObject({ is_fresh: false })
    const extended = await resolveSession(db.database, token, daysLater(16))
    expect(extended?.is_fresh).toBe(true)
    expect(Math.abs((extended?.expires_at.getTime() ?? 0) - daysLater(46).getTime())).toBeLessThan(60_000)
    expect(await resolveSession(db.database, token, daysLater(30.9))).toMatchObject({ is_fresh: false })
    expect(await resolveSession(db.database, token, daysLater(46.1))).toBeNull()
    // Gone for good, whatever the clock says now.
    expect(await resolveSession(db.database, token, NOW)).toBeNull()
  })

  test('ends with signing out; others of the same person go on', async () => {
    const { token, email } = await makeAccount('signout')
    const other = await signIn(db.database, { email, password: PASSWORD }, { ip: null, now: NOW })
    await signOut(db.database, token)
    expect(await resolveSession(db.database, token, NOW)).toBeNull()
    expect(await resolveSession(db.database, other.token, NOW)).not.toBeNull()
  })

  test.each(['', 'x', 'A'.repeat(43), "' or true --", 'A'.repeat(100_000), '\u0000'.repeat(43)])(
    'is not found for a made-up token (%#)',
    async (token) => {
      expect(await resolveSession(db.database, token, NOW)).toBeNull()
      await signOut(db.database, token)
    },
  )

  test('the id in the database is no token', async () => {
    const { token } = await makeAccount('idnotoken')
    const id = createHash('sha256').update(token).digest('hex')
    expect(await resolveSession(db.database, id, NOW)).toBeNull()
  })
})

describe('an account', () => {
  test('lets a member act in their tenant with their role and scope', async () => {
    const made = await makeAccount('scoped', 'admin')
    const session = await resolveSession(db.database, made.token, NOW)
    if (session === null) throw new Error('no session')
    const [membership] = await membershipsOfUser(db.database, session.user.id)
    if (membership === undefined) throw new Error('no membership')
    expect(membership).toMatchObject({
      tenant_id: made.tenant_id,
      tenant_slug: 'scoped',
      member_name: 'Person of scoped',
    })
    expect(actorOf(membership, session.user)).toEqual({
      kind: 'user',
      tenant_id: made.tenant_id,
      user_id: made.user_id,
      member_id: made.member_id,
      role: 'admin',
      location_ids: [made.location_id],
      group_ids: null,
    })
  })

  test('lets a teacher act in the groups they lead, and a member without any in none', async () => {
    const made = await makeTenant('teaching', 'member')
    const { user_id } = await createAccount(db.database, { ...made, password: PASSWORD })
    const groupsOf = async () => {
      const [membership] = await membershipsOfUser(db.database, user_id)
      if (membership === undefined) throw new Error('no membership')
      const actor = actorOf(membership, { id: user_id, email: made.email })
      return actor.kind === 'user' ? actor.group_ids : undefined
    }
    expect(await groupsOf()).toEqual([])
    const group = await made.run(groups.create, { name: '7b', location_id: made.location_id })
    await made.run(groups.setLeads, { group_id: group.id, member_ids: [made.member_id] })
    expect(await groupsOf()).toEqual([group.id])
  })

  test('one e-mail address in two tenants is one person with one password', async () => {
    const one = await makeAccount('firsttenant')
    const two = await makeTenant('secondtenant')
    const linked = await createAccount(db.database, { ...two, email: one.email, password: 'some other password' })
    expect(linked).toEqual({ user_id: one.user_id, is_new: false })
    await signIn(db.database, { email: one.email, password: PASSWORD }, { ip: null, now: NOW })
    await expect(
      signIn(db.database, { email: one.email, password: 'some other password' }, { ip: null, now: NOW }),
    ).rejects.toMatchObject({ code: 'invalid_credentials' })
    const found = await membershipsOfUser(db.database, one.user_id)
    expect(found.map(({ tenant_slug }) => tenant_slug)).toEqual(['firsttenant', 'secondtenant'])
  })

  test('is not made for a member of another tenant', async () => {
    const [one, two] = [await makeTenant('mine'), await makeTenant('theirs')]
    await expect(
      createAccount(db.database, { ...one, member_id: two.member_id, password: PASSWORD }),
    ).rejects.toMatchObject({ code: 'not_found' })
    expect(await db.admin`select user_id from members where id = ${two.member_id}`).toEqual([{ user_id: null }])
  })

  test('is not made with a short password', async () => {
    const tenant = await makeTenant('short')
    await expect(createAccount(db.database, { ...tenant, password: 'short' })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    expect(await db.admin`select id from users where email = ${tenant.email}`).toEqual([])
  })

  test('nobody reads accounts but the transactions that sign people in', async () => {
    const { tenant_id } = await makeAccount('hidden')
    expect(await withTenant(db.database, tenant_id, (tx) => tx.select().from(users))).toEqual([])
  })
})

describe('a service token', () => {
  test('stands for its tenant and its scopes until it is revoked', async () => {
    const tenant = await makeTenant('tokens')
    const made = await tenant.run(serviceTokens.create, { name: 'Sync', scopes: ['keys:read', 'members:read'] })
    expect(await resolveServiceToken(db.database, made.secret)).toEqual({
      kind: 'service_token',
      tenant_id: tenant.tenant_id,
      token_id: made.id,
      permissions: expect.arrayContaining(['keys:read', 'members:read']),
    })
    const [row] = await db.admin`select last_used_at, secret_hash from service_tokens where id = ${made.id}`
    expect(row?.last_used_at).not.toBeNull()
    expect(row?.secret_hash).toEqual(createHash('sha256').update(made.secret).digest())

    await tenant.run(serviceTokens.revoke, { id: made.id })
    expect(await resolveServiceToken(db.database, made.secret)).toBeNull()
  })

  test('made up, mistyped or of another kind is nobody', async () => {
    const made = newSecret('service_token', randomBytes)
    for (const text of ['', 'st-stp-', made, `${made}x`, newSecret('key', randomBytes), 'st-stp-\u0000']) {
      expect(await resolveServiceToken(db.database, text)).toBeNull()
    }
  })
})

test('the cookie is for this host, out of reach of scripts, and over https bound to it', () => {
  expect(sessionCookie({ secure: true })).toEqual({
    name: '__Host-stipend_session',
    attributes: { httpOnly: true, sameSite: 'lax', secure: true, path: '/' },
  })
  expect(sessionCookie({ secure: false }).attributes.secure).toBe(false)
})
