import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { close, connect, type Database } from './connect.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser URL of the test cluster, and the password of `stipend_app` in it. */
    testCluster: { adminUrl: string; appPassword: string }
  }
}

export const TEMPLATE_DATABASE = 'stipend_template'

export type TestDatabase = {
  database: Database
  /** As the programs sign in. */
  url: string
  /** As the superuser: policies don't apply. */
  adminUrl: string
  /** A superuser's connection, for looking at what the programs did. */
  admin: postgres.Sql
  drop(): Promise<void>
}

/** A fresh, migrated, empty database of its own, cloned from the template that the test run's global set-up made. */
export async function createTestDatabase(cluster: { adminUrl: string; appPassword: string }): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`
  const maintenance = postgres(cluster.adminUrl, { max: 1, onnotice: () => {} })
  await maintenance.unsafe(`create database ${name} template ${TEMPLATE_DATABASE}`)
  await maintenance.end()

  const adminUrl = at(cluster.adminUrl, name)
  const url = at(cluster.adminUrl, name, { username: 'stipend_app', password: cluster.appPassword })
  const admin = postgres(adminUrl, { max: 2, onnotice: () => {} })
  const database = connect(url, { applicationName: 'stipend test' })
  const drop = async () => {
    await Promise.all([close(database, 1), admin.end({ timeout: 1 })])
    const closing = postgres(cluster.adminUrl, { max: 1, onnotice: () => {} })
    await closing.unsafe(`drop database if exists ${name} with (force)`)
    await closing.end()
  }
  return { database, url, adminUrl, admin, drop }
}

function at(url: string, database: string, user?: { username: string; password: string }): string {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  if (user !== undefined) Object.assign(changed, user)
  return changed.href
}
