import { service_tokens } from '@stipend/db/schema'
import { and, desc, eq, isNull, sql } from 'drizzle-orm'
import { actorId, may, type TenantPermission } from '../actor.ts'
import { DomainError, notFound } from '../errors.ts'
import { command, query } from '../operation.ts'
import { decodeCursor, pageOf, toPage } from '../page.ts'
import { hashSecret, lastFour, newSecret } from '../secrets.ts'
import {
  CreatedServiceToken,
  CreateServiceToken,
  ListServiceTokens,
  ServiceToken,
  ServiceTokenRef,
} from './service-token.ts'

type Row = typeof service_tokens.$inferSelect

function view(row: Row) {
  const { id, name, created_by, created_at, last_used_at, revoked_at } = row
  const scopes = row.scopes as TenantPermission[]
  return { id, name, masked: `st-stp-…${row.last_four}`, scopes, created_by, created_at, last_used_at, revoked_at }
}

export const list = query({
  name: 'service_tokens.list',
  permission: 'service_tokens:read',
  summary: 'Service tokens, newest first. Never their secrets.',
  input: ListServiceTokens,
  output: pageOf(ServiceToken),
  errors: [],
  handle: async ({ tx, input }) => {
    const after = input.cursor === undefined ? undefined : decodeCursor(input.cursor, 2)
    const rows = await tx
      .select()
      .from(service_tokens)
      .where(
        after && sql`(${service_tokens.created_at}, ${service_tokens.id}) < (${after[0]}::timestamptz, ${after[1]})`,
      )
      .orderBy(desc(service_tokens.created_at), desc(service_tokens.id))
      .limit(input.limit + 1)
    return toPage(rows, input.limit, view, (row) => [row.created_at, row.id])
  },
})

export const create = command({
  name: 'service_tokens.create',
  permission: 'service_tokens:write',
  summary: 'Create a service token. The secret is in this answer and never again.',
  input: CreateServiceToken,
  output: CreatedServiceToken,
  secret_fields: ['secret'],
  errors: ['forbidden'],
  handle: async ({ tx, actor, input, now, newId, randomBytes }) => {
    const beyond = input.scopes.filter((scope) => !may(actor, scope))
    if (beyond.length > 0) {
      throw new DomainError('forbidden', `You can’t give a token what you may not do yourself: ${beyond.join(', ')}.`)
    }
    const secret = newSecret('service_token', randomBytes)
    const [row] = await tx
      .insert(service_tokens)
      .values({
        id: newId('service_token'),
        secret_hash: hashSecret(secret),
        last_four: lastFour(secret),
        name: input.name,
        scopes: [...new Set(input.scopes)],
        created_by: actorId(actor),
        created_at: now.toISOString(),
      })
      .returning()
    if (row === undefined) throw new Error('the service token just made is not there')
    return { output: { ...view(row), secret }, audit: { target_id: row.id, after: view(row) } }
  },
})

export const revoke = command({
  name: 'service_tokens.revoke',
  permission: 'service_tokens:write',
  summary: 'Revoke a service token for good.',
  input: ServiceTokenRef,
  output: ServiceToken,
  errors: ['not_found'],
  handle: async ({ tx, input, now }) => {
    const one = eq(service_tokens.id, input.id)
    const [before] = await tx.select().from(service_tokens).where(one)
    if (before === undefined) throw notFound('service token')
    const [after] = await tx
      .update(service_tokens)
      .set({ revoked_at: now.toISOString() })
      .where(and(one, isNull(service_tokens.revoked_at)))
      .returning()
    if (after === undefined) return { output: view(before), audit: [] }
    return { output: view(after), audit: { target_id: input.id, before: view(before), after: view(after) } }
  },
})
