import { parseEnv, variable } from '@stipend/runtime'
import { z } from 'zod'

// React and Express are slower and talk more unless told that this isn't development.
process.env.NODE_ENV ??= 'production'

export type Env = ReturnType<typeof readEnv>

/** The console's settings; the only reader of `process.env` in this app. */
export function readEnv(source: Readonly<Record<string, string | undefined>> = process.env) {
  return parseEnv(
    z
      .object({
        DATABASE_URL: variable.url('postgres:', 'postgresql:'),
        STIPEND_MASTER_KEY: variable.key32(),
        STIPEND_OLD_MASTER_KEYS: variable.keys32(),
        PROVIDER_ALLOWED_HOSTS: variable.list(),
        CONSOLE_PORT: variable.port().default(3000),
        HOST: z.string().default('127.0.0.1'),
        TRUSTED_PROXIES: variable.proxies().default(0),
        GATEWAY_URL: variable.url('http:', 'https:'),
        API_URL: variable.url('http:', 'https:'),
        CONSOLE_ORIGIN: variable.url('http:', 'https:').optional(),
        CONSOLE_SECURE_COOKIES: variable.boolean().optional(),
        STRIPE_SECRET_KEY: z.string().optional(),
        STRIPE_API_URL: variable.url('http:', 'https:').optional(),
        CONSOLE_URL: variable.url('http:', 'https:').optional(),
        KEEP_MAILS: variable.boolean().default(false),
        LOG_LEVEL: variable.logLevel().default('info'),
      })
      .transform((env) => ({
        database_url: env.DATABASE_URL,
        master_keys: [env.STIPEND_MASTER_KEY, ...env.STIPEND_OLD_MASTER_KEYS] as const,
        /** Where providers of organisations may be although it isn’t the internet. */
        allowed_hosts: env.PROVIDER_ALLOWED_HOSTS,
        host: env.HOST,
        port: env.CONSOLE_PORT,
        trusted_proxies: env.TRUSTED_PROXIES,
        /** Where tools send requests: ends in `/v1`. */
        gateway_url: env.GATEWAY_URL.replace(/\/$/, ''),
        api_url: env.API_URL.replace(/\/$/, ''),
        /** The one origin forms may come from. Unset: whatever host the request names. */
        origin: env.CONSOLE_ORIGIN === undefined ? null : new URL(env.CONSOLE_ORIGIN).origin,
        /** Behind TLS by default where the origin says so. */
        secure_cookies: env.CONSOLE_SECURE_COOKIES ?? env.CONSOLE_ORIGIN?.startsWith('https:') ?? false,
        /** Mails are kept, and shown to whoever asks: for development. */
        keep_mails: env.KEEP_MAILS,
        log_level: env.LOG_LEVEL,
        payments: {
          secret_key: env.STRIPE_SECRET_KEY ?? null,
          // Events come in elsewhere.
          webhook_secret: null,
          api_url: env.STRIPE_API_URL ?? null,
          console_url: env.CONSOLE_URL ?? env.CONSOLE_ORIGIN ?? `http://127.0.0.1:${env.CONSOLE_PORT}`,
        },
      })),
    source,
  )
}
