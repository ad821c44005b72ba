import { setFlagsFromString } from 'node:v8'
import { createLog, onShutdown } from '@stipend/runtime'
import { readEnv } from './env.ts'
import { startGateway } from './start.ts'

// After a time of long streams V8 would make the objects of all requests old from the start. They die as young as before, but what they
// refer to, prompts among it, then stays until the next full collection: twice the time for a long prompt.
setFlagsFromString('--no-allocation-site-pretenuring')

const env = readEnv()
const log = createLog({ app: 'gateway', level: env.logLevel })
const { url, steps } = await startGateway({ ...env, log })
onShutdown(log, steps)
log.info({ url }, 'listening')
