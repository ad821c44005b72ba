import { createLog, onShutdown } from '@stipend/runtime'
import { readEnv } from './env.ts'
import { startGateway } from './start.ts'

const env = readEnv()
const log = createLog({ app: 'gateway', level: env.logLevel })
const { url, steps } = await startGateway({ ...env, log })
onShutdown(log, steps)
log.info({ url }, 'listening')
