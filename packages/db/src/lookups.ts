import { type Database, inner } from './connect.ts'

/**
 * What isn't asked inside one tenant: the callers of the named functions in `sql/`. Each is one round trip.
 */

export type Membership = {
  tenant_id: string
  tenant_slug: string
  tenant_kind: 'school' | 'company'
  tenant_name: string
  time_zone: string
  accent_color: string
  member_id: string
  member_name: string
  role: 'owner' | 'admin' | 'auditor' | 'billing' | 'member'
  /** Null: the whole tenant. */
  location_ids: string[] | null
  /** The groups a member leads; null for the other roles, which no group confines. */
  group_ids: string[] | null
}

/** Where a person who signed in belongs, by name of tenant. Deactivated memberships are left out. */
export async function membershipsOfUser(database: Database, userId: string): Promise<Membership[]> {
  return [...(await inner(database).client<Membership[]>`select * from app.memberships_of_user(${userId})`)]
}

export type FoundServiceToken = { tenant_id: string; id: string; scopes: string[] }

/** A service token that isn't revoked, by the SHA-256 of its secret. */
export async function findServiceToken(database: Database, secretHash: Buffer): Promise<FoundServiceToken | null> {
  const rows = await inner(database).client<FoundServiceToken[]>`select * from app.find_service_token(${secretHash})`
  return rows[0] ?? null
}

/** The key with the SHA-256 of its secret, whatever its state. */
export async function findKey(
  database: Database,
  secretHash: Buffer,
): Promise<{ tenant_id: string; id: string } | null> {
  const { client } = inner(database)
  const rows = await client<{ tenant_id: string; id: string }[]>`select * from app.find_key(${secretHash})`
  return rows[0] ?? null
}

/** An invitation by the SHA-256 of the secret in its link. */
export async function findInvitation(
  database: Database,
  secretHash: Buffer,
): Promise<{ tenant_id: string; id: string } | null> {
  const { client } = inner(database)
  const rows = await client<{ tenant_id: string; id: string }[]>`select * from app.find_invitation(${secretHash})`
  return rows[0] ?? null
}

/** Tenants that let people of a mail domain in. `domain` is in lower case. */
export async function tenantsOfDomain(database: Database, domain: string): Promise<string[]> {
  const rows = await inner(database).client<{ id: string }[]>`select id from app.tenants_of_domain(${domain})`
  return rows.map((row) => row.id)
}

/** A mail and whose it is; one about an account is no tenant's. */
export type MailRef = { tenant_id: string | null; id: string }

/** Mails whose time to be sent has come, the longest waiting first. */
export async function dueMails(database: Database, now: Date, limit: number): Promise<MailRef[]> {
  return [
    ...(await inner(database).client<
      MailRef[]
    >`select * from app.due_mails(${now.toISOString()}::timestamptz, ${limit})`),
  ]
}

/** Mails made before a moment, newest first. */
export async function mailsBefore(database: Database, before: Date, limit: number): Promise<MailRef[]> {
  return [
    ...(await inner(database).client<
      MailRef[]
    >`select * from app.mails_before(${before.toISOString()}::timestamptz, ${limit})`),
  ]
}

export async function allTenants(database: Database): Promise<{ id: string; slug: string }[]> {
  return [...(await inner(database).client<{ id: string; slug: string }[]>`select * from app.all_tenants()`)]
}

/** The tenant that is this customer at Stripe. */
export async function tenantOfStripeCustomer(database: Database, customer: string): Promise<string | null> {
  const rows = await inner(database).client<
    { tenant_id: string | null }[]
  >`select app.find_stripe_customer(${customer}) as tenant_id`
  return rows[0]?.tenant_id ?? null
}

/** Tenants whose balance is to be topped up by itself. */
export async function tenantsWithAutomaticTopUp(database: Database): Promise<string[]> {
  const rows = await inner(database).client<{ tenant_id: string }[]>`select * from app.automatic_top_ups()`
  return rows.map((row) => row.tenant_id)
}

/** Payments of which the end isn't known yet. */
export async function unsettledPayments(database: Database): Promise<{ tenant_id: string; id: string }[]> {
  return [
    ...(await inner(database).client<{ tenant_id: string; id: string }[]>`select * from app.unsettled_payments()`),
  ]
}

/** Refusals are error codes of core; the database knows which one applies. */
export type DrawRefusal =
  | 'invalid_api_key'
  | 'key_revoked'
  | 'key_disabled'
  | 'key_expired'
  | 'key_not_yet_valid'
  | 'budget_exhausted'
  | 'allocation_exhausted'
  | 'balance_exhausted'
  /** A renewal has come since the lease was drawn: ask again with a new one. */
  | 'lease_outdated'

export type DrawRow = {
  refusal: DrawRefusal | null
  tenant_id: string
  key_id: string
  member_id: string
  allocation_id: string | null
  granted_nanos: bigint | null
  /** Of a refusal for want of money: what the shortest account still has, and what is leased from it. */
  available_nanos: bigint | null
  leased_nanos: bigint | null
  valid_from: Date | null
  valid_until: Date | null
  disabled_at: Date | null
  revoked_at: Date | null
  time_zone: string
  /** Of a refusal for want of money: when the account renews. */
  renews_at: Date | null
  /** When the first of the periods drawn from ends; null where none does. */
  ends_at: Date | null
  /** The database's clock. */
  at: Date
  provider_id: string | null
  allowed_models: string[] | null
  allowed_ips: string[] | null
  requests_per_minute: number | null
  group_ids: string[]
  member_kind: 'student' | 'staff' | 'employee'
  member_role: Membership['role']
  location_id: string | null
}

/** `app.draw`: who a key is, and a lease out of its account chain. `at` is for tests; the database's clock otherwise. */
export async function drawLease(
  database: Database,
  args: {
    secret_hash: Buffer
    gateway_id: string
    lease_id: string
    want_nanos: bigint
    least_nanos: bigint
    uses_balance: boolean
    at?: Date | undefined
  },
): Promise<DrawRow> {
  const { client } = inner(database)
  const [row] = await client<RawDraw[]>`
    select * from app.draw(${args.secret_hash}, ${args.gateway_id}, ${args.lease_id}, ${args.want_nanos.toString()}::bigint,
      ${args.least_nanos.toString()}::bigint, ${args.uses_balance}, ${args.at?.toISOString() ?? null}::timestamptz)`
  if (row === undefined) throw new Error('app.draw answered nothing')
  return {
    ...row,
    granted_nanos: toBigint(row.granted_nanos),
    available_nanos: toBigint(row.available_nanos),
    leased_nanos: toBigint(row.leased_nanos),
    valid_from: toDate(row.valid_from),
    valid_until: toDate(row.valid_until),
    disabled_at: toDate(row.disabled_at),
    revoked_at: toDate(row.revoked_at),
    renews_at: toDate(row.renews_at),
    ends_at: toDate(row.ends_at),
    at: new Date(row.at ?? 0),
  }
}

// Drizzle takes over how the driver reads and writes times and JSON: both go through here as text.
type AsText =
  | 'granted_nanos'
  | 'available_nanos'
  | 'leased_nanos'
  | 'valid_from'
  | 'valid_until'
  | 'disabled_at'
  | 'revoked_at'
  | 'renews_at'
  | 'ends_at'
  | 'at'
type RawDraw = Omit<DrawRow, AsText> & Record<AsText, string | null>

const toBigint = (text: string | null): bigint | null => (text === null ? null : BigInt(text))
const toDate = (text: string | null): Date | null => (text === null ? null : new Date(text))

/** `app.give_back_all`: gives back a gateway's leases but those `inUse`, and says how many. */
export async function giveBackLeases(
  database: Database,
  gatewayId: string,
  inUse: readonly string[] = [],
): Promise<number> {
  const rows = await inner(database).client<
    { given: number }[]
  >`select app.give_back_all(${gatewayId}, ${[...inUse]}::text[]) as given`
  return rows[0]?.given ?? 0
}

/** All leases the database has of a gateway. */
export async function leasesOfGateway(
  database: Database,
  gatewayId: string,
): Promise<{ tenant_id: string; id: string }[]> {
  const { client } = inner(database)
  return [...(await client<{ tenant_id: string; id: string }[]>`select * from app.leases_of_gateway(${gatewayId})`)]
}

/** Says that a gateway is alive, and answers the ids of those not seen for `deadAfterSeconds` that still hold leases. */
export async function reportGateway(
  database: Database,
  gatewayId: string,
  deadAfterSeconds: number,
): Promise<string[]> {
  const { client } = inner(database)
  await client`
    insert into gateways (id, last_seen_at) values (${gatewayId}, clock_timestamp())
    on conflict (id) do update set last_seen_at = excluded.last_seen_at`
  const rows = await client<{ id: string }[]>`
    select g.id from gateways g
     where g.last_seen_at < clock_timestamp() - make_interval(secs => ${deadAfterSeconds})
       and exists (select from app.leases_of_gateway(g.id))`
  return rows.map((row) => row.id)
}

/** Makes the partitions of usage events for the months to come. */
export async function ensureUsagePartitions(database: Database): Promise<void> {
  await inner(database).client`select app.ensure_usage_partitions()`
}
