export { EnvError, parseEnv, variable } from './env.ts'
export { createLog, type Log, logQuickly } from './log.ts'
export { redactText } from './redact.ts'
export { onShutdown, type ShutdownStep } from './shutdown.ts'
