import { parseEnv, variable } from '@stipend/runtime'
import { z } from 'zod'

/** The API's settings. */
export const env = () =>
  parseEnv(
    z
      .object({
        DATABASE_URL: variable.url('postgres:', 'postgresql:'),
        HOST: z.string().default('127.0.0.1'),
        API_PORT: variable.port().default(3002),
        LOG_LEVEL: variable.logLevel().default('info'),
      })
      .transform((set) => ({
        database_url: set.DATABASE_URL,
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
        LOG_LEVEL: variable.logLevel().default('info'),
      })
      .transform((set) => ({
        database_url: set.DATABASE_URL,
        host: set.HOST,
        port: set.WORKER_PORT,
        log_level: set.LOG_LEVEL,
      })),
    process.env,
  )
