import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createBehaviours, type Instruction } from './behaviour.ts'
import type { SeenRequest } from './controls.ts'
import { createPromptCache } from './prompt-cache.ts'
import { createProviderServer } from './server.ts'
import { createLedger, type Stats } from './stats.ts'

export type { Behaviour, Instruction } from './behaviour.ts'
export type { SeenRequest } from './controls.ts'
export { MODELS } from './models.ts'
export type { Figures, Stats } from './stats.ts'

export type SandboxProvider = {
  /** Without a path, such as `http://127.0.0.1:3003`. */
  url: string
  port: number
  /** What was served since the start or the last reset. */
  stats(): Stats
  /** Counts begin at zero and no prompt counts as seen. What was configured stays. */
  reset(): void
  /**
   * For all requests from now on (`{}`: behave), or for the `next` so many, after those told before. Throws a `ZodError` for what
   * doesn't exist.
   */
  configure(instruction: Instruction): void
  /** The last completion request as it arrived, credential included. */
  lastRequest(): SeenRequest | undefined
  /** Ends running answers as well. */
  close(): Promise<void>
}

/**
 * Starts a model provider that is not one: it speaks OpenAI's API, counts real tokens, answers at once and for nothing, and misbehaves on
 * request. `port` 0, the default, takes a free one. With `credential`, requests need it as their key. README.md says what it can do.
 */
export async function startSandboxProvider(
  options: { port?: number; host?: string; credential?: string | undefined } = {},
): Promise<SandboxProvider> {
  const { port = 0, host = '127.0.0.1', credential } = options
  const behaviours = createBehaviours()
  const ledger = createLedger()
  let promptCache = createPromptCache()
  let seen: (() => SeenRequest) | undefined

  const reset = () => {
    ledger.reset()
    promptCache = createPromptCache()
  }
  const lastRequest = () => seen?.()
  const server = createProviderServer({
    credential,
    behaviours,
    ledger,
    promptCache: () => promptCache,
    reset,
    lastRequest,
    saw({ method = '', url: path = '', headers }, body) {
      seen = () => ({
        method,
        path,
        headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
        body,
      })
    },
  })
  server.listen({ port, host, backlog: 4_096 })
  await once(server, 'listening')
  const address = server.address() as AddressInfo

  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    port: address.port,
    stats: () => ledger.stats(),
    reset,
    configure: (instruction) => behaviours.configure(instruction),
    lastRequest,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
