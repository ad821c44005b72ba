import { sql } from 'drizzle-orm'
import { index, pgTable, text, timestamp, uniqueIndex } from 'drizzle-orm/pg-core'
import { identityPolicy, instant } from './columns.ts'

/** People who can sign in, across tenants. */
export const users = pgTable(
  'users',
  {
    id: text('id').primaryKey(),
    email: text('email').notNull(),
    password_hash: text('password_hash').notNull(),
    created_at: instant('created_at').notNull().default(sql`now()`),
  },
  (table) => [uniqueIndex('users_email').on(table.email), identityPolicy()],
)

/** `id` is the SHA-256 of the token in the cookie. Property names and types are those Lucia's adapter expects. */
export const sessions = pgTable(
  'sessions',
  {
    id: text('id').primaryKey(),
    userId: text('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    expiresAt: timestamp('expires_at', { withTimezone: true, mode: 'date' }).notNull(),
  },
  (table) => [index('sessions_user').on(table.userId), identityPolicy()],
)
