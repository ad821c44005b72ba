import {
  type Actor,
  balance,
  domains,
  execute,
  groups,
  invitations,
  locations,
  members,
  newId,
  tenants,
} from '@stipend/core'
import { warnOfBalance } from '@stipend/core/spend'
import { withTenant } from '@stipend/db'
import { audit_entries } from '@stipend/db/schema'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import {
  acceptInvitation,
  createAccount,
  forgetOldMails,
  keptMails,
  type Mail,
  membershipsOfUser,
  readInvitation,
  readPasswordReset,
  requestPasswordReset,
  resetPassword,
  resolveSession,
  sendDueMails,
  signIn,
  signUp,
} from './index.ts'

const PASSWORD = 'a long enough password'
const NOW = new Date('2026-11-21T09:00:00.000Z')
const later = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000)
const DAY = 24 * 60
const from = (now = NOW) => ({ ip: null, request_id: 'req_test', now })

let db: TestDatabase
beforeAll(async () => {
  db = await createTestDatabase(inject('testCluster'))
})
afterAll(() => db.drop())

type Run = (operation: Parameters<typeof execute>[0], input: object, now?: Date) => Promise<Record<string, never>>

async function makeTenant(name: string, kind: 'school' | 'company' = 'school') {
  const tenant_id = newId('tenant')
  const actor: Actor = { kind: 'operator', tenant_id, name: 'test' }
  const run: Run = async (operation, input, now = NOW) =>
    (
      await execute(operation, { database: db.database, given: { now } }, actor, input, {
        request: { request_id: 'req_x', ip: null },
      })
    ).output as never
  await run(tenants.create, { slug: name, kind, name: `The ${name}`, time_zone: 'Europe/Berlin' })
  const location_id: string = (await run(locations.create, { name: 'North' })).id as never
  const add = async (email: string, more: object = {}): Promise<string> =>
    (await run(members.create, { name: 'Ada', email, kind: 'staff', location_id, ...more })).id as never
  return { tenant_id, run, add, location_id, slug: name }
}

/** Sends what is due and answers it, with the secret in each link. */
async function deliver(now = NOW): Promise<(Mail & { secret: string })[]> {
  const sent: Mail[] = []
  const done = await sendDueMails(db.database, {
    console_url: 'https://console.example',
    transport: async (mail) => void sent.push(mail),
    now,
  })
  expect(done).toEqual({ sent: sent.length, failed: [] })
  return sent.map((mail) => ({ ...mail, secret: /token=([\w-]{43})\n/.exec(mail.text)?.[1] ?? '' }))
}

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error) => `${error.code}: ${error.message}`,
  )
const ENDED = /^not_found: This link does not work any more/

async function invite(email: string) {
  const tenant = await makeTenant(`t${email.replace(/\W/g, '')}`)
  const id = await tenant.add(email)
  await tenant.run(invitations.send, { member_ids: [id] })
  const [mail] = await deliver()
  if (mail === undefined) throw new Error('no mail')
  return { ...tenant, id, mail }
}

describe('an invitation', () => {
  test('is a mail with a link that makes an account, once', async () => {
    const { mail, id, slug, tenant_id, run } = await invite('ada@once.example')
    expect(mail).toMatchObject({ to: 'ada@once.example', subject: 'The tadaonceexample invites you to Stipend' })
    expect(mail.text).toContain(`https://console.example/invitation?token=${mail.secret}`)
    expect(mail.text).toContain('Hello Ada')
    // The database has the secret nowhere.
    const rows =
      await db.admin`select row_to_json(i)::text || row_to_json(m)::text as text from invitations i join mails m on m.subject_id = i.id`
    expect(JSON.stringify(rows)).not.toContain(mail.secret)
    expect(await deliver()).toEqual([])

    expect(await readInvitation(db.database, mail.secret, NOW)).toEqual({
      email: 'ada@once.example',
      name: 'Ada',
      tenant_name: 'The tadaonceexample',
      tenant_kind: 'school',
      location_name: 'North',
      invited_by: null,
      has_account: false,
    })
    const accept = () => acceptInvitation(db.database, mail.secret, { name: 'Ada King', password: PASSWORD }, from())
    const session = await accept()
    expect(session.tenant_slug).toBe(slug)
    const user = (await resolveSession(db.database, session.token, NOW))?.user
    expect(user?.email).toBe('ada@once.example')
    expect(await membershipsOfUser(db.database, user?.id ?? '')).toMatchObject([
      { member_id: id, member_name: 'Ada King' },
    ])
    expect(await run(members.get, { id })).toMatchObject({ account: 'linked', invited_at: null })
    await signIn(db.database, { email: 'ada@once.example', password: PASSWORD }, { ip: null, now: NOW })
    expect(await refusal(accept())).toMatch(ENDED)
    expect(await refusal(readInvitation(db.database, mail.secret, NOW))).toMatch(ENDED)
    const entries = await withTenant(db.database, tenant_id, (tx) =>
      tx.select().from(audit_entries).where(eq(audit_entries.operation, 'invitations.accept')),
    )
    expect(entries).toMatchObject([{ actor_id: id, target_id: id }])
  })

  test('accepted five times at once makes one account', async () => {
    const { mail } = await invite('race@once.example')
    const all = await Promise.allSettled(
      Array.from({ length: 5 }, () =>
        acceptInvitation(db.database, mail.secret, { name: 'Ada', password: PASSWORD }, from()),
      ),
    )
    expect(all.filter((one) => one.status === 'fulfilled')).toHaveLength(1)
  })

  test('ends when it expires, is withdrawn, is sent again, or its person goes or changes address', async () => {
    const read = (secret: string, now = NOW) => refusal(readInvitation(db.database, secret, now))
    const expired = await invite('a@ends.example')
    expect(await read(expired.mail.secret, later(14 * DAY - 1))).toBe('nothing')
    expect(await read(expired.mail.secret, later(14 * DAY))).toMatch(ENDED)

    const withdrawn = await invite('b@ends.example')
    expect(await withdrawn.run(invitations.revoke, { member_ids: [withdrawn.id] })).toEqual({ revoked: 1 })
    expect(await read(withdrawn.mail.secret)).toMatch(ENDED)

    const again = await invite('c@ends.example')
    const soon = await again.run(invitations.send, { member_ids: [again.id] })
    expect(soon).toMatchObject({ people: 0, skipped: [{ reason: 'just_invited' }] })
    expect(await again.run(invitations.send, { member_ids: [again.id] }, later(2))).toMatchObject({
      people: 1,
      again: 1,
    })
    expect(await read(again.mail.secret, later(2))).toMatch(ENDED)
    const [newer] = await deliver(later(2))
    expect(await read(newer?.secret ?? '', later(2))).toBe('nothing')

    const removed = await invite('d@ends.example')
    await removed.run(members.remove, { member_ids: [removed.id] })
    expect(await read(removed.mail.secret)).toMatch(ENDED)

    const moved = await invite('e@ends.example')
    await moved.run(members.update, { id: moved.id, email: 'f@ends.example' })
    expect(await read(moved.mail.secret)).toMatch(ENDED)

    const deactivated = await invite('g@ends.example')
    await deactivated.run(members.deactivate, { member_ids: [deactivated.id] })
    const accept = acceptInvitation(db.database, deactivated.mail.secret, { name: 'X', password: PASSWORD }, from())
    expect(await refusal(accept)).toMatch(ENDED)
  })

  test.each(['', 'short', 'x'.repeat(43), '../../etc', 'A'.repeat(43)])(
    'made up (%j) reads like one that ended',
    async (secret) => {
      expect(await refusal(readInvitation(db.database, secret, NOW))).toMatch(ENDED)
    },
  )

  test('to somebody with an account elsewhere links that account, with its password', async () => {
    const first = await invite('two@places.example')
    await acceptInvitation(db.database, first.mail.secret, { name: 'Ada', password: PASSWORD }, from())
    const second = await makeTenant('second')
    await second.run(invitations.send, { member_ids: [await second.add('two@places.example')] })
    const [mail] = await deliver()
    expect((await readInvitation(db.database, mail?.secret ?? '', NOW)).has_account).toBe(true)
    const session = await acceptInvitation(db.database, mail?.secret ?? '', { name: 'Ada', password: null }, from())
    const user = (await resolveSession(db.database, session.token, NOW))?.user
    expect((await membershipsOfUser(db.database, user?.id ?? '')).map((one) => one.tenant_slug)).toEqual([
      'second',
      first.slug,
    ])
    await signIn(db.database, { email: 'two@places.example', password: PASSWORD }, { ip: null, now: NOW })
  })

  test('goes to nobody who has an account or is deactivated, and says first who gets one', async () => {
    const tenant = await makeTenant('many')
    const [linked, off, open] = [
      await tenant.add('l@many.example'),
      await tenant.add('o@many.example'),
      await tenant.add('n@many.example'),
    ]
    await createAccount(db.database, {
      tenant_id: tenant.tenant_id,
      member_id: linked,
      email: 'l@many.example',
      password: PASSWORD,
    })
    await tenant.run(members.deactivate, { member_ids: [off] })
    const said = await tenant.run(invitations.send, { matching: {}, dry_run: true })
    expect(said).toMatchObject({ is_done: false, people: 1, again: 0, skipped_count: 2 })
    expect((said.skipped as unknown as { reason: string }[]).map((one) => one.reason).toSorted()).toEqual([
      'deactivated',
      'has_account',
    ])
    expect(await deliver()).toEqual([])
    await tenant.run(invitations.send, { matching: {} })
    expect((await deliver()).map((mail) => mail.to)).toEqual(['n@many.example'])
    expect(await tenant.run(members.list, { state: 'invited' })).toMatchObject({
      data: [{ id: open, account: 'none' }],
    })
  })
})

describe('signing up', () => {
  const school = async (domain: string) => {
    const tenant = await makeTenant(domain.replace('.', '-'))
    await tenant.run(domains.set, { domain, kind: 'student', location_id: tenant.location_id })
    return tenant
  }

  test('with an address in a domain makes a person once the address is confirmed', async () => {
    const tenant = await school('join.example')
    await signUp(db.database, ' New@Join.example ', from())
    expect(await tenant.run(members.count, {})).toEqual({ count: 0 })
    const [mail] = await deliver()
    expect(mail).toMatchObject({ to: 'new@join.example', subject: 'Join The join-example on Stipend' })
    await acceptInvitation(db.database, mail?.secret ?? '', { name: 'New One', password: PASSWORD }, from())
    expect(await tenant.run(members.list, {})).toMatchObject({
      data: [
        {
          name: 'New One',
          email: 'new@join.example',
          kind: 'student',
          role: 'member',
          account: 'linked',
          location_name: 'North',
        },
      ],
    })
  })

  test('with another address, or of one who is in already or was shut out, sends nothing and says nothing', async () => {
    const tenant = await school('closed.example')
    const [linked, off] = [await tenant.add('in@closed.example'), await tenant.add('off@closed.example')]
    await createAccount(db.database, {
      tenant_id: tenant.tenant_id,
      member_id: linked,
      email: 'in@closed.example',
      password: PASSWORD,
    })
    await tenant.run(members.deactivate, { member_ids: [off] })
    for (const email of ['x@elsewhere.example', 'x@sub.closed.example', 'in@closed.example', 'off@closed.example']) {
      await signUp(db.database, email, from())
    }
    expect(await deliver()).toEqual([])
    expect(await refusal(signUp(db.database, 'not an address', from()))).toContain('invalid_request')
  })

  test('of somebody who was added by hand links them', async () => {
    const tenant = await school('known.example')
    const id = await tenant.add('ada@known.example')
    await signUp(db.database, 'ada@known.example', from())
    const [mail] = await deliver()
    await acceptInvitation(db.database, mail?.secret ?? '', { name: 'Ada', password: PASSWORD }, from())
    expect(await tenant.run(members.list, {})).toMatchObject({ data: [{ id, kind: 'staff', account: 'linked' }] })
  })

  test('is over when the domain is taken away', async () => {
    const tenant = await school('gone.example')
    await signUp(db.database, 'a@gone.example', from())
    const [mail] = await deliver()
    await tenant.run(domains.remove, { domain: 'gone.example' })
    const accept = acceptInvitation(db.database, mail?.secret ?? '', { name: 'A', password: PASSWORD }, from())
    expect(await refusal(accept)).toContain('not_found')
    expect(await tenant.run(members.count, {})).toEqual({ count: 0 })
  })

  test('may be asked for four times an hour', async () => {
    await school('limit.example')
    for (let n = 0; n < 4; n++) await signUp(db.database, 'a@limit.example', from(later(n)))
    expect(await refusal(signUp(db.database, 'A@limit.example', from(later(5))))).toContain('rate_limited')
    await signUp(db.database, 'b@limit.example', from(later(5)))
    // Of four links only the newest works.
    const sent = (await deliver(later(6))).filter((mail) => mail.to === 'a@limit.example')
    const open = await Promise.all(sent.map((mail) => refusal(readInvitation(db.database, mail.secret, later(6)))))
    expect(open.filter((one) => one === 'nothing')).toHaveLength(1)
  })

  test('is not for domains that anybody can have an address in', async () => {
    const tenant = await makeTenant('public')
    expect(await refusal(tenant.run(domains.set, { domain: 'Gmail.com', kind: 'student' }))).toContain(
      'Anybody can have',
    )
  })
})

describe('a forgotten password', () => {
  test('is replaced with a link by mail, once and within an hour, and ends every session', async () => {
    const { mail } = await invite('lost@reset.example')
    const old = await acceptInvitation(db.database, mail.secret, { name: 'Ada', password: PASSWORD }, from())
    await requestPasswordReset(db.database, 'LOST@reset.example', from())
    const [sent] = await deliver()
    const secret = sent?.secret ?? ''
    expect(sent).toMatchObject({ to: 'lost@reset.example', subject: 'A new password for Stipend' })
    expect(sent?.text).toContain('https://console.example/password-reset?token=')
    expect(await readPasswordReset(db.database, secret, NOW)).toEqual({ email: 'lost@reset.example' })
    expect(await refusal(readPasswordReset(db.database, secret, later(60)))).toMatch(ENDED)
    expect(await refusal(resetPassword(db.database, secret, 'short', NOW))).toContain('invalid_request')
    const session = await resetPassword(db.database, secret, 'another long password', NOW)
    expect(await resolveSession(db.database, old.token, NOW)).toBeNull()
    expect((await resolveSession(db.database, session.token, NOW))?.user.email).toBe('lost@reset.example')
    const enter = (password: string) =>
      signIn(db.database, { email: 'lost@reset.example', password }, { ip: null, now: NOW })
    expect(await refusal(enter(PASSWORD))).toContain('invalid_credentials')
    await enter('another long password')
    expect(await refusal(resetPassword(db.database, secret, 'a third long password', NOW))).toMatch(ENDED)
  })

  test('of nobody sends nothing', async () => {
    await requestPasswordReset(db.database, 'nobody@reset.example', from())
    expect(await deliver()).toEqual([])
  })
})

describe('mails', () => {
  test('that the server does not take are tried again, later each time, and at last given up', async () => {
    const tenant = await makeTenant('flaky')
    await tenant.run(invitations.send, { member_ids: [await tenant.add('a@flaky.example')] })
    const attempt = (now: Date) =>
      sendDueMails(db.database, {
        console_url: 'https://console.example',
        transport: () => Promise.reject(new Error('450 try again')),
        now,
      })
    let minute = 0
    for (const wait of [1, 5, 30, 120, 480]) {
      expect((await attempt(later(minute))).failed).toHaveLength(1)
      expect((await attempt(later(minute + wait - 0.1))).failed).toEqual([])
      minute += wait
    }
    expect((await attempt(later(minute))).failed).toHaveLength(1)
    expect((await attempt(later(minute + DAY))).failed).toEqual([])
    const [row] = await db.admin`select attempts, failed_at, sent_at from mails where to_address = 'a@flaky.example'`
    expect(row).toMatchObject({ attempts: 6, failed_at: expect.anything(), sent_at: null })
  })

  test('of two senders at once are sent once', async () => {
    const tenant = await makeTenant('twice')
    const ids = await Promise.all([1, 2, 3, 4, 5].map((n) => tenant.add(`p${n}@twice.example`)))
    await tenant.run(invitations.send, { member_ids: ids })
    const sent: string[] = []
    const send = () =>
      sendDueMails(db.database, { console_url: 'x', transport: async (mail) => void sent.push(mail.to), now: NOW })
    await Promise.all([send(), send(), send()])
    expect(sent.toSorted()).toEqual(ids.map((_, n) => `p${n + 1}@twice.example`))
  })

  test('are kept to be read where there is no server, and forgotten after a month', async () => {
    const tenant = await makeTenant('kept')
    await tenant.run(invitations.send, { member_ids: [await tenant.add('a@kept.example')] })
    await sendDueMails(db.database, { console_url: 'https://console.example', transport: 'keep', now: NOW })
    const [mail] = await keptMails(db.database, later(1))
    expect(mail).toMatchObject({ to: 'a@kept.example', subject: 'The kept invites you to Stipend' })
    const secret = /token=([\w-]{43})/.exec(mail?.text ?? '')?.[1] ?? ''
    expect((await readInvitation(db.database, secret, NOW)).email).toBe('a@kept.example')
    await forgetOldMails(db.database, new Date(Date.now() + 31 * DAY * 60_000))
    expect(await keptMails(db.database, later(1))).toEqual([])
  })
})

test('a group of people is invited as a group', async () => {
  const tenant = await makeTenant('grouped')
  const group = await tenant.run(groups.create, { name: '7b', location_id: tenant.location_id })
  await tenant.add('in@grouped.example', { group_ids: [group.id] })
  await tenant.add('out@grouped.example')
  await tenant.run(invitations.send, { matching: { group_id: group.id } })
  expect((await deliver()).map((mail) => mail.to)).toEqual(['in@grouped.example'])
})

test('those who look after the money are told when it gets low, once, and nobody when there is enough again', async () => {
  const school = await makeTenant('almost-empty')
  const owner = await school.add('owner@almost-empty.example', { role: 'owner', location_id: null })
  await createAccount(db.database, {
    tenant_id: school.tenant_id,
    member_id: owner,
    email: 'owner@almost-empty.example',
    password: PASSWORD,
  })
  const watch = (at: Date) => withTenant(db.database, school.tenant_id, (tx) => warnOfBalance(tx, { now: at, newId }))
  await watch(NOW)
  expect(await deliver()).toEqual([])
  await school.run(balance.credit, { amount_usd: '0.50', cause: 'test' })
  await watch(NOW)
  await watch(later(1))
  const [mail, ...more] = await deliver(later(2))
  expect(more).toEqual([])
  expect(mail).toMatchObject({ to: 'owner@almost-empty.example', subject: 'The balance of The almost-empty is low' })
  expect(mail?.text).toContain('$0.50 is left')
  expect(mail?.text).toContain('https://console.example/t/almost-empty/billing')
  await school.run(balance.credit, { amount_usd: '50', cause: 'test' })
  await watch(later(3))
  expect(await deliver(later(4))).toEqual([])
})
