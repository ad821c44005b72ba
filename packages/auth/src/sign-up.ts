import { newId } from '@stipend/core'
import { DomainError, invalidField } from '@stipend/core/errors'
import { type Database, type TenantTx, tenantsOfDomain, withIdentity, withTenant } from '@stipend/db'
import { invitations, mails, members, password_resets, sessions, users } from '@stipend/db/schema'
import { and, eq, gt, isNull, sql } from 'drizzle-orm'
import { Attempts } from './attempts.ts'
import { domainOf } from './invitations.ts'
import { isLinkSecret, linkHash } from './links.ts'
import { hashPassword } from './passwords.ts'
import { createSession, type NewSession } from './sessions.ts'

const HOUR_MS = 3_600_000
const SIGN_UP_HOURS = 24
const RESET_HOURS = 1

const byEmail = new Attempts({ failuresMax: 4, windowMs: HOUR_MS })
// A whole school may share one address.
const byAddress = new Attempts({ failuresMax: 100, windowMs: HOUR_MS })

/** Counts a mail that somebody asks for. Throws `rate_limited` after 4 for an address and 100 from an internet address in an hour. */
function countMail(what: string, email: string, from: { ip: string | null; now: Date }): void {
  byEmail.begin(`${what} ${email}`, from.now)
  if (from.ip !== null) byAddress.begin(from.ip, from.now)
}

function mailAt(now: Date) {
  const at = now.toISOString()
  return { id: newId('mail'), created_at: at, next_attempt_at: at }
}

function normalEmail(email: string): string {
  const text = email.trim().toLowerCase()
  if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text) || text.length > 254) {
    throw invalidField('email', 'Give an e-mail address, such as name@school.example.')
  }
  return text
}

/**
 * Sends whoever may join by their mail domain a link to do so. Answers alike whether they may or not, so that nobody learns who is
 * where; only the holder of the address does.
 */
export async function signUp(
  database: Database,
  address: string,
  from: { ip: string | null; now: Date },
): Promise<void> {
  const email = normalEmail(address)
  countMail('sign up', email, from)
  for (const tenant_id of await tenantsOfDomain(database, domainOf(email))) {
    await withTenant(database, tenant_id, (tx) => inviteThemselves(tx, email, from.now))
  }
}

async function inviteThemselves(tx: TenantTx, email: string, now: Date): Promise<void> {
  const [member] = await tx
    .select({ id: members.id, user_id: members.user_id, deactivated_at: members.deactivated_at })
    .from(members)
    .where(and(eq(members.email, email), isNull(members.removed_at)))
  if (member !== undefined && (member.user_id !== null || member.deactivated_at !== null)) return
  const values = {
    kind: 'sign_up' as const,
    member_id: member?.id ?? null,
    email,
    created_by: 'sign_up',
    created_at: now.toISOString(),
    expires_at: new Date(now.getTime() + SIGN_UP_HOURS * HOUR_MS).toISOString(),
  }
  const [made] = await tx
    .insert(invitations)
    .values({ id: newId('invitation'), ...values })
    .onConflictDoUpdate({
      target: [invitations.tenant_id, invitations.email],
      targetWhere: sql`accepted_at is null and revoked_at is null`,
      set: { ...values, secret_hash: null },
    })
    .returning({ id: invitations.id })
  if (made === undefined) throw new Error('the invitation just made is not there')
  await tx.insert(mails).values({ ...mailAt(now), template: 'sign_up', to_address: email, subject_id: made.id })
}

/** Sends whoever has an account a link to choose a new password. Answers alike for those who have none. */
export async function requestPasswordReset(
  database: Database,
  address: string,
  from: { ip: string | null; now: Date },
): Promise<void> {
  const email = normalEmail(address)
  countMail('reset', email, from)
  await withIdentity(database, async (tx) => {
    const [user] = await tx.select({ id: users.id }).from(users).where(eq(users.email, email))
    if (user === undefined) return
    const id = newId('password_reset')
    const expires_at = new Date(from.now.getTime() + RESET_HOURS * HOUR_MS).toISOString()
    await tx.insert(password_resets).values({ id, user_id: user.id, expires_at })
    await tx
      .insert(mails)
      .values({ ...mailAt(from.now), template: 'password_reset', to_address: email, subject_id: id })
  })
}

const ENDED = new DomainError(
  'not_found',
  'This link does not work any more: it was used, replaced by a newer mail, or an hour has passed. Ask for a new one.',
)

function openReset(secret: string, now: Date) {
  return and(
    eq(password_resets.secret_hash, linkHash(secret)),
    isNull(password_resets.used_at),
    gt(password_resets.expires_at, now.toISOString()),
  )
}

/** Whose password a link is for. Throws not_found for one that has ended. */
export async function readPasswordReset(database: Database, secret: string, now: Date): Promise<{ email: string }> {
  if (!isLinkSecret(secret)) throw ENDED
  const [row] = await withIdentity(database, (tx) =>
    tx
      .select({ email: users.email })
      .from(password_resets)
      .innerJoin(users, eq(users.id, password_resets.user_id))
      .where(openReset(secret, now)),
  )
  if (row === undefined) throw ENDED
  return row
}

/** Sets a new password, for once, ends every session of the account, and opens a new one. */
export async function resetPassword(
  database: Database,
  secret: string,
  password: string,
  now: Date,
): Promise<NewSession> {
  if (!isLinkSecret(secret)) throw ENDED
  await readPasswordReset(database, secret, now)
  const password_hash = await hashPassword(password)
  return withIdentity(database, async (tx) => {
    const [used] = await tx
      .update(password_resets)
      .set({ used_at: now.toISOString(), secret_hash: null })
      .where(openReset(secret, now))
      .returning({ user_id: password_resets.user_id })
    if (used === undefined) throw ENDED
    await tx.update(users).set({ password_hash }).where(eq(users.id, used.user_id))
    await tx.delete(sessions).where(eq(sessions.userId, used.user_id))
    // Other links of theirs have had their day too.
    await tx
      .update(password_resets)
      .set({ used_at: now.toISOString(), secret_hash: null })
      .where(and(eq(password_resets.user_id, used.user_id), isNull(password_resets.used_at)))
    return createSession(tx, used.user_id, now)
  })
}
