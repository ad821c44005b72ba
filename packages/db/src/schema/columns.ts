import { sql } from 'drizzle-orm'
import { bigint, customType, pgPolicy, pgRole, text } from 'drizzle-orm/pg-core'

/** Owns the tables; migrations run as it. */
export const ownerRole = pgRole('stipend_owner').existing()
/** What the programs sign in as: owns nothing, bypasses nothing. */
export const appRole = pgRole('stipend_app').existing()
/** Owns the few look-ups that cross tenants. Nobody signs in as it. */
export const lookupRole = pgRole('stipend_lookup').existing()

/** A moment, to the millisecond; in TypeScript an RFC 3339 string in UTC, as it goes over the wire. */
export const instant = customType<{ data: string; driverData: string }>({
  dataType: () => 'timestamp(3) with time zone',
  fromDriver: (value) => new Date(value).toISOString(),
})

export const bytes = customType<{ data: Buffer; driverData: Buffer }>({ dataType: () => 'bytea' })

/** Money: nanodollars, 1e-9 US dollars. */
export const nanos = (name: string) => bigint(name, { mode: 'bigint' })

/** The tenant a row belongs to, filled from the transaction: code never passes it, so it can't pass the wrong one. */
export const tenantId = () => text('tenant_id').notNull().default(sql`app.current_tenant()`)

const here = sql`tenant_id = (select app.current_tenant())`

/** Rows of the transaction's tenant, and no others. Without a tenant in scope a query raises. */
export const tenantPolicy = () =>
  pgPolicy('tenant', { for: 'all', to: [appRole, ownerRole], using: here, withCheck: here })

/** Lets the look-up functions read a table across tenants. */
export const lookupPolicy = () => pgPolicy('lookup', { for: 'select', to: [lookupRole], using: sql`true` })

/** Rows of no tenant belong to the platform: everyone reads them, and only the platform's own transactions write them. */
const sharedRead = sql`tenant_id is null or tenant_id = app.tenant_or_null()`
const sharedWrite = sql`case when tenant_id is null then app.is_platform() else tenant_id = app.tenant_or_null() end`
export const sharedPolicies = () => [
  pgPolicy('shared_read', { for: 'select', to: [appRole, ownerRole], using: sharedRead }),
  pgPolicy('shared_insert', { for: 'insert', to: [appRole, ownerRole], withCheck: sharedWrite }),
  pgPolicy('shared_update', { for: 'update', to: [appRole, ownerRole], using: sharedWrite, withCheck: sharedWrite }),
]

/** The platform's own rows are not for tenants to read. */
export const auditPolicies = () => [
  pgPolicy('audit_read', { for: 'select', to: [appRole, ownerRole], using: sharedWrite }),
  pgPolicy('audit_insert', { for: 'insert', to: [appRole, ownerRole], withCheck: sharedWrite }),
]

const identity = sql`app.is_identity()`
/** People's accounts and sessions are seen only by the transactions that sign people in. */
export const identityPolicy = () =>
  pgPolicy('identity', { for: 'all', to: [appRole, ownerRole], using: identity, withCheck: identity })

/** Rows of the platform alone: no tenant reads or writes them. */
export const platformPolicy = () =>
  pgPolicy('platform', {
    for: 'all',
    to: [appRole, ownerRole],
    using: sql`app.is_platform()`,
    withCheck: sql`app.is_platform()`,
  })

/** Mails to people of a tenant are that tenant's; those about an account are seen where people are signed in. */
const mail = sql`case when tenant_id is null then app.is_identity() else tenant_id = app.tenant_or_null() end`
export const mailPolicy = () => pgPolicy('mail', { for: 'all', to: [appRole, ownerRole], using: mail, withCheck: mail })
