import { withTenant } from '@stipend/db'
import { locations } from '@stipend/db/schema'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import { eq, sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { type Actor, PERMISSIONS } from './actor.ts'
import { DomainError } from './errors.ts'
import { asDomainError, type ExecuteOptions, execute, forgetAnswers } from './execute.ts'
import * as core from './index.ts'
import { type AnyOperation, command, type Given, query } from './operation.ts'
import { createScene, refusalOf, type Scene } from './testing.ts'

let test: TestDatabase
let scene: Scene
let other: Scene
let owner: Actor & { kind: 'user' }
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  scene = await createScene(test.database)
  other = await createScene(test.database)
  owner = await scene.owner()
})
afterAll(() => test.drop())

type How = { actor?: Actor; key?: string | undefined; given?: Partial<Given>; request?: ExecuteOptions['request'] }
function run<O extends AnyOperation>(operation: O, input: unknown, how: How = {}) {
  const request = how.request ?? { request_id: core.newId('request'), ip: null }
  return execute(operation, { database: test.database, given: how.given ?? {} }, how.actor ?? owner, input, {
    request,
    idempotency_key: how.key,
  })
}

/** Makes a location, then does what the test says. */
const MakePlace = z.strictObject({
  name: z.string(),
  size: z.number().optional(),
  rooms: z.array(z.strictObject({ door: z.string() })).optional(),
})
let handled = 0
function placing(after: (call: { name: string }) => unknown = () => {}) {
  return command({
    name: 'places.create',
    permission: 'locations:write',
    summary: 'For these tests.',
    input: MakePlace,
    output: z.strictObject({ id: z.string(), word: z.string().nullable() }),
    secret_fields: ['word'],
    errors: [],
    handle: async ({ tx, input, newId }) => {
      handled += 1
      const id = newId('location')
      await tx.insert(locations).values({ id, name: input.name })
      const changed = await after({ name: input.name })
      const output = { id, word: `word of ${input.name}`, ...(changed as object | undefined) }
      return { output, audit: { target_id: id, before: null, after: { name: input.name } } }
    },
  })
}

async function placesCalled(name: string, of = scene): Promise<number> {
  return (
    await withTenant(test.database, of.tenant_id, (tx) => tx.select().from(locations).where(eq(locations.name, name)))
  ).length
}
const auditOf = (name: string) =>
  test.admin`select * from audit_entries where operation = 'places.create' and after ->> 'name' = ${name} order by created_at`

describe('permission', () => {
  it('comes before anything else', async () => {
    const before = handled
    const nobody: Actor = { kind: 'anonymous' }
    const member: Actor = { ...owner, role: 'member' }
    const auditor: Actor = { ...owner, role: 'auditor' }
    const confined: Actor = { ...owner, role: 'admin', location_ids: [scene.location.id] }
    const token: Actor = {
      kind: 'service_token',
      tenant_id: scene.tenant_id,
      token_id: 'tok_x',
      permissions: ['locations:read'],
    }
    expect((await refusalOf(run(placing(), { nonsense: 1 }, { actor: nobody }))).code).toBe('unauthenticated')
    for (const actor of [member, auditor, confined, token]) {
      expect((await refusalOf(run(placing(), { nonsense: 1 }, { actor }))).code).toBe('forbidden')
    }
    expect(handled).toBe(before)
  })

  it('is what a service token was given, and nothing more', async () => {
    for (const permission of PERMISSIONS) {
      const actor: Actor = {
        kind: 'service_token',
        tenant_id: scene.tenant_id,
        token_id: 'tok_x',
        permissions: [permission],
      }
      const needing = (wanted: (typeof PERMISSIONS)[number]) =>
        query({
          name: 'x.get',
          permission: wanted,
          summary: '',
          input: z.strictObject({}),
          output: z.strictObject({}),
          errors: [],
          handle: async () => ({}),
        })
      for (const wanted of PERMISSIONS) {
        const answer = run(needing(wanted), {}, { actor })
        if (wanted === permission) expect((await answer).output).toEqual({})
        else expect((await refusalOf(answer)).code).toBe('forbidden')
      }
    }
  })

  it('of the platform is the operator’s alone', async () => {
    const credit = (actor: Actor) => run(core.balance.credit, { amount_usd: '1', cause: 'x' }, { actor })
    expect((await refusalOf(credit(owner))).code).toBe('forbidden')
    const token: Actor = {
      kind: 'service_token',
      tenant_id: scene.tenant_id,
      token_id: 'tok_x',
      permissions: [...PERMISSIONS],
    }
    expect((await refusalOf(credit(token))).code).toBe('forbidden')
    expect((await credit(scene.operator)).output.amount_usd).toBe('1.00')
  })
})

describe('input', () => {
  it.each([
    ['a missing field', {}, ['name']],
    ['a wrong type', { name: 5 }, ['name']],
    ['a misspelt field', { name: 'a', naem: 'b' }, ['naem']],
    ['several', { name: 5, a: 1, b: 2 }, ['name', 'a', 'b']],
    ['one in a list', { name: 'a', rooms: [{ door: 'x' }, { door: 1 }] }, ['rooms.1.door']],
    ['a misspelt one in a list', { name: 'a', rooms: [{ door: 'x', dor: 1 }] }, ['rooms.0.dor']],
    ['a prototype', JSON.parse('{"name":"a","__proto__":{"admin":true}}'), ['__proto__']],
    ['a constructor', { name: 'a', constructor: { a: 1 } }, ['constructor']],
  ])('that has %s is refused, naming the field', async (_, input, paths) => {
    const before = handled
    const refused = await refusalOf(run(placing(), input))
    expect(refused.code).toBe('invalid_request')
    expect(refused.details.fields?.map((field) => field.path)).toEqual(paths)
    expect(refused.details.param).toBe(paths[0])
    expect(refused.message).toContain(`${paths[0]}: `)
    for (const field of refused.details.fields ?? []) expect(field.message).toMatch(/\w/)
    expect(handled).toBe(before)
  })

  it.each([[null], [undefined], ['name'], [5], [[]], [true]])('that isn’t an object is refused: %o', async (input) => {
    expect((await refusalOf(run(placing(), input))).code).toBe('invalid_request')
  })
})

describe('output', () => {
  it.each([
    ['with a field too many', { password_hash: 'hunter2' }],
    ['of another type', { id: 5 }],
    ['without a field', { word: undefined }],
  ])('%s is our fault, tells nothing and undoes everything', async (what, changed) => {
    const name = `output ${what}`
    const refused = await refusalOf(
      run(
        placing(() => changed),
        { name },
      ),
    )
    expect(refused.code).toBe('internal')
    expect(JSON.stringify(refused)).not.toMatch(/hunter2|password|word|declare/)
    expect(await placesCalled(name)).toBe(0)
    expect(await auditOf(name)).toHaveLength(0)
  })

  it('of a query is held to its word as well', async () => {
    const leaking = query({
      name: 'x.get',
      permission: 'tenant:read',
      summary: '',
      input: z.strictObject({}),
      output: z.strictObject({ id: z.string() }),
      errors: [],
      handle: async () => ({ id: 'a', secret: 'hunter2' }) as { id: string },
    })
    expect((await refusalOf(run(leaking, {}))).code).toBe('internal')
  })
})

describe('a query', () => {
  it('can change nothing', async () => {
    const writing = query({
      name: 'x.get',
      permission: 'tenant:read',
      summary: '',
      input: z.strictObject({}),
      output: z.strictObject({}),
      errors: [],
      handle: async ({ tx }) => {
        await tx.insert(locations).values({ id: 'loc_from_a_query', name: 'from a query' })
        return {}
      },
    })
    expect((await refusalOf(run(writing, {}))).code).toBe('internal')
    expect(await placesCalled('from a query')).toBe(0)
  })
})

describe('the audit log', () => {
  it('says who did what to what, from where, with before and after', async () => {
    const request = { request_id: core.newId('request'), ip: '192.0.2.7' }
    const { output } = await run(placing(), { name: 'audited' }, { request })
    expect(await auditOf('audited')).toMatchObject([
      {
        tenant_id: scene.tenant_id,
        actor_kind: 'user',
        actor_id: owner.member_id,
        operation: 'places.create',
        target_id: output.id,
        before: null,
        after: { name: 'audited' },
        ip: '192.0.2.7',
        request_id: request.request_id,
      },
    ])
  })

  it('is written with the change or not at all', async () => {
    const given = { newId: (kind: core.IdKind) => (kind === 'audit' ? 'aud_taken' : core.newId(kind)) }
    await run(placing(), { name: 'first' }, { given })
    await refusalOf(run(placing(), { name: 'second' }, { given }))
    expect(await placesCalled('first')).toBe(1)
    expect(await placesCalled('second')).toBe(0)
  })

  it('keeps before and after of a change, and of no change nothing', async () => {
    const key = await scene.key()
    await run(core.keys.disable, { id: key.id })
    await run(core.keys.disable, { id: key.id })
    const rows =
      await test.admin`select before, after from audit_entries where target_id = ${key.id} and operation = 'keys.disable'`
    expect(rows).toMatchObject([{ before: { status: 'active', disabled_at: null }, after: { status: 'disabled' } }])
  })

  it('and every other table never hold a secret', async () => {
    const key = await run(
      core.keys.create,
      { member_id: (await scene.member()).id, name: 'Secret', budget_usd: '1' },
      { key: 'secret-1' },
    )
    const token = await run(core.serviceTokens.create, { name: 'Secret', scopes: ['keys:read'] }, { key: 'secret-2' })
    expect(await whereIs(key.output.secret ?? '')).toEqual([])
    expect(await whereIs(token.output.secret ?? '')).toEqual([])
    expect(await whereIs('secret-1')).toEqual(['idempotency_keys'])
  })
})

/** The tables with a row that has this text in it. */
async function whereIs(text: string): Promise<string[]> {
  const tables = await test.admin`
    select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`
  const found: string[] = []
  for (const { relname } of tables) {
    const [row] = await test.admin.unsafe(
      `select count(*)::int as n from ${relname} t where t::text like '%' || $1 || '%'`,
      [text],
    )
    if (row?.n > 0) found.push(relname)
  }
  return found
}

describe('what goes wrong', () => {
  async function thrown(work: Promise<unknown>): Promise<DomainError> {
    try {
      await work
    } catch (error) {
      if (error instanceof DomainError) return error
      throw error
    }
    throw new Error('nothing went wrong')
  }
  const failing = (error: unknown) =>
    placing(() => {
      throw error
    })

  it('on purpose is told as it is', async () => {
    const error = new DomainError('conflict', 'It is full.', { param: 'name' })
    expect(await thrown(run(failing(error), { name: 'full' }))).toBe(error)
    expect(await placesCalled('full')).toBe(0)
  })

  it('otherwise is masked, with the truth kept for the log', async () => {
    for (const cause of [
      new Error('password is hunter2'),
      new TypeError('x'),
      'a text',
      null,
      undefined,
      { code: 'invalid_request' },
    ]) {
      const error = await thrown(run(failing(cause), { name: 'masked' }))
      expect(error.code).toBe('internal')
      expect(error.message).not.toContain('hunter2')
      expect(error.details).toEqual({})
      expect(error.cause).toBe(cause)
    }
  })

  it('in SQL says nothing of the SQL', async () => {
    const broken = command({
      ...placing(),
      handle: async ({ tx }) => {
        await tx.execute(sql`select * from nowhere where secret = ${'hunter2'}`)
        return { output: { id: '', word: null }, audit: [] }
      },
    })
    const error = await thrown(run(broken, { name: 'sql' }))
    expect(error.code).toBe('internal')
    expect(`${error.message}${JSON.stringify(error.details)}`).not.toMatch(/nowhere|hunter2|select/)
    expect(String((error.cause as Error).message)).toContain('nowhere')
  })

  it('because something is taken is a conflict', async () => {
    await run(placing(), { name: 'taken' })
    const error = await thrown(run(placing(), { name: 'taken' }))
    expect(error.code).toBe('conflict')
    expect(error.message).not.toMatch(/locations_name|insert|key value/)
  })

  it('because the database is away is "unavailable", for a moment', async () => {
    const { connect, close } = await import('@stipend/db')
    const nowhere = connect('postgres://stipend_app:x@127.0.0.1:1/none')
    const request = { request_id: core.newId('request'), ip: null }
    const error = await thrown(execute(placing(), { database: nowhere }, owner, { name: 'away' }, { request }))
    expect(error).toMatchObject({ code: 'unavailable', details: { retry_after_seconds: 2 } })
    expect(error.message).not.toMatch(/127\.0\.0\.1|ECONN/)
    await close(nowhere)
  })

  it('because its connection is cut in the middle as well, and nothing of it stays', async () => {
    const cut = placing(async ({ name }) => {
      await test.admin`
        select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'stipend test' and datname = current_database() and state = 'idle in transaction'`
      return { word: name }
    })
    const error = await thrown(run(cut, { name: 'cut' }))
    expect(error.code).toBe('unavailable')
    expect(await placesCalled('cut')).toBe(0)
    await run(placing(), { name: 'cut' })
    expect(await placesCalled('cut')).toBe(1)
  })

  it.each([
    ['23505', 'conflict'],
    ['22021', 'invalid_request'],
    ['22007', 'invalid_request'],
    ['22008', 'invalid_request'],
    ['57P01', 'unavailable'],
    ['57P02', 'unavailable'],
    ['57P03', 'unavailable'],
    ['53300', 'unavailable'],
    ['EPIPE', 'unavailable'],
    ['CONNECTION_DESTROYED', 'unavailable'],
    ['ECONNREFUSED', 'unavailable'],
    ['CONNECT_TIMEOUT', 'unavailable'],
    ['42501', 'internal'],
    ['42P01', 'internal'],
    [undefined, 'internal'],
  ])('as the database’s %s is %s', (code, expected) => {
    const driver = Object.assign(new Error('from the driver'), { code })
    expect(asDomainError(driver).code).toBe(expected)
    // As Drizzle wraps it.
    expect(asDomainError(new Error('Failed query: select secret', { cause: driver })).code).toBe(expected)
  })

  it('is not followed around in circles', () => {
    const error = new Error('a')
    error.cause = error
    expect(asDomainError(error).code).toBe('internal')
  })
})

describe('two acts that stand in each other’s way', () => {
  /** Locks two places, and waits between them until another has locked its first as well. */
  function locking(both: () => Promise<void>) {
    return command({
      name: 'places.lock',
      permission: 'locations:write',
      summary: 'For these tests.',
      input: z.strictObject({ ids: z.array(z.string()) }),
      output: z.strictObject({ tries: z.number() }),
      errors: [],
      handle: async ({ tx, input }) => {
        tries += 1
        for (const id of input.ids) {
          await tx
            .update(locations)
            .set({ name: `locked ${id} ${tries}` })
            .where(eq(locations.id, id))
          await both()
        }
        return { output: { tries }, audit: { target_id: 'both' } }
      },
    })
  }
  let tries = 0
  /** Resolves once so many have called it; from then on at once. */
  function meeting(count: number) {
    const met = Promise.withResolvers<void>()
    let here = 0
    return () => {
      here += 1
      if (here === count) met.resolve()
      return met.promise
    }
  }

  it('are both done: the one that was undone is done again, once', async () => {
    const one = await scene.run(core.locations.create, { name: 'first to lock' })
    const two = await scene.run(core.locations.create, { name: 'second to lock' })
    tries = 0
    const lock = locking(meeting(2))
    await Promise.all([run(lock, { ids: [one.id, two.id] }), run(lock, { ids: [two.id, one.id] })])
    // The database saw them wait for each other, and stopped one.
    expect(tries).toBe(3)
    const entries = await scene.run(core.audit.list, { target_id: 'both' })
    expect(entries.data).toHaveLength(2)
  })

  it('and don’t end are given up after a few tries', async () => {
    tries = 0
    const never = locking(async () => {
      throw Object.assign(new Error('could not serialize access'), { code: '40001' })
    })
    const { id } = await scene.run(core.locations.create, { name: 'never locked' })
    expect((await refusalOf(run(never, { ids: [id] }))).code).toBe('unavailable')
    expect(tries).toBe(4)
  })
})

describe('an idempotency key', () => {
  it('counts for a day, and then its answer is forgotten', async () => {
    const first = await run(placing(), { name: 'of yesterday' }, { key: 'k-old' })
    const made = async () => (await test.admin`select created_at from idempotency_keys where key = 'k-old'`)[0]
    const { created_at } = (await made()) ?? { created_at: '' }
    const after = (hours: number) => new Date(new Date(created_at).getTime() + hours * 3_600_000)
    await forgetAnswers(test.database, after(24))
    expect((await run(placing(), { name: 'of yesterday' }, { key: 'k-old' })).output.id).toBe(first.output.id)
    await forgetAnswers(test.database, after(25.1))
    expect(await made()).toBeUndefined()
    // Of another tenant as well.
    const theirs = await other.owner()
    await run(placing(), { name: 'of yesterday' }, { key: 'k-old', actor: theirs })
    await forgetAnswers(test.database, after(50))
    expect(await made()).toBeUndefined()
  })

  it('repeats the answer without its secret, and nothing else happens', async () => {
    const first = await run(placing(), { name: 'once' }, { key: 'k-once' })
    expect(first).toMatchObject({ replayed: false, output: { word: 'word of once' } })
    const before = handled
    for (let i = 0; i < 3; i++) {
      const again = await run(placing(), { name: 'once' }, { key: 'k-once' })
      expect(again).toEqual({ replayed: true, output: { id: first.output.id, word: null } })
    }
    expect(handled).toBe(before)
    expect(await placesCalled('once')).toBe(1)
    expect(await auditOf('once')).toHaveLength(1)
  })

  it('doesn’t mind the order of fields', async () => {
    await run(placing(), { name: 'order', rooms: [{ door: 'x' }], size: 1 }, { key: 'k-order' })
    expect(
      (await run(placing(), { size: 1, rooms: [{ door: 'x' }], name: 'order' }, { key: 'k-order' })).replayed,
    ).toBe(true)
  })

  it('is for one request: another input or operation is refused, and changes nothing', async () => {
    await run(placing(), { name: 'mine' }, { key: 'k-mine' })
    for (const input of [{ name: 'yours' }, { name: 'mine', size: 1 }, { name: 'mine', rooms: [] }]) {
      expect((await refusalOf(run(placing(), input, { key: 'k-mine' }))).code).toBe('idempotency_key_reused')
    }
    const renamed = { ...placing(), name: 'places.rename' }
    expect((await refusalOf(run(renamed, { name: 'mine' }, { key: 'k-mine' }))).code).toBe('idempotency_key_reused')
    expect(await placesCalled('yours')).toBe(0)
  })

  it('makes one of several at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => run(placing(), { name: 'at once' }, { key: 'k-race' })),
    )
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1)
    expect(new Set(answers.map((answer) => answer.output.id)).size).toBe(1)
    expect(answers.filter((answer) => answer.output.word !== null)).toHaveLength(1)
    expect(await placesCalled('at once')).toBe(1)
  })

  it('lets one of several different ones at once through', async () => {
    const answers = await Promise.allSettled(
      Array.from({ length: 6 }, (_, n) => run(placing(), { name: `rival ${n}` }, { key: 'k-rivals' })),
    )
    expect(answers.filter((answer) => answer.status === 'fulfilled')).toHaveLength(1)
    for (const answer of answers) {
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'idempotency_key_reused' })
    }
  })

  it('is each caller’s own', async () => {
    const token: Actor = {
      kind: 'service_token',
      tenant_id: scene.tenant_id,
      token_id: 'tok_y',
      permissions: ['locations:write'],
    }
    const elsewhere = await other.owner()
    const callers = [owner, token, scene.operator, elsewhere]
    const answers = []
    for (const [n, actor] of callers.entries())
      answers.push(await run(placing(), { name: `own ${n}` }, { key: 'k-own', actor }))
    expect(answers.map((answer) => answer.replayed)).toEqual([false, false, false, false])
    expect(new Set(answers.map((answer) => answer.output.id)).size).toBe(4)
    for (const [n, actor] of callers.entries()) {
      const again = await run(placing(), { name: `own ${n}` }, { key: 'k-own', actor })
      expect(again).toEqual({ replayed: true, output: { id: answers[n]?.output.id, word: null } })
    }
  })

  it('is not used up by a request that failed', async () => {
    const broken = placing(() => {
      throw new DomainError('conflict', 'Not now.')
    })
    expect((await refusalOf(run(broken, { name: 'retried' }, { key: 'k-failed' }))).code).toBe('conflict')
    expect((await refusalOf(run(broken, { name: 5 }, { key: 'k-failed' }))).code).toBe('invalid_request')
    expect(await run(placing(), { name: 'retried, changed' }, { key: 'k-failed' })).toMatchObject({ replayed: false })
    expect(await placesCalled('retried')).toBe(0)
  })

  it('lets a request through that waited for one that failed', async () => {
    let fail: (error: Error) => void = () => {}
    const started = new Promise<void>((resolve) => {
      const slow = placing(() => {
        resolve()
        return new Promise((_, reject) => {
          fail = reject
        })
      })
      void run(slow, { name: 'waiting' }, { key: 'k-wait' }).catch(() => {})
    })
    await started
    const second = run(placing(), { name: 'waiting' }, { key: 'k-wait' })
    await untilSomebodyWaits()
    fail(new Error('after all'))
    expect(await second).toMatchObject({ replayed: false })
    expect(await placesCalled('waiting')).toBe(1)
  })

  async function untilSomebodyWaits(): Promise<void> {
    for (;;) {
      const [row] = await test.admin`select count(*)::int as n from pg_locks where not granted`
      if (row?.n > 0) return
    }
  }

  it('is still asked for permission', async () => {
    await run(placing(), { name: 'allowed' }, { key: 'k-allowed' })
    const demoted: Actor = { ...owner, role: 'auditor' }
    expect((await refusalOf(run(placing(), { name: 'allowed' }, { key: 'k-allowed', actor: demoted }))).code).toBe(
      'forbidden',
    )
  })

  it('of a created key gives the key again, and not its secret', async () => {
    const input = { member_id: (await scene.member()).id, name: 'Replayed', budget_usd: '5' }
    const first = await run(core.keys.create, input, { key: 'k-key' })
    const again = await run(core.keys.create, input, { key: 'k-key' })
    expect(first.output.secret).toMatch(/^sk-stp-/)
    expect(again).toEqual({ replayed: true, output: { ...first.output, secret: null } })
    const { data } = (await run(core.keys.list, { member_id: input.member_id })).output
    expect(data).toHaveLength(1)
  })
})

it('time and chance are given', async () => {
  const now = new Date('2026-11-21T09:30:00.000Z')
  const given = {
    now,
    newId: (kind: core.IdKind) =>
      `${core.ID_PREFIXES[kind]}_given${kind === 'key' ? '' : core.newId(kind)}`.toLowerCase().slice(0, 40),
  }
  const member_id = (await scene.member()).id
  const { output } = await run(
    core.keys.create,
    { member_id, name: 'Given', budget_usd: '1' },
    { given: { ...given, randomBytes: (size) => Buffer.alloc(size) } },
  )
  expect(output).toMatchObject({
    id: 'key_given',
    created_at: now.toISOString(),
    secret: expect.stringMatching(/^sk-stp-0{28}/),
  })
})
