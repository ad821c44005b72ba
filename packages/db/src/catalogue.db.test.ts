import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from './testing.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
})
afterAll(() => test.drop())

/** A tenant has no tenant but itself; rows of the others belong to a tenant or, with null, to the platform; or to nobody. */
const ITSELF = ['tenants']
const SHARED = ['providers', 'models', 'prices', 'provider_health']
const AUDIT = ['audit_entries']
const MAIL = ['mails']
const IDENTITY = ['users', 'sessions', 'password_resets']
/** Processes of ours and nothing of anybody's: no rows to keep apart. */
const GLOBAL = ['gateways']
/** What the platform keeps for itself. */
const PLATFORM = ['stripe_events']

/** Tables that a look-up across tenants reads. Where columns are named, only those. */
const LOOKED_UP: Record<string, string[] | 'all'> = {
  tenants: 'all',
  members: 'all',
  member_scopes: 'all',
  group_leads: 'all',
  sign_up_domains: ['domain', 'tenant_id'],
  invitations: ['id', 'secret_hash', 'tenant_id'],
  mails: ['created_at', 'failed_at', 'id', 'next_attempt_at', 'sent_at', 'tenant_id'],
  leases: 'all',
  billing_accounts: ['automatic_state', 'stripe_customer', 'tenant_id'],
  payments: ['id', 'status', 'tenant_id'],
  keys: ['id', 'provider_id', 'revoked_at', 'secret_hash', 'tenant_id'],
  usage_events: ['cost_nanos', 'draws_on_balance', 'provider_id', 'started_at', 'status'],
  service_tokens: ['id', 'revoked_at', 'scopes', 'secret_hash', 'tenant_id'],
}
const LOOKUPS = [
  'all_tenants',
  'automatic_top_ups',
  'due_mails',
  'find_invitation',
  'find_key',
  'find_service_token',
  'find_stripe_customer',
  'keys_linked_to',
  'leases_of_gateway',
  'mails_before',
  'memberships_of_user',
  'platform_usage',
  'tenants_of_domain',
  'unsettled_payments',
]

const APPEND_ONLY = ['usage_events', 'ledger_transactions', 'ledger_entries', 'audit_entries', 'prices']
/** Rows that are not history. */
const DELETABLE = [
  'chats',
  'kept_responses',
  'sessions',
  'leases',
  'lease_periods',
  'provider_shares',
  'group_members',
  'group_leads',
  'member_scopes',
  'groups',
  'locations',
  'sign_up_domains',
  'mails',
  'imports',
  'idempotency_keys',
  'rules',
  'rule_counts',
]

/** What the rules below find and is meant, and why. One that nothing needs any more fails as well. */
const MEANT: Record<string, string> = {
  'keys: index keys_secret_hash': 'a key is found by its hash before its tenant is known; nobody can choose a hash',
  'service_tokens: index service_tokens_secret_hash': 'as a key',
  'billing_accounts: index billing_accounts_customer': 'Stripe names a customer, and its tenant is found by it',
  'invitations: index invitations_secret_hash': 'as a key',
  'mails: index mails_pkey': 'a mail about an account has no tenant, so null would have to be part of a key',
  'members: constraint members_user_id_users_id_fk': 'one account may belong to several tenants',
  'tenants: index tenants_pkey': 'it is the tenant',
  'tenants: index tenants_slug': 'it is in the address of the console',
  'providers: index providers_pkey':
    'a tenant and the platform share one table, so null would have to be part of a key',
  'models: index models_pkey': 'as a provider',
  'prices: index prices_pkey': 'as a provider',
  'audit_entries: index audit_entries_pkey': 'as a provider',
  'providers: index providers_name': 'begins with the tenant, with null made comparable',
  'models: index models_name': 'begins with the provider, which has one owner',
  'models: constraint models_provider_id_providers_id_fk': 'the trigger same_owner',
  'prices: constraint prices_model_id_models_id_fk': 'the trigger same_owner',
  'provider_health: index provider_health_provider_id_gateway_id_pk': 'begins with the provider, which has one owner',
  'provider_health: constraint provider_health_provider_id_providers_id_fk': 'the trigger same_owner',
  'provider_shares: constraint provider_shares_provider_id_providers_id_fk': 'the trigger seen_provider',
  'keys: constraint keys_provider_id_providers_id_fk': 'the trigger seen_provider',
}

/** Where a reference that a policy can’t check is checked by a trigger: 21 after insert or update, for each row. */
const CHECKED: Record<string, string> = {
  keys: 'seen_provider 21O',
  models: 'same_owner 21O',
  prices: 'same_owner 21O',
  provider_health: 'same_owner 21O',
  provider_shares: 'seen_provider 21O',
}

/** Where a column that others go by never changes: 19 before update, for each row. */
const FIXED: Record<string, string> = { keys: 'same_person 19O' }

/** Tables whose changes gateways hear of, by the type of the trigger: 5 after insert, 13 insert or delete, 17 update, 21 insert or update, 29 any. */
const TOLD: Record<string, string> = {
  accounts: '17O',
  group_members: '13O',
  keys: '17O',
  members: '17O',
  models: '21O',
  prices: '5O',
  provider_shares: '29O',
  providers: '21O',
  rules: '29O',
  tenants: '17O',
}

const HERE = '(tenant_id = ( SELECT app.current_tenant() AS current_tenant))'
const SHARED_READ = '((tenant_id IS NULL) OR (tenant_id = app.tenant_or_null()))'
const SHARED_WRITE = 'CASE WHEN (tenant_id IS NULL) THEN app.is_platform() ELSE (tenant_id = app.tenant_or_null()) END'
const MAIL_RULE = 'CASE WHEN (tenant_id IS NULL) THEN app.is_identity() ELSE (tenant_id = app.tenant_or_null()) END'

type Policy = { name: string; command: string; roles: string; using: string | null; check: string | null }
const PROGRAMS = 'stipend_app, stipend_owner'
const policy = (name: string, command: string, using: string | null, check: string | null): Policy => ({
  name,
  command,
  roles: PROGRAMS,
  using,
  check,
})

function expectedPolicies(table: string): Policy[] {
  const own = ((): Policy[] => {
    if (GLOBAL.includes(table)) return []
    if (ITSELF.includes(table))
      return [policy('tenant', '*', HERE.replace('tenant_id', 'id'), HERE.replace('tenant_id', 'id'))]
    if (IDENTITY.includes(table)) return [policy('identity', '*', 'app.is_identity()', 'app.is_identity()')]
    if (PLATFORM.includes(table)) return [policy('platform', '*', 'app.is_platform()', 'app.is_platform()')]
    if (MAIL.includes(table)) return [policy('mail', '*', MAIL_RULE, MAIL_RULE)]
    if (AUDIT.includes(table)) {
      return [policy('audit_insert', 'a', null, SHARED_WRITE), policy('audit_read', 'r', SHARED_WRITE, null)]
    }
    if (SHARED.includes(table)) {
      return [
        policy('shared_insert', 'a', null, SHARED_WRITE),
        policy('shared_read', 'r', SHARED_READ, null),
        policy('shared_update', 'w', SHARED_WRITE, SHARED_WRITE),
      ]
    }
    return [policy('tenant', '*', HERE, HERE)]
  })()
  const lookup = { name: 'lookup', command: 'r', roles: 'stipend_lookup', using: 'true', check: null }
  return [...own, ...(LOOKED_UP[table] === undefined ? [] : [lookup])].sort((a, b) => (a.name < b.name ? -1 : 1))
}

type Table = {
  oid: number
  name: string
  kind: string
  owner: string
  is_partition: boolean
  is_secured: boolean
  is_forced: boolean
  invokes: boolean
  tenant: { nullable: boolean; default: string | null; type: string } | null
  policies: Policy[]
  indexes: { name: string; first: string | null }[]
  references: { name: string; first: string; target: string; target_first: string }[]
  grants: { grantee: string; privilege: string; column: string | null; grantable: boolean }[]
  triggers: string[]
}

/** All that the catalogue says of the tables and views outside PostgreSQL's own schemas and the migrations' book-keeping. */
async function readTables(client: postgres.Sql | postgres.TransactionSql): Promise<Table[]> {
  return [
    ...(await client<Table[]>`
    select c.oid::int, case n.nspname when 'public' then c.relname else n.nspname || '.' || c.relname end as name,
      c.relkind as kind, c.relowner::regrole::text as owner, c.relispartition as is_partition,
      c.relrowsecurity as is_secured, c.relforcerowsecurity as is_forced,
      coalesce(c.reloptions @> '{security_invoker=true}', false) as invokes,
      (select json_build_object('nullable', not a.attnotnull, 'default', pg_get_expr(d.adbin, d.adrelid), 'type', a.atttypid::regtype)
         from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped) as tenant,
      coalesce((select json_agg(json_build_object(
           'name', polname, 'command', polcmd::text || case when polpermissive then '' else ' restrictive' end,
           'roles', (select string_agg(case r when 0 then 'PUBLIC' else r::regrole::text end, ', ' order by r::regrole::text) from unnest(polroles) r),
           'using', trim(regexp_replace(pg_get_expr(polqual, polrelid), '\\s+', ' ', 'g')),
           'check', trim(regexp_replace(pg_get_expr(polwithcheck, polrelid), '\\s+', ' ', 'g'))) order by polname)
         from pg_policy where polrelid = c.oid), '[]') as policies,
      coalesce((select json_agg(json_build_object('name', i.indexrelid::regclass, 'first', a.attname) order by i.indexrelid::regclass::text)
         from pg_index i left join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
        where i.indrelid = c.oid and (i.indisunique or i.indisexclusion)), '[]') as indexes,
      coalesce((select json_agg(json_build_object('name', k.conname, 'first', a.attname, 'target', k.confrelid::regclass, 'target_first', f.attname) order by k.conname)
         from pg_constraint k
         join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1]
         join pg_attribute f on f.attrelid = k.confrelid and f.attnum = k.confkey[1]
        where k.conrelid = c.oid and k.contype = 'f'), '[]') as references,
      coalesce((select json_agg(json_build_object('grantee', grantee, 'privilege', privilege_type, 'column', attname, 'grantable', is_grantable)
                                order by grantee, privilege_type, attname)
         from (select case grantee when 0 then 'PUBLIC' else grantee::regrole::text end as grantee, privilege_type, null as attname, is_grantable
                 from aclexplode(c.relacl) where grantee <> c.relowner
               union all
               select case x.grantee when 0 then 'PUBLIC' else x.grantee::regrole::text end, x.privilege_type, a.attname, x.is_grantable
                 from pg_attribute a, aclexplode(a.attacl) x where a.attrelid = c.oid) g), '[]') as grants,
      array(select t.tgname || ' ' || t.tgtype || t.tgenabled::text from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal order by 1) as triggers
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and not (n.nspname = 'app' and c.relname like '\\_\\_drizzle\\_migrations%')
    order by 2`),
  ]
}

async function findings(client: postgres.Sql | postgres.TransactionSql): Promise<string[]> {
  return (await readTables(client)).flatMap((table) => problemsOf(table).map((problem) => `${table.name}: ${problem}`))
}

function problemsOf(table: Table): string[] {
  const { name } = table
  if (name.includes('.')) return ['outside of the schema public']
  if (table.kind === 'v') return table.invokes ? [] : ['a view that runs as its owner']
  if (table.kind !== 'r' && table.kind !== 'p')
    return [`a relation of kind ${table.kind}, which policies can’t protect`]

  const problems: string[] = []
  if (table.owner !== 'stipend_owner') problems.push(`owned by ${table.owner}`)
  if (table.is_partition)
    return [...problems, ...table.grants.map(({ grantee }) => `a partition that ${grantee} can reach`)]

  const kind = [...SHARED, ...AUDIT, ...MAIL].includes(name)
    ? 'shared'
    : [...ITSELF, ...IDENTITY, ...GLOBAL, ...PLATFORM].includes(name)
      ? 'without tenant'
      : 'tenant'
  if (kind === 'without tenant' && table.tenant !== null) problems.push('a tenant_id where none belongs')
  if (kind !== 'without tenant') {
    if (table.tenant?.type !== 'text') problems.push('no tenant_id')
    if (table.tenant?.nullable !== (kind === 'shared'))
      problems.push(`tenant_id ${kind === 'shared' ? 'not ' : ''}nullable`)
    if (kind === 'tenant' && table.tenant?.default !== 'app.current_tenant()')
      problems.push('tenant_id without its default')
  }
  if (!GLOBAL.includes(name)) {
    if (!table.is_secured) problems.push('no row level security')
    if (!table.is_forced) problems.push('row level security not forced')
  }
  if (JSON.stringify(table.policies) !== JSON.stringify(expectedPolicies(name).map(inOrder))) {
    problems.push(`policies ${table.policies.map((one) => one.name).join(', ')} are not as they should be`)
  }

  if (![...IDENTITY, ...GLOBAL, ...PLATFORM].includes(name)) {
    for (const index of table.indexes) if (index.first !== 'tenant_id') problems.push(`index ${index.name}`)
    for (const { name: constraint, first, target, target_first } of table.references) {
      const isOfTenant = target === 'tenants' ? target_first === 'id' : target_first === 'tenant_id'
      if (first !== 'tenant_id' || !isOfTenant) problems.push(`constraint ${constraint}`)
    }
  }

  const may = (grantee: string) =>
    table.grants
      .filter((one) => one.grantee === grantee)
      .map((one) => `${one.privilege}${one.column === null ? '' : ` (${one.column})`}`)
      .join(', ')
  const rights = APPEND_ONLY.includes(name) ? 'INSERT, SELECT' : 'INSERT, SELECT, UPDATE'
  const wanted = DELETABLE.includes(name) ? `DELETE, ${rights}` : rights
  if (may('stipend_app') !== wanted) problems.push(`stipend_app may ${may('stipend_app')}`)
  const read = LOOKED_UP[name]
  const looked =
    read === undefined ? '' : read === 'all' ? 'SELECT' : read.map((column) => `SELECT (${column})`).join(', ')
  if (may('stipend_lookup') !== looked) problems.push(`stipend_lookup may ${may('stipend_lookup')}`)
  for (const { grantee, grantable } of table.grants) {
    if (!['stipend_app', 'stipend_lookup'].includes(grantee)) problems.push(`${grantee} has rights`)
    if (grantable) problems.push(`${grantee} may pass its rights on`)
  }
  // 27: before, for each row, on delete and update; O: enabled.
  const guards = APPEND_ONLY.includes(name) ? ['append_only 27O'] : []
  const checked = CHECKED[name]
  if (checked !== undefined) guards.push(checked)
  const fixed = FIXED[name]
  if (fixed !== undefined) guards.push(fixed)
  // 5: after insert, for each row; deferred to the end of the transaction.
  if (name.startsWith('ledger_')) guards.push('two_sides 5O')
  const told = TOLD[name]
  if (told !== undefined) guards.push(`tell_gateways ${told}`)
  if (table.triggers.join() !== guards.sort().join()) problems.push(`triggers ${table.triggers.join()}`)
  return [...new Set(problems)]
}

const inOrder = ({ name, command, roles, using, check }: Policy) => ({ name, command, roles, using, check })

describe('every table', () => {
  it('keeps tenants apart', async () => {
    const tables = await readTables(test.admin)
    expect(tables.filter((one) => !one.is_partition).length).toBeGreaterThan(20)
    expect(tables.filter((one) => one.is_partition).length).toBeGreaterThan(4)
    const found = await findings(test.admin)
    expect(found.filter((one) => MEANT[one] === undefined)).toEqual([])
    expect(Object.keys(MEANT).filter((one) => !found.includes(one))).toEqual([])
  })

  const good = `
    create table bad (tenant_id text not null default app.current_tenant(), id text, primary key (tenant_id, id));
    alter table bad enable row level security;
    alter table bad force row level security;
    create policy tenant on bad for all to stipend_app, stipend_owner
      using (tenant_id = (select app.current_tenant())) with check (tenant_id = (select app.current_tenant()));
    grant select, insert, update on bad to stipend_app;
    alter table bad owner to stipend_owner;`
  /** What is found once these statements have run; they are undone. */
  async function findingsAfter(statements: string): Promise<string[]> {
    let found: string[] = []
    const undo = new Error('undone')
    const running = test.admin.begin(async (tx) => {
      await tx.unsafe(statements)
      found = await findings(tx)
      throw undo
    })
    await running.catch((error: unknown) => {
      if (error !== undo) throw error
    })
    return found
  }
  const without = (part: string) => {
    const changed = good.replace(part, '')
    if (changed === good) throw new Error(`nothing to leave out: ${part}`)
    return changed
  }

  it.each([
    ['as it should be', good, []],
    ['bare', 'create table bad (id text primary key)', ['no tenant_id', 'no row level security', 'index bad_pkey']],
    [
      'with a null tenant',
      without(' not null').replace('primary key (tenant_id, id)', 'unique (tenant_id, id)'),
      ['tenant_id nullable'],
    ],
    ['without a default', without(' default app.current_tenant()'), ['tenant_id without its default']],
    [
      'with another default',
      good.replace('default app.current_tenant()', "default 'ten_x'"),
      ['tenant_id without its default'],
    ],
    ['not secured', without('alter table bad enable row level security;'), ['no row level security']],
    ['not forced', without('alter table bad force row level security;'), ['row level security not forced']],
    ['without a policy', without(good.slice(good.indexOf('create policy'), good.indexOf('grant'))), ['policies']],
    [
      'with a wide one',
      good.replace('using (tenant_id = (select app.current_tenant()))', 'using (true)'),
      ['policies tenant'],
    ],
    ['with a narrow check', good.replace(/ with check \(.*\);/, ';'), ['policies tenant']],
    ['for everybody', good.replace('to stipend_app, stipend_owner', 'to public'), ['policies tenant']],
    ['with a second policy', `${good} create policy more on bad using (true);`, ['policies more, tenant']],
    ['keyed by id', good.replace('primary key (tenant_id, id)', 'primary key (id)'), ['index bad_pkey']],
    [
      'keyed in the wrong order',
      good.replace('primary key (tenant_id, id)', 'primary key (id, tenant_id)'),
      ['index bad_pkey'],
    ],
    ['unique across tenants', `${good} create unique index bad_id on bad (id);`, ['index bad_id']],
    ['unique by an expression', `${good} create unique index bad_id on bad (lower(id));`, ['index bad_id']],
    [
      'pointing anywhere',
      `${good} alter table bad add constraint bad_user foreign key (id) references users;`,
      ['constraint bad_user'],
    ],
    [
      'pointing across',
      `${good} alter table bad add constraint bad_it foreign key (id) references tenants;`,
      ['constraint bad_it'],
    ],
    ['readable by all', `${good} grant select on bad to public;`, ['PUBLIC has rights']],
    [
      'truncatable',
      `${good} grant truncate on bad to stipend_app;`,
      ['stipend_app may INSERT, SELECT, TRUNCATE, UPDATE'],
    ],
    ['deletable', `${good} grant delete on bad to stipend_app;`, ['stipend_app may DELETE']],
    ['with a column too many', `${good} grant references (id) on bad to stipend_app;`, ['stipend_app may']],
    [
      'with rights to pass on',
      `${good} grant select on bad to stipend_app with grant option;`,
      ['may pass its rights on'],
    ],
    ['looked up', `${good} grant select on bad to stipend_lookup;`, ['stipend_lookup may SELECT']],
    ['owned by the programs', `${good} alter table bad owner to stipend_app;`, ['owned by stipend_app']],
    ['a view', 'create view bad as select * from keys', ['a view that runs as its owner']],
    ['a view of the caller', 'create view bad with (security_invoker = true) as select * from keys', []],
    ['a copy', 'create materialized view bad as select * from keys', ['kind m']],
    ['a counter', 'create sequence bad', ['kind S']],
    ['elsewhere', 'create schema bad; create table bad.bad (id text)', ['outside of the schema public']],
  ])('%s is found out', async (_, statements, expected) => {
    const found = (await findingsAfter(statements)).filter((one) => /^bad(?:\.bad)?: /.test(one))
    for (const what of expected) expect(found.join('\n')).toContain(what)
    if (expected.length === 0) expect(found).toEqual([])
  })

  it('notices a partition that can be reached past its parent', async () => {
    const found = await findingsAfter('grant select on usage_events_other to stipend_app')
    expect(found).toContain('usage_events_other: a partition that stipend_app can reach')
  })

  it('notices history that can be changed', async () => {
    const found = await findingsAfter(
      'alter table ledger_entries disable trigger append_only; grant update on audit_entries to stipend_app',
    )
    expect(found).toContain('ledger_entries: triggers append_only 27D,two_sides 5O')
    expect(found).toContain('audit_entries: stipend_app may INSERT, SELECT, UPDATE')
  })
})

describe('roles', () => {
  it('can do nothing dangerous', async () => {
    const roles = await test.admin`
      select rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolinherit
        from pg_roles where rolname like 'stipend\\_%' order by rolname`
    const harmless = {
      rolsuper: false,
      rolbypassrls: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolreplication: false,
      rolinherit: false,
    }
    expect(roles.map((role) => ({ ...role }))).toEqual([
      { rolname: 'stipend_app', rolcanlogin: true, ...harmless },
      { rolname: 'stipend_lookup', rolcanlogin: false, ...harmless },
      { rolname: 'stipend_owner', rolcanlogin: false, ...harmless },
    ])
  })

  it('belong to no other role, and nobody’s rights are inherited', async () => {
    const memberships = await test.admin`
      select member::regrole::text as member from pg_auth_members
       where member in (select oid from pg_roles where rolname like 'stipend\\_%')`
    expect(memberships).toHaveLength(0)
    const defaults = await test.admin`select * from pg_default_acl`
    expect(defaults).toHaveLength(0)
  })

  it('own what they should: the programs nothing', async () => {
    const owned = await test.admin`
      select r.rolname, c.kind, count(*)::int as n from pg_roles r join (
        select relowner as owner, 'relation' as kind from pg_class where relnamespace in ('public'::regnamespace, 'app'::regnamespace)
        union all select proowner, 'function' from pg_proc where pronamespace in ('public'::regnamespace, 'app'::regnamespace)
        union all select nspowner, 'schema' from pg_namespace
        union all select typowner, 'type' from pg_type where typtype in ('d', 'e') and typnamespace = 'public'::regnamespace
        union all select datdba, 'database' from pg_database) c on c.owner = r.oid
       where r.rolname like 'stipend\\_%' group by 1, 2 order by 1, 2`
    const kinds = owned.map((one) => `${one.rolname} ${one.kind}`)
    expect(kinds).toEqual([
      'stipend_lookup function',
      'stipend_owner function',
      'stipend_owner relation',
      'stipend_owner schema',
    ])
    expect(owned.find((one) => one.rolname === 'stipend_lookup')?.n).toBe(LOOKUPS.length)
  })
})

describe('functions', () => {
  it('that run as somebody else are few and fixed', async () => {
    const definers = await test.admin<{ name: string; owner: string; config: string[] | null }[]>`
      select oid::regproc::text as name, proowner::regrole::text as owner, proconfig as config from pg_proc
       where prosecdef and pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) order by 1`
    const search = ['search_path=public, pg_temp']
    expect(definers.map((one) => ({ ...one }))).toEqual(
      [
        { name: 'app.ensure_usage_partitions', owner: 'stipend_owner', config: search },
        ...LOOKUPS.map((name) => ({ name: `app.${name}`, owner: 'stipend_lookup', config: search })),
      ].sort((a, b) => (a.name < b.name ? -1 : 1)),
    )
  })

  it('are in one schema and not for everybody', async () => {
    const functions = await test.admin<{ name: string; isOpen: boolean }[]>`
      select p.oid::regproc::text as name, coalesce(has_function_privilege('public', p.oid, 'execute'), false) as "isOpen"
        from pg_proc p where p.pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)`
    expect(functions.length).toBeGreaterThan(10)
    expect(functions.filter((one) => one.isOpen || !one.name.startsWith('app.'))).toEqual([])
  })
})

describe('the role the programs sign in as', () => {
  it.each([
    'create table mine (id text)',
    'create table app.mine (id text)',
    'create schema mine',
    'create function app.mine() returns int language sql as $$ select 1 $$',
    'create view mine as select * from keys',
    'create extension pgcrypto',
    'alter table keys disable row level security',
    'alter table keys no force row level security',
    'create policy mine on keys using (true)',
    'drop policy tenant on keys',
    'alter table keys add column mine text',
    'drop table keys',
    'truncate keys',
    'truncate usage_events',
    'alter role stipend_app bypassrls',
    'set role stipend_owner',
    'set role stipend_lookup',
    'set session authorization postgres',
    'update usage_events set cost_nanos = 0',
    'delete from ledger_entries',
    'update audit_entries set actor_id = actor_id',
    'update prices set output_picos = 0',
    'delete from keys',
    'delete from account_periods',
    'select * from usage_events_other',
    'select * from app.__drizzle_migrations',
    'select rolpassword from pg_authid',
    "copy keys to program 'cat'",
    "select pg_read_file('/etc/passwd')",
  ])('is refused: %s', async (statement) => {
    const client = postgres(test.url, { max: 1, onnotice: () => {} })
    await expect(client.unsafe(statement)).rejects.toMatchObject({ code: '42501' })
    await client.end()
  })
})
