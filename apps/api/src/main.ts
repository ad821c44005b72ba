import { createPayments } from '@stipend/billing'
import type { Reach } from '@stipend/core'
import { close, connect } from '@stipend/db'
import { createLog, Outbound, onShutdown } from '@stipend/runtime'
import { env } from './env.ts'
import { createServer } from './server.ts'

const { database_url, master_keys, allowed_hosts, host, port, trusted_proxies, log_level, payments: settings } = env()
const log = createLog({ app: 'api', level: log_level })
const database = connect(database_url, { applicationName: 'stipend api' })
const outbound = new Outbound({ allow: allowed_hosts, connectMs: 5_000 })
const reach: Reach = (url, how) => outbound.request(url, how)
const payments = createPayments(settings)
const server = createServer({
  database,
  masterKeys: master_keys,
  reach,
  log,
  payments,
  trustedProxies: trusted_proxies,
})

onShutdown(log, [
  { name: 'finish requests', run: () => server.close() },
  { name: 'close the database', run: () => close(database) },
])

const address = await server.listen({ host, port })
log.info({ address }, 'listening')
