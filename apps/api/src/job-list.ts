import { forgetOldMails, sendDueMails, type Transport } from '@stipend/auth'
import { forgetDrafts, newId } from '@stipend/core'
import { keepBooks } from '@stipend/core/spend'
import { type Database, ensureUsagePartitions } from '@stipend/db'
import type { Job } from './jobs.ts'

const MAIL_MS = 2_000
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

type Wiring = {
  database: Database
  console_url: string
  /** Null: there is no mail server, and mails wait. */
  transport: Transport | null
}

/** What the worker does, all of it. */
export function jobsOf({ database, console_url, transport }: Wiring): Job[] {
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
  return [
    ...mails,
    { name: 'drafts of imports', every_ms: DAY_MS, run: () => forgetDrafts(database, new Date()) },
    { name: 'old mails', every_ms: DAY_MS, run: () => forgetOldMails(database, new Date()) },
    { name: 'usage partitions', every_ms: DAY_MS, run: () => ensureUsagePartitions(database) },
    { name: 'books', every_ms: MINUTE_MS, run: ({ signal }) => keepBooks(database, keeping(), signal) },
  ]
}
