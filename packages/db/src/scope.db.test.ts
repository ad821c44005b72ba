import { randomBytes } from 'node:crypto'
import { eq, sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { close, connect, type Database, inner } from './connect.ts'
import { allTenants, findServiceToken, membershipsOfUser } from './lookups.ts'
import {
  audit_entries,
  locations,
  members,
  models,
  prices,
  provider_shares,
  providers,
  service_tokens,
  sessions,
  tenants,
  users,
} from './schema/index.ts'
import { type IdentityTx, type PlatformTx, type TenantTx, withIdentity, withPlatform, withTenant } from './scope.ts'
import { createTestDatabase, type TestDatabase } from './testing.ts'

let test: TestDatabase
let database: Database
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
  database = test.database
  await makeTenant(A)
  await makeTenant(B)
})
afterAll(() => test.drop())

const A = 'ten_a'
const B = 'ten_b'

async function makeTenant(id: string): Promise<void> {
  await withTenant(database, id, async (tx) => {
    await tx
      .insert(tenants)
      .values({ id, slug: id.replace('_', '-'), kind: 'school', name: id, time_zone: 'UTC', accent_color: 'blue' })
    await tx.insert(locations).values({ id: `loc_of_${id}`, name: 'Main' })
  })
}

/** SQLSTATE of what a transaction fails with; "nothing" if it doesn't. */
async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'nothing'
  } catch (error) {
    const cause = (error as Error).cause ?? error
    return `${(cause as { code?: string }).code} ${(cause as Error).message}`
  }
}

const NO_TENANT = '42501 no tenant in scope'
const REFUSED = /^42501 new row violates row-level security policy/

describe('every table of tenants', () => {
  type Column = { name: string; type: string }
  let tables: Map<string, Column[]>

  beforeAll(async () => {
    const rows = await test.admin<{ table: string; column: string; type: string }[]>`
      select p.tablename as table, a.attname as column, format_type(a.atttypid, null) as type
        from pg_policies p join pg_attribute a on a.attrelid = p.tablename::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
       where p.policyname = 'tenant' and p.tablename <> 'tenants' order by p.tablename, a.attnum`
    tables = new Map()
    for (const row of rows)
      tables.set(row.table, [...(tables.get(row.table) ?? []), { name: row.column, type: row.type }])
    // A row for each tenant in every table, past foreign keys: what they hold doesn't matter here.
    for (const [table, columns] of tables) {
      for (const tenant of [A, B]) {
        await test.admin.begin(async (tx) => {
          await tx`set local session_replication_role = replica`
          await tx.unsafe(insertInto(table, columns, tenant, `of-${tenant}`))
        })
      }
    }
  })

  function insertInto(table: string, columns: readonly Column[], tenant: string, mark: string): string {
    const value = ({ name, type }: Column): string => {
      if (name === 'tenant_id') return `'${tenant}'`
      // Never zero in a ledger, never more spent than there is, never a limit of none.
      const least = ['amount_nanos', 'threshold_nanos', 'monthly_max_nanos', 'requests', 'requests_per_minute']
      if (least.includes(name)) return '1'
      if (name === 'cooldown_minutes') return '60'
      if (name === 'time_from' || name === 'time_until') return name === 'time_from' ? `'08:00'` : `'17:00'`
      if (type === 'bigint' || type === 'integer') return '0'
      if (type === 'boolean') return 'true'
      if (type === 'bytea') return `'\\x${randomBytes(32).toString('hex')}'`
      if (type === 'jsonb') return `'{}'`
      if (type === 'text[]') return `'{one}'`
      if (type.startsWith('timestamp')) return name === 'valid_until' ? `'2999-01-01'` : `'2026-11-21'`
      return `'${name}-${mark}'`
    }
    return `insert into ${table} (${columns.map((one) => one.name).join(', ')}) values (${columns.map(value).join(', ')})`
  }

  /** Runs one query for each table, and gives what it answered for those where that isn't as expected. */
  async function unexpected(ask: (table: string) => Promise<unknown>, expected: unknown): Promise<unknown[]> {
    const answers = await Promise.all([...tables.keys()].map(async (table) => ({ table, answer: await ask(table) })))
    return answers.filter(({ answer }) => JSON.stringify(answer) !== JSON.stringify(expected))
  }
  const ask = (tx: TenantTx | PlatformTx | IdentityTx, text: string) => tx.execute(sql.raw(text))

  it('is among those tested', () => {
    expect([...tables.keys()]).toEqual(expect.arrayContaining(['keys', 'members', 'usage_events', 'idempotency_keys']))
    expect(tables.size).toBeGreaterThan(14)
  })

  it('raises without a tenant, instead of looking empty', async () => {
    const raw = (table: string) => failure(inner(database).client.unsafe(`select 1 from ${table}`).execute())
    expect(await unexpected(raw, NO_TENANT)).toEqual([])
  })

  it('raises for those who sign people in, and for the platform', async () => {
    const identity = (table: string) => failure(withIdentity(database, (tx) => ask(tx, `select 1 from ${table}`)))
    expect(await unexpected(identity, NO_TENANT)).toEqual([])
    const platform = (table: string) => failure(withPlatform(database, (tx) => ask(tx, `select 1 from ${table}`)))
    expect(await unexpected(platform, NO_TENANT)).toEqual([])
  })

  it('shows a tenant its own rows only, even where it asks for another’s', async () => {
    const seen = (table: string) =>
      withTenant(database, A, async (tx) => [
        (await ask(tx, `select distinct tenant_id from ${table}`)).map((row) => row.tenant_id),
        (await ask(tx, `select count(*)::int as n from ${table} where tenant_id = '${B}'`))[0]?.n,
      ])
    expect(await unexpected(seen, [[A], 0])).toEqual([])
  })

  it('refuses a row for another tenant', async () => {
    for (const [table, columns] of tables) {
      const text = insertInto(table, columns, B, 'by-a')
      expect(await failure(withTenant(database, A, (tx) => ask(tx, text))), table).toMatch(REFUSED)
    }
  })

  it('leaves another tenant’s rows alone, and moves none to it', async () => {
    for (const table of tables.keys()) {
      const mayUpdate = await has(table, 'update')
      const others = `update ${table} set tenant_id = tenant_id where tenant_id = '${B}'`
      const mine = `update ${table} set tenant_id = '${B}'`
      if (mayUpdate) {
        expect(await withTenant(database, A, async (tx) => (await ask(tx, others)).count), table).toBe(0)
        expect(await failure(withTenant(database, A, (tx) => ask(tx, mine))), table).toMatch(REFUSED)
      }
      const mayDelete = await has(table, 'delete')
      const deleted = async () =>
        withTenant(database, A, async (tx) => (await ask(tx, `delete from ${table} where tenant_id = '${B}'`)).count)
      if (mayDelete) expect(await deleted(), table).toBe(0)
      else expect(await failure(deleted()), table).toBe(`42501 permission denied for table ${table}`)
      const [left] = await test.admin.unsafe(`select count(*)::int as n from ${table} where tenant_id = '${B}'`)
      expect(left?.n, table).toBeGreaterThan(0)
    }
  })

  const has = async (table: string, privilege: string): Promise<boolean> =>
    (await test.admin`select has_table_privilege('stipend_app', ${table}, ${privilege}) as may`)[0]?.may
})

describe('tenants', () => {
  it('see themselves only', async () => {
    expect(await withTenant(database, A, (tx) => tx.select({ id: tenants.id }).from(tenants))).toEqual([{ id: A }])
    const renamed = await withTenant(database, A, (tx) =>
      tx.update(tenants).set({ name: 'x' }).where(eq(tenants.id, B)).returning(),
    )
    expect(renamed).toEqual([])
    const other = { id: 'ten_c', slug: 'c', kind: 'school', name: 'C', time_zone: 'UTC', accent_color: 'blue' } as const
    expect(await failure(withTenant(database, A, (tx) => tx.insert(tenants).values(other)))).toMatch(REFUSED)
  })

  it('can’t point at what another has', async () => {
    const member = { id: 'mem_1', kind: 'student', role: 'member', name: 'A', email: 'a@a.example' } as const
    const pointing = withTenant(database, A, (tx) =>
      tx.insert(members).values({ ...member, location_id: `loc_of_${B}` }),
    )
    expect(await failure(pointing)).toMatch(/^23503 .*violates foreign key constraint/)
  })
})

describe('a tenant’s id', () => {
  it('is data, whatever it says', async () => {
    for (const id of [
      "x'; drop table keys; --",
      "' or '1'='1",
      `${A}' --`,
      'x", true), set_config("app.scope',
      '%',
      '$1',
    ]) {
      const seen = await withTenant(database, id, async (tx) => ({
        setting: (
          await tx.execute(sql`select current_setting('app.tenant_id') as id, current_setting('app.scope') as scope`)
        )[0],
        rows: await tx.select().from(locations),
      }))
      expect(seen).toEqual({ setting: { id, scope: 'tenant' }, rows: [] })
    }
    expect(await withTenant(database, A, (tx) => tx.select({ id: locations.id }).from(locations))).toHaveLength(2)
  })

  it('is needed', () => {
    expect(() => withTenant(database, '', async () => {})).toThrow('a tenant is needed')
  })
})

describe('a transaction', () => {
  it('leaves nothing behind on the connection it used', async () => {
    const single = connect(test.url, { max: 1 })
    const { client } = inner(single)
    const isClean = async () => {
      expect(await failure(client`select 1 from locations`.execute())).toBe(NO_TENANT)
      expect(await client`select count(*)::int as n from users`).toMatchObject([{ n: 0 }])
      const [left] =
        await client`select current_setting('app.tenant_id', true) as tenant, current_setting('app.scope', true) as scope`
      expect([left?.tenant || '', left?.scope || '']).toEqual(['', ''])
    }
    await isClean()
    await withTenant(single, A, (tx) => tx.select().from(locations))
    await isClean()
    await expect(
      withTenant(single, A, async (tx) => {
        await tx.select().from(locations)
        throw new Error('thrown')
      }),
    ).rejects.toThrow('thrown')
    await isClean()
    expect(await failure(withTenant(single, A, (tx) => tx.execute(sql`select 1 / 0`)))).toMatch(/^22012/)
    await isClean()
    await withIdentity(single, (tx) => tx.select().from(users))
    await isClean()
    await withPlatform(single, (tx) => tx.select().from(providers))
    await isClean()
    await close(single)
  })

  it('is undone whole when the work throws', async () => {
    const work = withTenant(database, A, async (tx) => {
      await tx.insert(locations).values({ id: 'loc_gone', name: 'Gone' })
      throw new Error('thrown')
    })
    await expect(work).rejects.toThrow('thrown')
    expect(
      await withTenant(database, A, (tx) => tx.select().from(locations).where(eq(locations.id, 'loc_gone'))),
    ).toEqual([])
  })

  it('can be told to change nothing', async () => {
    const writing = withTenant(database, A, (tx) => tx.insert(locations).values({ id: 'loc_never', name: 'Never' }), {
      accessMode: 'read only',
    })
    expect(await failure(writing)).toMatch(/^25006/)
  })

  it('keeps to its tenant with two hundred of two tenants on eight connections', async () => {
    const busy = connect(test.url, { max: 8 })
    const one = async (n: number) => {
      const tenant = n % 2 === 0 ? A : B
      const isUndone = n % 5 === 0
      const work = withTenant(busy, tenant, async (tx) => {
        await tx.insert(locations).values({ id: `loc_busy_${n}`, name: `Busy ${n}` })
        const before = await tx.selectDistinct({ tenant_id: locations.tenant_id }).from(locations)
        await tx.execute(sql`select pg_sleep(random() * 0.005)`)
        const after = await tx.selectDistinct({ tenant_id: locations.tenant_id }).from(locations)
        expect([before, after]).toEqual([[{ tenant_id: tenant }], [{ tenant_id: tenant }]])
        if (isUndone) throw new Error('undone')
      })
      if (isUndone) await expect(work).rejects.toThrow('undone')
      else await work
    }
    await Promise.all(Array.from({ length: 200 }, (_, n) => one(n)))
    await close(busy)
    const rows = await test.admin`
      select tenant_id, count(*)::int as n, count(*) filter (where (substr(id, 10)::int % 2 = 0) <> (tenant_id = ${A}))::int as wrong
        from locations where id like 'loc_busy_%' group by 1 order by 1`
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { tenant_id: A, n: 80, wrong: 0 },
      { tenant_id: B, n: 80, wrong: 0 },
    ])
  })
})

describe('accounts of people', () => {
  const user = { id: 'usr_1', email: 'a@a.example', password_hash: 'x' }
  const session = { id: 'session', userId: 'usr_1', expiresAt: new Date('2999-01-01') }

  it('are seen and made only where people sign in', async () => {
    await withIdentity(database, async (tx) => {
      await tx.insert(users).values(user)
      await tx.insert(sessions).values(session)
    })
    expect(await withIdentity(database, (tx) => tx.select({ id: users.id }).from(users))).toEqual([{ id: 'usr_1' }])
    for (const scoped of [
      (work: (tx: TenantTx | PlatformTx) => Promise<unknown>) => withTenant(database, A, work),
      (work: (tx: TenantTx | PlatformTx) => Promise<unknown>) => withPlatform(database, work),
    ]) {
      expect(await scoped((tx) => tx.select().from(users))).toEqual([])
      expect(await scoped((tx) => tx.select().from(sessions))).toEqual([])
      expect(await scoped((tx) => tx.update(users).set({ password_hash: 'y' }).returning())).toEqual([])
      expect(await scoped((tx) => tx.delete(sessions).returning())).toEqual([])
      expect(
        await failure(scoped((tx) => tx.insert(users).values({ ...user, id: 'usr_2', email: 'b@a.example' }))),
      ).toMatch(REFUSED)
      expect(await failure(scoped((tx) => tx.insert(sessions).values({ ...session, id: 'other' })))).toMatch(REFUSED)
    }
  })
})

describe('what the platform shares', () => {
  const provider = { id: 'prv_p', name: 'p', kind: 'openai_compatible', base_url: 'https://p.example/v1' } as const
  const model = {
    id: 'mod_p',
    provider_id: 'prv_p',
    name: 'm',
    upstream_name: 'm',
    context_tokens_max: 10,
    output_tokens_max: 10,
  }
  const price = {
    id: 'prc_p',
    model_id: 'mod_p',
    valid_from: '2026-01-01T00:00:00.000Z',
    input_picos: 1n,
    output_picos: 1n,
    source: 's',
  }

  beforeAll(() =>
    withPlatform(database, async (tx) => {
      await tx.insert(providers).values(provider)
      await tx.insert(models).values(model)
      await tx.insert(prices).values(price)
    }),
  )

  it('is read by tenants and not written', async () => {
    expect(await withTenant(database, A, (tx) => tx.select({ id: prices.id }).from(prices))).toEqual([{ id: 'prc_p' }])
    const writes: ((tx: TenantTx) => Promise<unknown>)[] = [
      (tx) => tx.insert(providers).values({ ...provider, tenant_id: null, id: 'prv_2', name: 'q' }),
      (tx) => tx.insert(models).values({ ...model, tenant_id: null, id: 'mod_2', name: 'n' }),
      (tx) => tx.insert(prices).values({ ...price, tenant_id: null, id: 'prc_2', output_picos: 0n }),
    ]
    for (const write of writes) expect(await failure(withTenant(database, A, write))).toMatch(REFUSED)
    // A model under the platform's provider, a price of the platform's model: they would be served to everybody.
    const slipped: ((tx: TenantTx) => Promise<unknown>)[] = [
      (tx) => tx.insert(models).values({ ...model, id: 'mod_2', name: 'n' }),
      (tx) => tx.insert(prices).values({ ...price, id: 'prc_2', output_picos: 0n }),
    ]
    for (const write of slipped) {
      expect(await failure(withTenant(database, A, write))).toMatch(/^23503 a row of \w+ belongs to somebody else/)
    }
    const changed = await withTenant(database, A, (tx) =>
      tx.update(providers).set({ base_url: 'https://a.example' }).returning(),
    )
    expect(changed).toEqual([])
    const taken = await withTenant(database, A, (tx) => tx.update(models).set({ tenant_id: A }).returning())
    expect(taken).toEqual([])
  })

  it('is not what a tenant has of its own', async () => {
    const own = { ...provider, id: 'prv_a', tenant_id: A, credential: randomBytes(8) }
    await withTenant(database, A, (tx) => tx.insert(providers).values(own))
    const ids = async (rows: Promise<{ id: string }[]>) => (await rows).map((row) => row.id).sort()
    expect(await ids(withTenant(database, A, (tx) => tx.select({ id: providers.id }).from(providers)))).toEqual([
      'prv_a',
      'prv_p',
    ])
    expect(await ids(withTenant(database, B, (tx) => tx.select({ id: providers.id }).from(providers)))).toEqual([
      'prv_p',
    ])
    expect(await ids(withPlatform(database, (tx) => tx.select({ id: providers.id }).from(providers)))).toEqual([
      'prv_p',
    ])
    expect(await withTenant(database, B, (tx) => tx.update(providers).set({ name: 'z' }).returning())).toEqual([])
    const given = withTenant(database, A, (tx) =>
      tx.update(providers).set({ tenant_id: null }).where(eq(providers.id, 'prv_a')),
    )
    expect(await failure(given)).toMatch(REFUSED)
    const byPlatform = withPlatform(database, (tx) =>
      tx.insert(providers).values({ ...own, id: 'prv_b', tenant_id: B }),
    )
    expect(await failure(byPlatform)).toMatch(REFUSED)
  })

  it('refers to no provider that it can’t see', async () => {
    const share = (provider_id: string) =>
      withTenant(database, B, (tx) => tx.insert(provider_shares).values({ provider_id, group_ids: [] }))
    const seen = await failure(share('prv_a'))
    expect(seen).toMatch(/^23503 there is no such provider/)
    expect(await failure(share('prv_none'))).toMatch(/^23503/)
    await share('prv_p')
  })

  it('but not what it did: its audit entries are for itself', async () => {
    const entry = {
      id: 'aud_p',
      actor_kind: 'operator',
      actor_id: 'o',
      operation: 'x.y',
      target_id: 't',
      request_id: 'r',
    }
    await withPlatform(database, (tx) => tx.insert(audit_entries).values(entry))
    await withTenant(database, A, (tx) => tx.insert(audit_entries).values({ ...entry, id: 'aud_a' }))
    const ids = async (rows: Promise<{ id: string; tenant_id: string | null }[]>) => await rows
    const columns = { id: audit_entries.id, tenant_id: audit_entries.tenant_id }
    expect(await ids(withPlatform(database, (tx) => tx.select(columns).from(audit_entries)))).toEqual([
      { id: 'aud_p', tenant_id: null },
    ])
    expect(await ids(withTenant(database, A, (tx) => tx.select(columns).from(audit_entries)))).toEqual([
      { id: 'aud_a', tenant_id: A },
    ])
    expect(await ids(withTenant(database, B, (tx) => tx.select(columns).from(audit_entries)))).toEqual([])
    const forged = withTenant(database, A, (tx) =>
      tx.insert(audit_entries).values({ ...entry, id: 'aud_x', tenant_id: null }),
    )
    expect(await failure(forged)).toMatch(REFUSED)
    expect(await failure(withTenant(database, A, (tx) => tx.update(audit_entries).set({ actor_id: 'z' })))).toMatch(
      /^42501/,
    )
  })
})

describe('what looks across tenants', () => {
  it('finds a token, a person’s tenants, and all of them', async () => {
    const secret_hash = randomBytes(32)
    const token = { id: 'tok_1', secret_hash, last_four: 'abcd', name: 'T', scopes: ['keys:read'], created_by: 'x' }
    await withTenant(database, B, (tx) => tx.insert(service_tokens).values(token))
    expect(await findServiceToken(database, secret_hash)).toEqual({ tenant_id: B, id: 'tok_1', scopes: ['keys:read'] })
    expect(await findServiceToken(database, randomBytes(32))).toBeNull()
    await withTenant(database, B, (tx) => tx.update(service_tokens).set({ revoked_at: '2026-11-21T00:00:00.000Z' }))
    expect(await findServiceToken(database, secret_hash)).toBeNull()

    await withIdentity(database, (tx) =>
      tx.insert(users).values({ id: 'usr_9', email: 'both@a.example', password_hash: 'x' }),
    )
    const member = { kind: 'staff', role: 'admin', name: 'Both', email: 'both@a.example', user_id: 'usr_9' } as const
    await withTenant(database, A, (tx) => tx.insert(members).values({ ...member, id: 'mem_in_a' }))
    await withTenant(database, B, (tx) =>
      tx.insert(members).values({ ...member, id: 'mem_in_b', deactivated_at: '2026-11-21T00:00:00.000Z' }),
    )
    expect(
      (await membershipsOfUser(database, 'usr_9')).map((one) => [
        one.tenant_id,
        one.member_id,
        one.location_ids,
        one.group_ids,
      ]),
    ).toEqual([[A, 'mem_in_a', null, null]])
    expect((await allTenants(database)).map((one) => one.id)).toEqual([A, B])
  })
})
