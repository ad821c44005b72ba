import type { Backend, Facts, Session } from '../backend.ts'

declare module '@remix-run/node' {
  interface AppLoadContext {
    backend: Backend
    nonce: string
    facts: Facts
    /** The session of this request, looked up once however many loaders ask. */
    memo: Map<'session', Promise<Session | null>>
  }
}
