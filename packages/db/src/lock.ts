import { type Database, inner } from './connect.ts'

/**
 * Runs `work` unless somebody else holds the lock of this name at the moment, on this machine or another. Answers whether it ran. The
 * lock is of a connection of its own and falls with it, so what runs under it must be safe to be run twice.
 */
export async function withLock(database: Database, name: string, work: () => Promise<void>): Promise<boolean> {
  const connection = await inner(database).client.reserve()
  try {
    const [row] = await connection<
      { locked: boolean }[]
    >`select pg_try_advisory_lock(hashtextextended(${name}, 0)) as locked`
    if (row?.locked !== true) return false
    try {
      await work()
    } finally {
      await connection`select pg_advisory_unlock(hashtextextended(${name}, 0))`
    }
    return true
  } finally {
    connection.release()
  }
}
