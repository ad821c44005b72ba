import { parseEnv, variable } from '@stipend/runtime'
import { z } from 'zod'

const Env = z
  .object({
    DATABASE_URL: variable.url('postgres:', 'postgresql:'),
    STIPEND_MASTER_KEY: variable.key32(),
    STIPEND_OLD_MASTER_KEYS: variable.keys32(),
    HOST: z.string().default('127.0.0.1'),
    GATEWAY_PORT: variable.port().default(3001),
    /** Where the journal is kept: a folder of this gateway's own, on a disk that survives a restart. */
    GATEWAY_DATA_DIR: z.string(),
    /** Hosts and blocks of addresses that providers of tenants may be at although they aren't of the internet. */
    PROVIDER_ALLOWED_HOSTS: variable.list(),
    TRUSTED_PROXIES: variable.proxies().default(0),
    LOG_LEVEL: variable.logLevel().default('info'),
  })
  .transform((env) => ({
    databaseUrl: env.DATABASE_URL,
    masterKeys: [env.STIPEND_MASTER_KEY, ...env.STIPEND_OLD_MASTER_KEYS] as const,
    host: env.HOST,
    port: env.GATEWAY_PORT,
    dataDir: env.GATEWAY_DATA_DIR,
    allowedHosts: env.PROVIDER_ALLOWED_HOSTS,
    trustedProxies: env.TRUSTED_PROXIES,
    logLevel: env.LOG_LEVEL,
  }))

export const readEnv = () => parseEnv(Env, process.env)
