import {
  acceptInvitation,
  actorOf,
  keptMails,
  membershipsOfUser,
  readInvitation,
  readPasswordReset,
  requestPasswordReset,
  resetPassword,
  resolveSession,
  sessionCookie,
  signIn,
  signOut,
  signUp,
} from '@stipend/auth'
import {
  asDomainError,
  type Dependencies,
  type ErrorCode,
  type FieldError,
  may,
  PERMISSIONS,
  type TenantPermission,
} from '@stipend/core'
import type { Database } from '@stipend/db'
import { type Log, Outbound } from '@stipend/runtime'
import { ERRORS } from '@stipend/wire/errors'
import { appRouter, createCaller } from '@stipend/wire/trpc'
import { TRPCError } from '@trpc/server'
import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import type { Env } from './env.ts'

/** For trying a provider out: somebody is waiting. */
const CONNECT_MS = 5_000

export type Session = NonNullable<Awaited<ReturnType<typeof readSession>>>
export type Membership = Session['memberships'][number]
export type Caller = ReturnType<typeof createCaller>
export type UsageEvent = Awaited<ReturnType<Caller['usage']['list']>>['data'][number]
/** One request, as the audit log and limits on sign-in want it. */
export type Facts = { request_id: string; ip: string | null; idempotency_key?: string | undefined }

export type Explained = {
  status: number
  code: ErrorCode
  message: string
  fields: FieldError[]
  retry_after_seconds: number | null
}

/**
 * What pages get from the process that serves them, by way of Remix's load context. The packages run once, in this process;
 * the bundle that Vite makes of the pages holds none of them, only their types.
 */
export type Backend = ReturnType<typeof createBackend>

export function createBackend(env: Env, database: Database, log: Log) {
  const outbound = new Outbound({ allow: env.allowed_hosts, connectMs: CONNECT_MS })
  const deps: Dependencies = { database, masterKeys: env.master_keys, reach: (url, how) => outbound.request(url, how) }
  const contextOf = (session: Session, membership: Membership, facts: Facts) => ({
    deps,
    actor: actorOf(membership, session.user),
    request: { request_id: facts.request_id, ip: facts.ip },
    idempotency_key: facts.idempotency_key,
  })

  return {
    log,
    gateway_url: env.gateway_url,
    api_url: env.api_url,
    cookie: sessionCookie({ secure: env.secure_cookies }),

    signIn: (credentials: { email: string; password: string }, ip: string | null) =>
      signIn(database, credentials, { ip, now: new Date() }),
    signOut: (token: string) => signOut(database, token),
    signUp: (email: string, ip: string | null) => signUp(database, email, { ip, now: new Date() }),
    readInvitation: (secret: string) => readInvitation(database, secret, new Date()),
    acceptInvitation: (secret: string, person: { name: string; password: string | null }, facts: Facts) =>
      acceptInvitation(database, secret, person, { ...facts, now: new Date() }),
    requestPasswordReset: (email: string, ip: string | null) =>
      requestPasswordReset(database, email, { ip, now: new Date() }),
    readPasswordReset: (secret: string) => readPasswordReset(database, secret, new Date()),
    resetPassword: (secret: string, password: string) => resetPassword(database, secret, password, new Date()),
    /** Mails that were kept instead of sent; null where none are. */
    keptMails: async () => (env.keep_mails ? keptMails(database, new Date()) : null),
    session: (token: string) => readSession(database, token),

    /** Operations as one member of one tenant. */
    caller: (session: Session, membership: Membership, facts: Facts): Caller =>
      createCaller(contextOf(session, membership, facts)),

    /** What this person may do, so that the navigation offers nothing else. The operations decide for themselves. */
    permissions: (session: Session, membership: Membership): TenantPermission[] =>
      PERMISSIONS.filter((permission) => may(actorOf(membership, session.user), permission)),

    /** The same operations for the browser's own client. */
    trpc: (request: Request, endpoint: string, session: Session, membership: Membership, facts: Facts) =>
      fetchRequestHandler({
        endpoint,
        req: request,
        router: appRouter,
        createContext: () => contextOf(session, membership, facts),
      }),

    /** An error of an operation in words for a page. What isn't ours to show is logged and masked. */
    explain(error: unknown, facts: Facts): Explained {
      // tRPC wraps what an operation throws.
      const { code, message, details, cause } = asDomainError(error instanceof TRPCError ? error.cause : error)
      if (ERRORS[code].status >= 500) {
        log.error({ request_id: facts.request_id, code, err: cause ?? error }, 'a page failed')
      }
      return {
        status: ERRORS[code].status,
        code,
        message,
        fields: details.fields ?? [],
        retry_after_seconds: details.retry_after_seconds ?? null,
      }
    },
  }
}

async function readSession(database: Database, token: string) {
  const resolved = await resolveSession(database, token, new Date())
  if (resolved === null) return null
  return { ...resolved, memberships: await membershipsOfUser(database, resolved.user.id) }
}
