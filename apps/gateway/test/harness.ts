import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import { DIALECTS } from '@stipend/core'
import { createProvider, createScene, type Scene } from '@stipend/core/testing'
import { createTestDatabase, type TestDatabase } from '@stipend/db/testing'
import type { ModelPrice } from '@stipend/money'
import { createLog } from '@stipend/runtime'
import { startSandboxProvider } from '@stipend/sandbox-provider'
import OpenAI from 'openai'
import { type StartOptions, startGateway } from '../src/start.ts'

export type House = {
  test: TestDatabase
  scene: Scene
  sandbox: Awaited<ReturnType<typeof startSandboxProvider>>
  /** Ends in /v1. */
  url: string
  /** Starts a further gateway and answers its URL. */
  start(settings?: Partial<StartOptions>): Promise<string>
  client(secret: string): OpenAI
  anthropic(secret: string): Anthropic
  /** What the gateway logged so far. */
  logged(): string
  close(): Promise<void>
}

export const CREDENTIAL = 'sandbox-credential-for-tests'
export const MASTER_KEY = Buffer.alloc(32, 7)

/** A database, a tenant, the sandbox provider and one gateway in this process, all of their own. */
export async function buildHouse(
  cluster: { adminUrl: string; appPassword: string },
  options: {
    balance_usd?: string
    price?: ModelPrice
    output_tokens_max?: number
    limits?: StartOptions['limits']
    models?: string[]
    name?: string
    priority?: number
  } = {},
): Promise<House> {
  const { balance_usd = '100', limits = {}, ...provider } = options
  const test = await createTestDatabase(cluster)
  const scene = await createScene(test.database, { balance_usd })
  const sandbox = await startSandboxProvider({ credential: CREDENTIAL })
  await createProvider(test.database, {
    base_url: `${sandbox.url}/v1`,
    masterKey: MASTER_KEY,
    credential: CREDENTIAL,
    dialects: [...DIALECTS],
    ...provider,
  })
  const lines: string[] = []
  const log = createLog({
    app: 'gateway',
    level: 'debug',
    destination: { write: (line: string) => void lines.push(line) },
  })
  const closing: (() => Promise<void>)[] = []
  const start = async (settings: Partial<StartOptions> = {}) => {
    const dataDir = mkdtempSync(path.join(os.tmpdir(), 'stipend-gateway-'))
    const where = { databaseUrl: test.url, masterKeys: [MASTER_KEY] as const, host: '127.0.0.1', port: 0, dataDir, log }
    const { url, steps } = await startGateway({ ...where, ...settings })
    closing.push(async () => {
      for (const step of steps) await step.run(AbortSignal.timeout(step.timeoutMs ?? 10_000))
      rmSync(dataDir, { recursive: true, force: true })
    })
    return url
  }

  const house: House = {
    test,
    scene,
    sandbox,
    url: await start({ limits }),
    start,
    client: (secret) => new OpenAI({ baseURL: house.url, apiKey: secret, maxRetries: 0 }),
    anthropic: (secret) => new Anthropic({ baseURL: house.url.replace(/\/v1$/, ''), authToken: secret, maxRetries: 0 }),
    logged: () => lines.join(''),
    close: async () => {
      await Promise.all(closing.map((close) => close()))
      await sandbox.close()
      await test.drop()
    },
  }
  return house
}
