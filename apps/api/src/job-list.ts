import { checkUnsettled, type Payments, processWaiting, topUpAll } from '@stipend/billing'
import { newId } from '@stipend/core'
import { keepBooks } from '@stipend/core/spend'
import { type Database, ensureUsagePartitions } from '@stipend/db'
import type { Job } from './jobs.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** What the worker does, all of it. */
export function jobsOf({ database, payments }: { database: Database; payments?: Payments | undefined }): Job[] {
  const keeping = () => ({ now: new Date(), newId })
  return [
    { name: 'usage partitions', every_ms: DAY_MS, run: () => ensureUsagePartitions(database) },
    { name: 'books', every_ms: MINUTE_MS, run: ({ signal }) => keepBooks(database, keeping(), signal) },
    ...(payments === undefined ? [] : paymentJobs(database, payments)),
  ]
}

function paymentJobs(database: Database, { stripe }: Payments): Job[] {
  return [
    {
      name: 'stripe events',
      every_ms: 5 * SECOND_MS,
      run: async ({ log, signal }) => void (await processWaiting({ database, stripe, log }, new Date(), signal)),
    },
    {
      name: 'automatic top-ups',
      every_ms: 10 * SECOND_MS,
      run: ({ log, signal }) => topUpAll({ database, stripe, log }, new Date(), signal),
    },
    {
      name: 'payments on their way',
      every_ms: 5 * MINUTE_MS,
      run: ({ log, signal }) => checkUnsettled({ database, stripe, log }, new Date(), signal),
    },
  ]
}
