import { setFlagsFromString } from 'node:v8'
import { createLog, onShutdown } from '@stipend/runtime'
import { readEnv } from './env.ts'
import { startGateway } from './start.ts'

// Where objects of long streams live long, V8 begins to put those that the same code makes for any request among the old ones. There
// they stay until the next full collection, and their prompts with them: a long prompt took twice as long as before.
setFlagsFromString('--no-allocation-site-pretenuring')

const env = readEnv()
const log = createLog({ app: 'gateway', level: env.logLevel })
const { url, steps } = await startGateway({ ...env, log })
onShutdown(log, steps)
log.info({ url }, 'listening')
