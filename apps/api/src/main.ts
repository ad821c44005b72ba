import { createPayments } from '@stipend/billing'
import { close, connect } from '@stipend/db'
import { createLog, onShutdown } from '@stipend/runtime'
import { env } from './env.ts'
import { createServer } from './server.ts'

const { database_url, host, port, log_level, payments } = env()
const log = createLog({ app: 'api', level: log_level })
const database = connect(database_url, { applicationName: 'stipend api' })
const server = createServer({ database, log, payments: createPayments(payments) })

onShutdown(log, [
  { name: 'finish requests', run: () => server.close() },
  { name: 'close the database', run: () => close(database) },
])

const address = await server.listen({ host, port })
log.info({ address }, 'listening')
