import { createLog, onShutdown } from '@stipend/runtime'
import { env } from './env.ts'
import { startSandboxStripe } from './index.ts'

const { log_level, ...options } = env
const log = createLog({ app: 'sandbox-stripe', level: log_level })
const stripe = await startSandboxStripe(options)
onShutdown(log, [{ name: 'sandbox stripe', run: () => stripe.close() }])
log.info({ url: stripe.url }, 'listening')
