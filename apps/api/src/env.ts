import { parseEnv, variable } from '@stipend/runtime'
import { z } from 'zod'

/** How payments are taken. Without a key none are. */
const PAYMENTS = {
  STRIPE_SECRET_KEY: z.string().optional(),
  STRIPE_WEBHOOK_SECRET: z.string().optional(),
  STRIPE_API_URL: variable.url('http:', 'https:').optional(),
  CONSOLE_URL: variable.url('http:', 'https:').default('http://127.0.0.1:3000'),
}
type PaymentVariables = z.output<z.ZodObject<typeof PAYMENTS>>
const paymentSettings = (set: PaymentVariables) => ({
  secret_key: set.STRIPE_SECRET_KEY ?? null,
  webhook_secret: set.STRIPE_WEBHOOK_SECRET ?? null,
  api_url: set.STRIPE_API_URL ?? null,
  console_url: set.CONSOLE_URL,
})

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
        TRUSTED_PROXIES: variable.proxies().default(0),
        API_PORT: variable.port().default(3002),
        ...PAYMENTS,
        LOG_LEVEL: variable.logLevel().default('info'),
      })
      .refine((set) => set.STRIPE_SECRET_KEY === undefined || set.STRIPE_WEBHOOK_SECRET !== undefined, {
        path: ['STRIPE_WEBHOOK_SECRET'],
        error: 'must be set where STRIPE_SECRET_KEY is',
      })
      .transform((set) => ({
        database_url: set.DATABASE_URL,
        master_keys: [set.STIPEND_MASTER_KEY, ...set.STIPEND_OLD_MASTER_KEYS] as const,
        allowed_hosts: set.PROVIDER_ALLOWED_HOSTS,
        host: set.HOST,
        port: set.API_PORT,
        trusted_proxies: set.TRUSTED_PROXIES,
        log_level: set.LOG_LEVEL,
        payments: paymentSettings(set),
      })),
    process.env,
  )

/** The worker's settings. */
export const workerEnv = () =>
  parseEnv(
    z
      .object({
        DATABASE_URL: variable.url('postgres:', 'postgresql:'),
        STIPEND_MASTER_KEY: variable.key32().optional(),
        STIPEND_OLD_MASTER_KEYS: variable.keys32(),
        HOST: z.string().default('127.0.0.1'),
        WORKER_PORT: variable.port().default(3005),
        ...PAYMENTS,
        SMTP_URL: variable.url('smtp:', 'smtps:').optional(),
        MAIL_FROM: z.string().default('Stipend <stipend@localhost>'),
        KEEP_MAILS: variable.boolean().default(false),
        LOG_LEVEL: variable.logLevel().default('info'),
      })
      .transform((set) => ({
        database_url: set.DATABASE_URL,
        /** Without one credentials are not sealed anew. */
        master_keys:
          set.STIPEND_MASTER_KEY === undefined
            ? null
            : ([set.STIPEND_MASTER_KEY, ...set.STIPEND_OLD_MASTER_KEYS] as const),
        host: set.HOST,
        port: set.WORKER_PORT,
        /** What links in mails begin with. */
        console_url: set.CONSOLE_URL.replace(/\/$/, ''),
        mail: { smtp_url: set.SMTP_URL ?? null, from: set.MAIL_FROM, keep: set.KEEP_MAILS },
        log_level: set.LOG_LEVEL,
        payments: paymentSettings(set),
      })),
    process.env,
  )
