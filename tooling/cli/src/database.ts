import fs from 'node:fs'
import path from 'node:path'
import { close, connect, type Database, ping } from '@stipend/db'
import { prepareDatabase } from '@stipend/db/admin'
import {
  EmbeddedPostgresError,
  type EmbeddedServer,
  isEmbeddedRunning,
  removeEmbedded,
  startEmbedded,
  stopEmbedded,
} from '@stipend/db/embedded'
import { type DataDir, loadSecrets, type Secrets } from './data-dir.ts'
import type { Env } from './env.ts'
import { Failure } from './failure.ts'
import { requireFreePorts } from './ports.ts'

const APP_ROLE = 'stipend_app'

export type RunningDatabase = {
  /** Of the role that owns the schema and makes roles. */
  adminUrl: string
  /** False where it ran already, or isn't ours to stop. */
  startedHere: boolean
  said: string
  stop: () => Promise<void>
  /** Starts it again if it has ended without being asked to; answers whether it had. */
  revive: () => Promise<boolean>
}

/** The embedded PostgreSQL with its data in the data folder, or the one DATABASE_URL names. */
export async function openDatabase(env: Env, dir: DataDir): Promise<RunningDatabase> {
  if (env.database_url !== null) {
    const { host, pathname } = new URL(env.database_url)
    return {
      adminUrl: env.database_url,
      startedHere: false,
      said: `${host}${pathname} (DATABASE_URL)`,
      stop: async () => {},
      revive: async () => false,
    }
  }
  const server = await startOurs(env.ports.database, dir)
  return {
    adminUrl: server.url,
    startedHere: !server.alreadyRunning,
    said: `PostgreSQL on 127.0.0.1:${server.port}`,
    stop: () => stopEmbedded({ dataDir: dir.postgres }),
    revive: async () => {
      if (isEmbeddedRunning({ dataDir: dir.postgres })) return false
      await startOurs(server.port, dir)
      return true
    },
  }
}

async function startOurs(port: number, dir: DataDir): Promise<EmbeddedServer> {
  const settings = { shared_buffers: '256MB', max_wal_size: '2GB' }
  try {
    return await startEmbedded({ dataDir: dir.postgres, port, settings })
  } catch (error) {
    // Says who holds the port and which variable changes it.
    if (error instanceof EmbeddedPostgresError && error.code === 'port_taken') {
      await requireFreePorts([{ port, what: 'embedded database', variable: 'STIPEND_DATABASE_PORT' }])
    }
    throw error
  }
}

export async function migrateDatabase(adminUrl: string, appPassword: string): Promise<{ appUrl: string }> {
  try {
    return await prepareDatabase(adminUrl, { appPassword })
  } catch (error) {
    const { code } = error as { code?: string }
    const { host } = new URL(adminUrl)
    if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'CONNECT_TIMEOUT') {
      throw new Failure(`No PostgreSQL answers at ${host} (${code}). Is DATABASE_URL right?`)
    }
    if (code === '28P01' || code === '28000')
      throw new Failure(`PostgreSQL at ${host} refuses the user or password in DATABASE_URL.`)
    if (code === '3D000') throw new Failure(`PostgreSQL at ${host} has no such database: create it, then start again.`)
    if (code === '42501') {
      throw new Failure(
        `The user in DATABASE_URL may not do what is needed (${(error as Error).message}). It must be able to create roles and own the database.`,
      )
    }
    throw error
  }
}

/** Throws where deleting could hit more than the demo. */
export function requireDeletable(env: Env): void {
  if (env.database_url === null) return
  throw new Failure(
    'npm start -- --fresh deletes all data, and DATABASE_URL names a database that may hold more than the demo: it is left alone.\nEmpty it yourself (drop database ...; create database ...;) and run npm start, or unset DATABASE_URL for the embedded one.',
  )
}

/** Deletes what a start made, and nothing else that may be in the folder. */
export async function removeData(dir: DataDir): Promise<void> {
  await removeEmbedded({ dataDir: dir.postgres })
  for (const name of [
    'demo.json',
    'demo.previous.json',
    'demo.draft.json',
    'secrets.json',
    'sandbox-stripe.json',
    'gateway',
    'logs',
  ]) {
    fs.rmSync(path.join(dir.root, name), { recursive: true, force: true })
  }
}

/** For commands that look at a database: the one named, or the demo's, started if it isn't running and stopped again afterwards. */
export async function withAppDatabase<T>(env: Env, dir: DataDir, work: (database: Database) => Promise<T>): Promise<T> {
  if (env.database_url === null && !fs.existsSync(dir.secrets_file)) {
    throw new Failure(`There is no database in ${dir.root} yet. Run npm start first, or set DATABASE_URL.`)
  }
  const running = await openDatabase(env, dir)
  try {
    const database = await connectAsApp(
      running.adminUrl,
      fs.existsSync(dir.secrets_file) ? loadSecrets(dir, null) : null,
    )
    try {
      return await work(database)
    } finally {
      await close(database)
    }
  } finally {
    if (running.startedHere) await running.stop()
  }
}

/** With only what the programs may do, so that policies apply: by their own password if it is known here, else by changing role. */
async function connectAsApp(adminUrl: string, secrets: Secrets | null): Promise<Database> {
  const own = new URL(adminUrl)
  if (secrets !== null) Object.assign(own, { username: APP_ROLE, password: secrets.app_password })
  const changed = new URL(adminUrl)
  if (changed.username !== APP_ROLE) changed.searchParams.set('role', APP_ROLE)

  let refused: unknown
  for (const url of [own, changed]) {
    if (url === own && secrets === null) continue
    const database = connect(url.href, { applicationName: 'stipend command', max: 1 })
    try {
      await ping(database)
      return database
    } catch (error) {
      refused = error
      await close(database)
    }
  }
  throw new Failure(`The database at ${own.host} can't be looked at as ${APP_ROLE}: ${(refused as Error).message}.`)
}
