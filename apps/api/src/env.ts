import { parseEnv, variable } from '@stipend/runtime'
import { z } from 'zod'

/** The API's settings. */
export const env = () =>
  parseEnv(
    z
      .object({
        DATABASE_URL: variable.url('postgres:', 'postgresql:'),
        STIPEND_MASTER_KEY: variable.key32(),
        STIPEND_OLD_MASTER_KEYS: variable.keys32(),
        PROVIDER_ALLOWED_HOSTS: variable.list(),
        HOST: z.string().default('127.0.0.1'),
        API_PORT: variable.port().default(3002),
        LOG_LEVEL: variable.logLevel().default('info'),
      })
      .transform((set) => ({
        database_url: set.DATABASE_URL,
        master_keys: [set.STIPEND_MASTER_KEY, ...set.STIPEND_OLD_MASTER_KEYS] as const,
        allowed_hosts: set.PROVIDER_ALLOWED_HOSTS,
        host: set.HOST,
        port: set.API_PORT,
        log_level: set.LOG_LEVEL,
      })),
    process.env,
  )

/** The worker's settings. */
export const workerEnv = () =>
  parseEnv(
    z
      .object({
        DATABASE_URL: variable.url('postgres:', 'postgresql:'),
        HOST: z.string().default('127.0.0.1'),
        WORKER_PORT: variable.port().default(3005),
        CONSOLE_URL: variable.url('http:', 'https:').default('http://127.0.0.1:3000'),
        SMTP_URL: variable.url('smtp:', 'smtps:').optional(),
        MAIL_FROM: z.string().default('Stipend <stipend@localhost>'),
        KEEP_MAILS: variable.boolean().default(false),
        LOG_LEVEL: variable.logLevel().default('info'),
      })
      .transform((set) => ({
        database_url: set.DATABASE_URL,
        host: set.HOST,
        port: set.WORKER_PORT,
        /** What links in mails begin with. */
        console_url: set.CONSOLE_URL.replace(/\/$/, ''),
        mail: { smtp_url: set.SMTP_URL ?? null, from: set.MAIL_FROM, keep: set.KEEP_MAILS },
        log_level: set.LOG_LEVEL,
      })),
    process.env,
  )
