import { forgetOldMails, sendDueMails, type Transport } from '@stipend/auth'
import { checkUnsettled, type Payments, processWaiting, topUpAll } from '@stipend/billing'
import { forgetAnswers, forgetDrafts, forgetTitles, type MasterKeys, newId, resealCredentials } from '@stipend/core'
import { keepBooks, warnOfBalances } from '@stipend/core/spend'
import { type Database, ensureUsagePartitions } from '@stipend/db'
import type { Job } from './jobs.ts'

const SECOND_MS = 1_000
const MAIL_MS = 2_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

type Wiring = {
  database: Database
  console_url: string
  /** Null: none is set, and credentials stay as they are sealed. */
  master_keys: MasterKeys | null
  /** Null: there is no mail server, and mails wait. */
  transport: Transport | null
  /** Undefined: no payments are taken. */
  payments?: Payments | undefined
}

/** What the worker does, all of it. */
export function jobsOf({ database, master_keys, console_url, transport, payments }: Wiring): Job[] {
  const keeping = () => ({ now: new Date(), newId })
  const mails: Job[] =
    transport === null
      ? []
      : [
          {
            name: 'mails',
            every_ms: MAIL_MS,
            run: async ({ log, signal }) => {
              const { failed } = await sendDueMails(database, { console_url, transport, now: new Date(), signal })
              for (const { id, error } of failed) log.warn({ mail_id: id, err: error }, 'a mail could not be sent')
            },
          },
        ]
  const reseal: Job[] =
    master_keys === null
      ? []
      : [
          {
            name: 'credentials',
            every_ms: DAY_MS,
            run: async ({ log }) => {
              const resealed = await resealCredentials(database, master_keys)
              if (resealed > 0) log.info({ resealed }, 'credentials were sealed with the newest master key')
            },
          },
        ]
  return [
    ...mails,
    ...reseal,
    { name: 'answers to repeated requests', every_ms: HOUR_MS, run: () => forgetAnswers(database, new Date()) },
    { name: 'titles of chats', every_ms: HOUR_MS, run: () => forgetTitles(database, new Date()) },
    { name: 'drafts of imports', every_ms: DAY_MS, run: () => forgetDrafts(database, new Date()) },
    { name: 'old mails', every_ms: DAY_MS, run: () => forgetOldMails(database, new Date()) },
    { name: 'usage partitions', every_ms: DAY_MS, run: () => ensureUsagePartitions(database) },
    { name: 'books', every_ms: MINUTE_MS, run: ({ signal }) => keepBooks(database, keeping(), signal) },
    { name: 'low balances', every_ms: MINUTE_MS, run: ({ signal }) => warnOfBalances(database, keeping(), signal) },
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
