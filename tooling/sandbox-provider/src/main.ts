import { createLog, onShutdown } from '@stipend/runtime'
import { env } from './env.ts'
import { startSandboxProvider } from './index.ts'

const log = createLog({ app: 'sandbox-provider', level: env.logLevel })
const provider = await startSandboxProvider({ port: env.port, host: env.host, credential: env.credential })
onShutdown(log, [{ name: 'sandbox provider', run: () => provider.close() }])
log.info({ url: provider.url }, 'listening')
