import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'

declare const opaque: unique symbol
/** A connected database. Nothing can be asked of it directly: see scope.ts and lookups.ts for the doors. */
export type Database = { readonly [opaque]: true }

export type ConnectOptions = {
  /** Connections kept at most. */
  max?: number
  /** Shown in pg_stat_activity. */
  applicationName?: string
  /** A statement that runs longer is cancelled. */
  statementTimeoutMs?: number
}

type Inner = {
  client: postgres.Sql
  drizzle: PostgresJsDatabase
  /** One connection of its own, apart from the pool. */
  openOne(options: { onnotify: (channel: string, message: string) => void; onclose: () => void }): postgres.Sql
}
const inners = new WeakMap<Database, Inner>()

/** Connects lazily as the role in `url`, which must be one that owns nothing (`stipend_app`). */
export function connect(url: string, options: ConnectOptions = {}): Database {
  const settings = {
    connect_timeout: 5,
    backoff: retryPause,
    onnotice: () => {},
    connection: {
      application_name: options.applicationName ?? 'stipend',
      statement_timeout: options.statementTimeoutMs ?? 30_000,
      idle_in_transaction_session_timeout: 30_000,
      TimeZone: 'UTC',
    },
  }
  const client = postgres(url, { ...settings, max: options.max ?? 10, idle_timeout: 60 })
  const openOne: Inner['openOne'] = (handlers) =>
    postgres(url, { ...settings, ...handlers, max: 1, idle_timeout: 0, max_lifetime: 0 })
  const database = {} as Database
  inners.set(database, { client, drizzle: drizzle(client), openOne })
  return database
}

/**
 * Seconds until a connection is tried again. Whoever asks meanwhile waits for it, so it is short: the driver's own pause grows to
 * twenty seconds, long after the database is back.
 */
const retryPause = (tries: number): number => Math.min(0.02 * 2 ** tries, 0.25)

/** Ends all connections, waiting for what runs for at most `timeoutSeconds`. */
export async function close(database: Database, timeoutSeconds = 5): Promise<void> {
  await inner(database).client.end({ timeout: timeoutSeconds })
}

/** Throws unless the database answers. */
export async function ping(database: Database): Promise<void> {
  await inner(database).client`select 1`
}

/** For this package only: index.ts doesn't export it. */
export function inner(database: Database): Inner {
  const found = inners.get(database)
  if (found === undefined) throw new Error('not a connected database')
  return found
}
