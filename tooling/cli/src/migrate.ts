import { dataDir, loadSecrets, prepareDataDir } from './data-dir.ts'
import { migrateDatabase, openDatabase } from './database.ts'
import type { Env } from './env.ts'

/** Brings the database to the current state: roles, migrations, functions, grants. */
export async function migrate(env: Env): Promise<number> {
  const dir = dataDir(env.data_dir)
  prepareDataDir(dir)
  const secrets = loadSecrets(dir, env.master_key)
  const database = await openDatabase(env, dir)
  try {
    await migrateDatabase(database.adminUrl, secrets.app_password)
    console.log(`${database.said}: up to date.`)
    return 0
  } finally {
    if (database.startedHere) await database.stop()
  }
}
