import { parseEnv, variable } from '@stipend/runtime'
import { z } from 'zod'

const Env = z
  .object({
    SANDBOX_STRIPE_PORT: variable.port().default(3006),
    HOST: z.string().default('127.0.0.1'),
    SANDBOX_STRIPE_KEY: z.string().optional(),
    SANDBOX_STRIPE_WEBHOOK_URL: variable.url('http:', 'https:').optional(),
    STRIPE_WEBHOOK_SECRET: z.string().optional(),
    SANDBOX_STRIPE_FILE: z.string().optional(),
    LOG_LEVEL: variable.logLevel().default('info'),
  })
  .transform((env) => ({
    port: env.SANDBOX_STRIPE_PORT,
    host: env.HOST,
    secret_key: env.SANDBOX_STRIPE_KEY ?? null,
    webhook:
      env.SANDBOX_STRIPE_WEBHOOK_URL === undefined || env.STRIPE_WEBHOOK_SECRET === undefined
        ? null
        : { url: env.SANDBOX_STRIPE_WEBHOOK_URL, secret: env.STRIPE_WEBHOOK_SECRET },
    file: env.SANDBOX_STRIPE_FILE ?? null,
    log_level: env.LOG_LEVEL,
  }))

export const env = parseEnv(Env, process.env)
