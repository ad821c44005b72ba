import { parseEnv, variable } from '@stipend/runtime'
import { z } from 'zod'

const Env = z
  .object({
    DATABASE_URL: variable.url('postgres:', 'postgresql:'),
    STIPEND_MASTER_KEY: variable.key32(),
    HOST: z.string().default('127.0.0.1'),
    GATEWAY_PORT: variable.port().default(3001),
    /** Where the journal is kept: a folder of this gateway's own, on a disk that survives a restart. */
    GATEWAY_DATA_DIR: z.string(),
    LOG_LEVEL: variable.logLevel().default('info'),
  })
  .transform((env) => ({
    databaseUrl: env.DATABASE_URL,
    masterKey: env.STIPEND_MASTER_KEY,
    host: env.HOST,
    port: env.GATEWAY_PORT,
    dataDir: env.GATEWAY_DATA_DIR,
    logLevel: env.LOG_LEVEL,
  }))

export const readEnv = () => parseEnv(Env, process.env)
