import { newId } from '@stipend/core'
import { keepBooks } from '@stipend/core/spend'
import { type Database, ensureUsagePartitions } from '@stipend/db'
import type { Job } from './jobs.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** What the worker does, all of it. */
export function jobsOf({ database }: { database: Database }): Job[] {
  const keeping = () => ({ now: new Date(), newId })
  return [
    { name: 'usage partitions', every_ms: DAY_MS, run: () => ensureUsagePartitions(database) },
    { name: 'books', every_ms: MINUTE_MS, run: ({ signal }) => keepBooks(database, keeping(), signal) },
  ]
}
