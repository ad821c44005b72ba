import path from 'node:path'
import { parseEnv, variable } from '@stipend/runtime'
import { z } from 'zod'

export const ROOT = path.resolve(import.meta.dirname, '../../..')

/** The one reader of the environment in the start-up tool; what the apps get is passed to them by name. */
export function readEnv(source: Readonly<Record<string, string | undefined>> = process.env) {
  return parseEnv(
    z
      .object({
        CONSOLE_PORT: variable.port().default(3000),
        GATEWAY_PORT: variable.port().default(3001),
        API_PORT: variable.port().default(3002),
        SANDBOX_PROVIDER_PORT: variable.port().default(3003),
        STIPEND_DATABASE_PORT: variable.port().default(3004),
        WORKER_PORT: variable.port().default(3005),
        SANDBOX_STRIPE_PORT: variable.port().default(3006),
        STRIPE_SECRET_KEY: z.string().optional(),
        STRIPE_WEBHOOK_SECRET: z.string().optional(),
        STIPEND_DATA_DIR: z.string().default('.stipend'),
        STIPEND_MASTER_KEY: variable.key32().optional(),
        STIPEND_OLD_MASTER_KEYS: variable.keys32(),
        PROVIDER_ALLOWED_HOSTS: variable.list(),
        DATABASE_URL: variable.url('postgres:', 'postgresql:').optional(),
        SMTP_URL: variable.url('smtp:', 'smtps:').optional(),
        MAIL_FROM: z.string().optional(),
        LOG_LEVEL: variable.logLevel().default('info'),
        CHROMIUM_PATH: z.string().optional(),
      })
      .transform((env) => ({
        ports: {
          console: env.CONSOLE_PORT,
          gateway: env.GATEWAY_PORT,
          api: env.API_PORT,
          sandbox_provider: env.SANDBOX_PROVIDER_PORT,
          database: env.STIPEND_DATABASE_PORT,
          worker: env.WORKER_PORT,
          sandbox_stripe: env.SANDBOX_STRIPE_PORT,
        },
        data_dir: path.resolve(ROOT, env.STIPEND_DATA_DIR),
        /** Null: one is made and kept in the data folder. */
        master_key: env.STIPEND_MASTER_KEY ?? null,
        /** As the programs take them. */
        old_master_keys: env.STIPEND_OLD_MASTER_KEYS.map((key) => key.toString('base64')).join(','),
        allowed_hosts: env.PROVIDER_ALLOWED_HOSTS,
        /** Null: the embedded PostgreSQL. */
        database_url: env.DATABASE_URL ?? null,
        /** Null: a sandbox stands in for Stripe. */
        stripe:
          env.STRIPE_SECRET_KEY === undefined
            ? null
            : { secret_key: env.STRIPE_SECRET_KEY, webhook_secret: env.STRIPE_WEBHOOK_SECRET ?? '' },
        /** Without a mail server mails are kept, and the console shows them. */
        mail: {
          ...(env.SMTP_URL === undefined ? { KEEP_MAILS: 'true' } : { SMTP_URL: env.SMTP_URL }),
          ...(env.MAIL_FROM === undefined ? {} : { MAIL_FROM: env.MAIL_FROM }),
        },
        log_level: env.LOG_LEVEL,
        chromium_path: env.CHROMIUM_PATH ?? null,
      })),
    source,
  )
}

export type Env = ReturnType<typeof readEnv>

/** A variable that the command line names, for what must not stand there itself. */
export function readVariable(name: string): string | undefined {
  return process.env[name]
}

/** What any child process needs of our surroundings, and nothing that is ours: programs get their settings by name. */
export function surroundings(
  source: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const names = [
    'PATH',
    'HOME',
    'LANG',
    'LC_ALL',
    'TMPDIR',
    'NODE_OPTIONS',
    'NODE_EXTRA_CA_CERTS',
    'STIPEND_FIXTURES',
    'FORCE_COLOR',
    'NO_COLOR',
    'CI',
  ]
  return Object.fromEntries(names.flatMap((name) => (source[name] === undefined ? [] : [[name, source[name]]])))
}
