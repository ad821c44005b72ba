import { createHash, randomBytes } from 'node:crypto'
import { DrizzlePostgreSQLAdapter } from '@lucia-auth/adapter-drizzle'
import { type Database, type IdentityTx, withIdentity } from '@stipend/db'
import { sessions, users } from '@stipend/db/schema'
import { type Adapter, Lucia, TimeSpan } from 'lucia'

declare module 'lucia' {
  interface Register {
    Lucia: ReturnType<typeof luciaOn>
    DatabaseUserAttributes: { email: string }
  }
}

const LIFETIME = new TimeSpan(30, 'd')
const TOKEN_BYTES = 32

export type User = { id: string; email: string }
export type Session = {
  user: User
  expires_at: Date
  /** Its time was just extended: set the cookie anew. */
  is_fresh: boolean
}
export type NewSession = {
  /** For the cookie, and kept nowhere else: the database has its SHA-256. */
  token: string
  expires_at: Date
}

/** Opens a session of 30 days, once it is known who is there. */
export async function createSession(tx: IdentityTx, userId: string, now: Date): Promise<NewSession> {
  const lucia = luciaOn(tx, now)
  // People sign in now and then, so no job has to do this.
  await lucia.deleteExpiredSessions()
  const token = randomBytes(TOKEN_BYTES).toString('base64url')
  await lucia.createSession(userId, {}, { sessionId: sessionIdOf(token) })
  return { token, expires_at: new Date(now.getTime() + LIFETIME.milliseconds()) }
}

/** Who the holder of a cookie is, or null. In the second half of its time a session gets another 30 days. */
export async function resolveSession(database: Database, token: string, now: Date): Promise<Session | null> {
  if (!isToken(token)) return null
  const { session, user } = await withIdentity(database, (tx) => luciaOn(tx, now).validateSession(sessionIdOf(token)))
  if (session === null) return null
  // Lucia's own idea of the expiry is on the system's clock: see `onClock`.
  const left = session.expiresAt.getTime() - Date.now()
  return {
    user: { id: user.id, email: user.email },
    expires_at: new Date(now.getTime() + left),
    is_fresh: session.fresh,
  }
}

/** Ends the session of a cookie, and of every copy of it. */
export async function signOut(database: Database, token: string): Promise<void> {
  if (!isToken(token)) return
  await withIdentity(database, (tx) => luciaOn(tx, new Date()).invalidateSession(sessionIdOf(token)))
}

/** Made anew for each transaction: nothing here can reach an account outside of one. */
function luciaOn(tx: IdentityTx, now: Date) {
  return new Lucia(onClock(new DrizzlePostgreSQLAdapter(tx, sessions, users), now), {
    sessionExpiresIn: LIFETIME,
    getUserAttributes: ({ email }) => ({ email }),
  })
}

/** Lucia asks the system's clock. Shifting the expiries that pass through makes the given time the one that counts. */
function onClock(adapter: Adapter, now: Date): Adapter {
  const ahead = now.getTime() - Date.now()
  const shifted = (date: Date, by: number) => new Date(date.getTime() + by)
  const clocked: Partial<Adapter> = {
    getSessionAndUser: async (id) => {
      const [session, user] = await adapter.getSessionAndUser(id)
      return [session && { ...session, expiresAt: shifted(session.expiresAt, -ahead) }, user]
    },
    setSession: (session) => adapter.setSession({ ...session, expiresAt: shifted(session.expiresAt, ahead) }),
    updateSessionExpiration: (id, at) => adapter.updateSessionExpiration(id, shifted(at, ahead)),
  }
  return Object.assign(Object.create(adapter), clocked)
}

function isToken(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text)
}

function sessionIdOf(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
