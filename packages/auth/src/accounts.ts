import type { Actor } from '@stipend/core'
import { newId } from '@stipend/core'
import { DomainError, notFound } from '@stipend/core/errors'
import { type Database, type Membership, withIdentity, withTenant } from '@stipend/db'
import { members, users } from '@stipend/db/schema'
import { eq } from 'drizzle-orm'
import { Attempts } from './attempts.ts'
import { hashPassword, verifyPassword } from './passwords.ts'
import { createSession, type NewSession, type User } from './sessions.ts'

const EMAIL_LENGTH_MAX = 254
const WINDOW_MS = 15 * 60_000
const failuresByEmail = new Attempts({ failuresMax: 10, windowMs: WINDOW_MS })
// A whole school may share one address.
const failuresByAddress = new Attempts({ failuresMax: 100, windowMs: WINDOW_MS })

/**
 * Opens a session for an e-mail address and its password. Throws `invalid_credentials`, the same whichever is wrong and after the
 * same work, or `rate_limited` after 10 failures for an e-mail address or 100 from an internet address in 15 minutes (per process).
 */
export async function signIn(
  database: Database,
  credentials: { email: string; password: string },
  from: { ip: string | null; now: Date },
): Promise<NewSession> {
  const email = normalEmail(credentials.email)
  const succeeded = [failuresByEmail.begin(email.slice(0, EMAIL_LENGTH_MAX), from.now)]
  if (from.ip !== null) succeeded.push(failuresByAddress.begin(from.ip, from.now))

  const [user] = await withIdentity(database, (tx) => tx.select().from(users).where(eq(users.email, email)))
  if (!(await verifyPassword(user?.password_hash ?? null, credentials.password)) || user === undefined) {
    throw new DomainError('invalid_credentials', 'The e-mail address or the password is wrong.')
  }
  for (const forget of succeeded) forget()
  return withIdentity(database, (tx) => createSession(tx, user.id, from.now))
}

/** The person acting in one of their tenants. */
export function actorOf(membership: Membership, user: User): Actor {
  const { tenant_id, member_id, role, location_ids, group_ids } = membership
  return { kind: 'user', tenant_id, user_id: user.id, member_id, role, location_ids, group_ids }
}

/**
 * Lets a member sign in. Whoever has the e-mail address already keeps their account and password and gets this membership as
 * well: the caller must know that the address is theirs. `is_new` tells which it was.
 */
export async function createAccount(
  database: Database,
  account: { tenant_id: string; member_id: string; email: string; password: string },
): Promise<{ user_id: string; is_new: boolean }> {
  const email = normalEmail(account.email)
  const password_hash = await hashPassword(account.password)
  const user = await withIdentity(database, async (tx) => {
    const [made] = await tx
      .insert(users)
      .values({ id: newId('user'), email, password_hash })
      .onConflictDoNothing()
      .returning({ id: users.id })
    if (made !== undefined) return { user_id: made.id, is_new: true }
    const [known] = await tx.select({ id: users.id }).from(users).where(eq(users.email, email))
    if (known === undefined) throw new Error('an account was there and is gone')
    return { user_id: known.id, is_new: false }
  })
  await withTenant(database, account.tenant_id, async (tx) => {
    const linked = await tx
      .update(members)
      .set({ user_id: user.user_id })
      .where(eq(members.id, account.member_id))
      .returning({ id: members.id })
    if (linked.length === 0) throw notFound('member')
  })
  return user
}

function normalEmail(email: string): string {
  return email.trim().toLowerCase()
}
