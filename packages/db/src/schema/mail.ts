import { sql } from 'drizzle-orm'
import { foreignKey, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { bytes, identityPolicy, instant, lookupPolicy, mailPolicy, tenantId, tenantPolicy } from './columns.ts'
import { users } from './identity.ts'
import { members } from './people.ts'

const created_at = () => instant('created_at').notNull().default(sql`now()`)

/**
 * A way in, sent by mail: for a member who can't sign in yet, or (`sign_up`, without a member until it is accepted) for somebody
 * whose address is in one of the tenant's domains. The hash of its secret is set when the mail is sent, so that the secret is
 * nowhere but in the mail; a mail sent again has a new one.
 */
export const invitations = pgTable(
  'invitations',
  {
    tenant_id: tenantId(),
    id: text('id').notNull(),
    kind: text('kind', { enum: ['invitation', 'sign_up'] }).notNull(),
    member_id: text('member_id'),
    email: text('email').notNull(),
    secret_hash: bytes('secret_hash'),
    created_by: text('created_by').notNull(),
    created_at: created_at(),
    expires_at: instant('expires_at').notNull(),
    accepted_at: instant('accepted_at'),
    revoked_at: instant('revoked_at'),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id] }),
    foreignKey({ columns: [table.tenant_id, table.member_id], foreignColumns: [members.tenant_id, members.id] }),
    uniqueIndex('invitations_secret_hash').on(table.secret_hash),
    uniqueIndex('invitations_open')
      .on(table.tenant_id, table.email)
      .where(sql`accepted_at is null and revoked_at is null`),
    index('invitations_member').on(table.tenant_id, table.member_id),
    tenantPolicy(),
    lookupPolicy(),
  ],
)

/** A forgotten password: a link by mail, for once and for an hour. */
export const password_resets = pgTable(
  'password_resets',
  {
    id: text('id').primaryKey(),
    user_id: text('user_id')
      .notNull()
      .references(() => users.id),
    secret_hash: bytes('secret_hash'),
    created_at: created_at(),
    expires_at: instant('expires_at').notNull(),
    used_at: instant('used_at'),
  },
  (table) => [
    uniqueIndex('password_resets_secret_hash').on(table.secret_hash),
    index('password_resets_user').on(table.user_id),
    identityPolicy(),
  ],
)

/**
 * Mails to be sent, and those that were. What stands in a mail is written when it is sent; it is kept only where there is no mail
 * server to send it to (`text`), so that a developer can read it.
 */
export const mails = pgTable(
  'mails',
  {
    tenant_id: text('tenant_id').default(sql`app.tenant_or_null()`),
    id: text('id').primaryKey(),
    template: text('template', { enum: ['invitation', 'sign_up', 'password_reset', 'balance'] }).notNull(),
    to_address: text('to_address').notNull(),
    /** What the template is about: an invitation, a password reset. */
    subject_id: text('subject_id').notNull(),
    params: jsonb('params').notNull().default({}),
    created_at: created_at(),
    next_attempt_at: instant('next_attempt_at').notNull().default(sql`now()`),
    attempts: integer('attempts').notNull().default(0),
    sent_at: instant('sent_at'),
    failed_at: instant('failed_at'),
    last_error: text('last_error'),
    title: text('title'),
    text: text('text'),
  },
  (table) => [
    index('mails_due').on(table.next_attempt_at).where(sql`sent_at is null and failed_at is null`),
    index('mails_subject').on(table.tenant_id, table.subject_id),
    index('mails_created').on(table.created_at),
    mailPolicy(),
    lookupPolicy(),
  ],
)

/** People from files: what was uploaded, until it is applied or a day has passed, and what came of it. */
export const imports = pgTable(
  'imports',
  {
    tenant_id: tenantId(),
    id: text('id').notNull(),
    created_by: text('created_by').notNull(),
    created_at: created_at(),
    /** `[{ name, text, encoding }]`; null once applied. */
    files: jsonb('files'),
    settings: jsonb('settings').notNull().default({}),
    status: text('status', { enum: ['draft', 'applied'] })
      .notNull()
      .default('draft'),
    result: jsonb('result'),
    applied_at: instant('applied_at'),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id] }),
    index('imports_created').on(table.tenant_id, table.created_at),
    tenantPolicy(),
  ],
)
