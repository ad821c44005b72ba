import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { type MasterKeys, newId, reportHealth } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import { close, connect, ensureUsagePartitions } from '@stipend/db'
import { type Log, Outbound, type ShutdownStep } from '@stipend/runtime'
import type { BodyLimits } from './body.ts'
import { Catalogue } from './catalogue.ts'
import { Door } from './door.ts'
import type { Gateway } from './gateway.ts'
import { Providers } from './health.ts'
import { gatewayIdentity, Journal, lockFolder } from './journal.ts'
import { KeptResponses } from './kept.ts'
import { Purses } from './purses.ts'
import { Rules } from './rules.ts'
import { Running } from './running.ts'
import { createGatewayServer } from './server.ts'
import { Titles } from './titles.ts'
import { warmUp } from './tokens.ts'
import { PATIENCE, type ProviderPatience, Upstreams } from './upstream.ts'

export type StartOptions = {
  databaseUrl: string
  masterKeys: MasterKeys
  host: string
  /** 0 takes a free one. */
  port: number
  dataDir: string
  log: Log
  limits?: Partial<BodyLimits>
  patience?: Partial<ProviderPatience>
  /** Hosts and blocks of addresses outside of the internet that providers of tenants may be at. */
  allowedHosts?: readonly string[]
  /** How many proxies of our own stand in front and say where a request comes from. */
  trustedProxies?: number
}

const LIMITS: BodyLimits = { bytesMax: 8 * 1024 * 1024, silenceMs: 15_000, headersMs: 15_000 }
const CONNECTIONS_MAX = 20
/** A ledger that takes longer than this doesn't answer at all. */
const STATEMENT_TIMEOUT_MS = 10_000
/** How often the gateway writes down how providers do. */
const HEALTH_MS = 5_000
const A_DAY_MS = 24 * 60 * 60 * 1000

/** Starts a gateway: replays its journal, reads the catalogue, listens. `steps` end it in order. */
export async function startGateway(options: StartOptions): Promise<{ url: string; steps: ShutdownStep[] }> {
  const { log, masterKeys, dataDir } = options
  const gatewayId = gatewayIdentity(dataDir, () => newId('gateway'))
  const unlock = lockFolder(dataDir)
  const database = connect(options.databaseUrl, {
    applicationName: `stipend gateway ${gatewayId}`,
    max: CONNECTIONS_MAX,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  })
  const journal = new Journal(path.join(dataDir, 'journal'))
  const catalogue = new Catalogue({ database, masterKeys, log })
  const onCatalogue = (tenantId?: string) => catalogue.changed(tenantId)
  const rules: Rules = new Rules({
    database,
    log,
    now: () => purses.now(),
    isChannelUp: () => purses.isChannelUp,
    isAway: () => purses.ledger.isAway,
  })
  const onRules = (tenantId?: string) => rules.changed(tenantId)
  const purses: Purses = new Purses({ database, gatewayId, journal, log, onCatalogue, onRules })
  const patience = { ...PATIENCE, ...options.patience }
  const outbound = new Outbound({ allow: options.allowedHosts ?? [], connectMs: patience.connectMs })
  const upstreams = new Upstreams(outbound, patience)

  await purses.ledger.recover()
  await catalogue.refresh()
  await ensureUsagePartitions(database)
  setInterval(
    () => void ensureUsagePartitions(database).catch((err) => log.error({ err }, 'no partition made')),
    A_DAY_MS,
  ).unref()
  warmUp()

  const limits = { ...LIMITS, ...options.limits }
  const running = new Running()
  const providers = new Providers()
  const health = setInterval(() => {
    const news = providers.news(performance.now())
    if (news.length === 0) return
    // Whoever can't be told now is told the next time.
    reportHealth(database, gatewayId, news).catch((err: unknown) => log.warn({ err }, 'health not told'))
  }, HEALTH_MS)
  const gateway: Gateway = {
    gatewayId,
    database,
    catalogue,
    journal,
    purses,
    kept: new KeptResponses(database, log),
    titles: new Titles(database, log),
    rules,
    door: new Door(purses, options.trustedProxies ?? 0),
    upstreams,
    providers,
    patience,
    limits,
    log,
    running,
  }
  const server = createGatewayServer(gateway)
  server.listen(options.port, options.host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const steps: ShutdownStep[] = [
    {
      name: 'finish running requests',
      timeoutMs: 35_000,
      run: async (deadline) => {
        const closed = once(server, 'close')
        server.close()
        // Clients keep connections open; each is closed when its last request is through.
        const sweep = setInterval(() => server.closeIdleConnections(), 50)
        const cut = setTimeout(() => running.cutAll(goingAway()), 25_000)
        deadline.addEventListener('abort', () => server.closeAllConnections())
        await closed
        clearInterval(sweep)
        clearTimeout(cut)
      },
    },
    { name: 'settle', timeoutMs: 10_000, run: (deadline) => purses.close(deadline) },
    { name: 'count rules', timeoutMs: 5_000, run: () => rules.close() },
    {
      name: 'close',
      run: async () => {
        clearInterval(health)
        catalogue.close()
        journal.close()
        upstreams.close()
        await close(database)
        unlock()
      },
    },
  ]
  return { url: `http://${options.host}:${port}/v1`, steps }
}

function goingAway(): DomainError {
  return new DomainError('provider_unavailable', 'This gateway is being restarted. Try again.', {
    retry_after_seconds: 5,
  })
}
