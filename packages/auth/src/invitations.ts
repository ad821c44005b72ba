import { newId } from '@stipend/core'
import { DomainError, notFound } from '@stipend/core/errors'
import { type Database, findInvitation, type TenantTx, withIdentity, withTenant } from '@stipend/db'
import { audit_entries, invitations, locations, members, sign_up_domains, tenants, users } from '@stipend/db/schema'
import { and, eq, gt, isNull } from 'drizzle-orm'
import { isLinkSecret, linkHash } from './links.ts'
import { hashPassword } from './passwords.ts'
import { createSession, type NewSession } from './sessions.ts'

/** What the page behind a link shows before it is accepted. */
export type Invitation = {
  email: string
  /** As those who invited them wrote it; nothing for somebody who signs up. */
  name: string
  tenant_name: string
  tenant_kind: 'school' | 'company'
  location_name: string | null
  invited_by: string | null
  /** They have an account already: they keep its password. */
  has_account: boolean
}

const ENDED = new DomainError(
  'not_found',
  'This link does not work any more: it was used, replaced by a newer mail, withdrawn, or it has expired. Ask for a new one.',
)

type Open = { tenant_id: string; row: typeof invitations.$inferSelect }

async function openInvitation(database: Database, secret: string, now: Date): Promise<Open> {
  const found = isLinkSecret(secret) ? await findInvitation(database, linkHash(secret)) : null
  if (found === null) throw ENDED
  const row = await withTenant(database, found.tenant_id, (tx) => findOpen(tx, found.id, now))
  if (row === undefined) throw ENDED
  return { tenant_id: found.tenant_id, row }
}

async function findOpen(tx: TenantTx, id: string, now: Date, lock = false) {
  const rows = tx
    .select()
    .from(invitations)
    .where(
      and(
        eq(invitations.id, id),
        isNull(invitations.accepted_at),
        isNull(invitations.revoked_at),
        gt(invitations.expires_at, now.toISOString()),
      ),
    )
  const [row] = await (lock ? rows.for('update') : rows)
  return row
}

/** Who is invited, and to what, by the secret of a link. Throws not_found for a link that has ended, whatever ended it. */
export async function readInvitation(database: Database, secret: string, now: Date): Promise<Invitation> {
  const { tenant_id, row } = await openInvitation(database, secret, now)
  const facts = await withTenant(database, tenant_id, async (tx) => {
    const [tenant] = await tx.select({ name: tenants.name, kind: tenants.kind }).from(tenants)
    const [member] =
      row.member_id === null
        ? []
        : await tx
            .select({ name: members.name, location_name: locations.name })
            .from(members)
            .leftJoin(locations, and(eq(locations.tenant_id, members.tenant_id), eq(locations.id, members.location_id)))
            .where(eq(members.id, row.member_id))
    const [inviter] = await tx.select({ name: members.name }).from(members).where(eq(members.id, row.created_by))
    return { tenant, member, inviter }
  })
  if (facts.tenant === undefined) throw ENDED
  const [user] = await withIdentity(database, (tx) =>
    tx.select({ id: users.id }).from(users).where(eq(users.email, row.email)),
  )
  return {
    email: row.email,
    name: facts.member?.name ?? '',
    tenant_name: facts.tenant.name,
    tenant_kind: facts.tenant.kind,
    location_name: facts.member?.location_name ?? null,
    invited_by: row.kind === 'invitation' ? (facts.inviter?.name ?? null) : null,
    has_account: user !== undefined,
  }
}

/**
 * Accepts an invitation, for once: makes the account or takes the one that has this address, links it to the member (who is made
 * now if they sign up by their domain), and signs them in. The mail has proven that the address is theirs.
 */
export async function acceptInvitation(
  database: Database,
  secret: string,
  person: { name: string; password: string | null },
  from: { ip: string | null; request_id: string; now: Date },
): Promise<NewSession & { tenant_slug: string }> {
  const { tenant_id, row } = await openInvitation(database, secret, from.now)
  const user_id = await accountFor(database, row.email, person.password)
  const tenant_slug = await withTenant(database, tenant_id, async (tx) => {
    // Two who open the link at once wait here for each other, and one of them is too late.
    if ((await findOpen(tx, row.id, from.now, true)) === undefined) throw ENDED
    const member_id = await memberFor(tx, row, person.name)
    const linked = await tx.$count(members, and(eq(members.user_id, user_id), isNull(members.removed_at)))
    if (linked > 0) {
      throw new DomainError('conflict', 'This account belongs to this organisation already. Sign in with its password.')
    }
    const [updated] = await tx
      .update(members)
      .set({ user_id, name: person.name })
      .where(
        and(
          eq(members.id, member_id),
          isNull(members.user_id),
          isNull(members.removed_at),
          isNull(members.deactivated_at),
        ),
      )
      .returning({ id: members.id })
    if (updated === undefined) throw ENDED
    await tx
      .update(invitations)
      .set({ accepted_at: from.now.toISOString(), member_id, secret_hash: null })
      .where(eq(invitations.id, row.id))
    await tx.insert(audit_entries).values({
      id: newId('audit'),
      actor_kind: 'user',
      actor_id: member_id,
      operation: 'invitations.accept',
      target_id: member_id,
      after: { name: person.name, kind: row.kind },
      ip: from.ip,
      request_id: from.request_id,
    })
    const [tenant] = await tx.select({ slug: tenants.slug }).from(tenants)
    if (tenant === undefined) throw ENDED
    return tenant.slug
  })
  const session = await withIdentity(database, (tx) => createSession(tx, user_id, from.now))
  return { ...session, tenant_slug }
}

async function accountFor(database: Database, email: string, password: string | null): Promise<string> {
  const find = () =>
    withIdentity(
      database,
      async (tx) => (await tx.select({ id: users.id }).from(users).where(eq(users.email, email)))[0],
    )
  const known = await find()
  if (known !== undefined) return known.id
  const password_hash = await hashPassword(password ?? '')
  const id = newId('user')
  await withIdentity(database, (tx) => tx.insert(users).values({ id, email, password_hash }).onConflictDoNothing())
  const made = await find()
  if (made === undefined) throw new Error('an account was there and is gone')
  return made.id
}

async function memberFor(tx: TenantTx, row: Open['row'], name: string): Promise<string> {
  if (row.member_id !== null) return row.member_id
  const [known] = await tx
    .select({ id: members.id })
    .from(members)
    .where(and(eq(members.email, row.email), isNull(members.removed_at)))
  if (known !== undefined) return known.id
  const [domain] = await tx
    .select()
    .from(sign_up_domains)
    .where(eq(sign_up_domains.domain, domainOf(row.email)))
  if (domain === undefined) throw notFound('invitation')
  const { kind, role, location_id } = domain
  const id = newId('member')
  await tx.insert(members).values({ id, name, email: row.email, kind, role, location_id })
  return id
}

export function domainOf(email: string): string {
  return email.slice(email.lastIndexOf('@') + 1)
}
