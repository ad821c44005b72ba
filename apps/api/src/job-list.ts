import { type Database, ensureUsagePartitions } from '@stipend/db'
import type { Job } from './jobs.ts'

const DAY_MS = 86_400_000

/** What the worker does, all of it. */
export function jobsOf({ database }: { database: Database }): Job[] {
  return [{ name: 'usage partitions', every_ms: DAY_MS, run: () => ensureUsagePartitions(database) }]
}
