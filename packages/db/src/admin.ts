import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'

const MIGRATIONS = path.join(import.meta.dirname, '../migrations')
const REPEATABLE = path.join(import.meta.dirname, '../sql')
/** Any number: programs that prepare the same database at once wait for one another on it. */
const PREPARE_LOCK = 7_423_001
const OLDEST_SERVER = 15

export type PrepareOptions = {
  /** The password `stipend_app` gets. */
  appPassword: string
  log?: (line: string) => void
}

/**
 * Brings a database to the current state: roles, migrations, functions, grants. Safe to repeat and to run from several programs
 * at once. `adminUrl` names the database and a role that may create roles. Answers the URL the programs are to use.
 */
export async function prepareDatabase(adminUrl: string, options: PrepareOptions): Promise<{ appUrl: string }> {
  const client = postgres(adminUrl, { max: 1, onnotice: () => {}, connection: { application_name: 'stipend prepare' } })
  try {
    const [server] = await client<{ version: number; database: string }[]>`
      select current_setting('server_version_num')::int / 10000 as version, current_database() as database`
    if (server === undefined || server.version < OLDEST_SERVER) {
      throw new Error(`PostgreSQL ${OLDEST_SERVER} or newer is needed; this server is ${server?.version}.`)
    }
    await client`select pg_advisory_lock(${PREPARE_LOCK})`
    await createRoles(client, server.database, options.appPassword)
    await client`set role stipend_owner`
    await migrate(drizzle(client), { migrationsFolder: MIGRATIONS, migrationsSchema: 'app' })
    for (const file of readdirSync(REPEATABLE).sort()) {
      options.log?.(`applying ${file}`)
      const role = file.includes('lookups') ? 'stipend_lookup' : 'stipend_owner'
      await client.unsafe(`set role ${role};\n${readFileSync(path.join(REPEATABLE, file), 'utf8')}`)
    }
    await client`reset role`
    await client`select pg_advisory_unlock(${PREPARE_LOCK})`
  } finally {
    await client.end()
  }
  const appUrl = new URL(adminUrl)
  appUrl.username = 'stipend_app'
  appUrl.password = options.appPassword
  return { appUrl: appUrl.href }
}

/** Roles belong to the whole server, so another of its databases may have made them already. */
async function createRoles(client: postgres.Sql, database: string, appPassword: string): Promise<void> {
  await client.unsafe(`
    do $$
    declare role text;
    begin
      foreach role in array array['stipend_owner', 'stipend_app', 'stipend_lookup'] loop
        if not exists (select from pg_roles where rolname = role) then
          execute format('create role %I nosuperuser nocreatedb nocreaterole noinherit', role);
        end if;
      end loop;
    end $$;
    grant stipend_owner, stipend_lookup to current_user;
    grant create, connect on database ${quoted(database)} to stipend_owner;
    grant connect on database ${quoted(database)} to stipend_app;
    grant usage, create on schema public to stipend_owner;
    grant usage on schema public to stipend_app, stipend_lookup;
    create schema if not exists app authorization stipend_owner;
    grant usage, create on schema app to stipend_lookup;
  `)
  // A password can't be a parameter of ALTER ROLE; format() quotes it on the server's side.
  const [statement] = await client<{ text: string }[]>`
    select format('alter role stipend_app login password %L', ${appPassword}::text) as text`
  if (statement !== undefined) await client.unsafe(statement.text)
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
