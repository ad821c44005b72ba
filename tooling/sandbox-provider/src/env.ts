import { parseEnv, variable } from '@stipend/runtime'
import { z } from 'zod'

const Env = z
  .object({
    SANDBOX_PROVIDER_PORT: variable.port().default(3003),
    HOST: z.string().default('127.0.0.1'),
    SANDBOX_PROVIDER_CREDENTIAL: z.string().optional(),
    LOG_LEVEL: variable.logLevel().default('info'),
  })
  .transform((env) => ({
    port: env.SANDBOX_PROVIDER_PORT,
    host: env.HOST,
    credential: env.SANDBOX_PROVIDER_CREDENTIAL,
    logLevel: env.LOG_LEVEL,
  }))

export const env = parseEnv(Env, process.env)
