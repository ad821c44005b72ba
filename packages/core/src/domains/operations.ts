import { locations, sign_up_domains } from '@stipend/db/schema'
import { and, asc, eq, isNull, or } from 'drizzle-orm'
import { z } from 'zod'
import { DomainError, invalidField, notFound } from '../errors.ts'
import { checkKind, mayGiveRoles } from '../members/operations.ts'
import { locationsInScope, requireLocation } from '../members/scope.ts'
import { command, query } from '../operation.ts'
import { pageOf } from '../page.ts'
import { Domain, DomainName, PUBLIC_DOMAINS, RemoveDomain, SetDomain } from './domain.ts'

const columns = {
  domain: sign_up_domains.domain,
  kind: sign_up_domains.kind,
  role: sign_up_domains.role,
  location_id: sign_up_domains.location_id,
  location_name: locations.name,
  created_at: sign_up_domains.created_at,
}
const itsLocation = and(
  eq(locations.tenant_id, sign_up_domains.tenant_id),
  eq(locations.id, sign_up_domains.location_id),
)

export const list = query({
  name: 'domains.list',
  permission: 'members:read',
  summary: 'Mail domains whose people may join by themselves.',
  input: z.strictObject({}),
  output: pageOf(Domain),
  errors: [],
  handle: async ({ tx, actor }) => {
    const visible = locationsInScope(actor)
    const data = await tx
      .select(columns)
      .from(sign_up_domains)
      .leftJoin(locations, itsLocation)
      .where(visible && or(isNull(sign_up_domains.location_id), visible))
      .orderBy(asc(sign_up_domains.domain))
    return { data, next_cursor: null }
  },
})

export const set = command({
  name: 'domains.set',
  permission: 'tenant:write',
  summary: 'Let people with an address in a mail domain join by themselves, once they have confirmed it.',
  input: SetDomain,
  output: Domain,
  errors: ['not_found', 'forbidden'],
  handle: async ({ tx, actor, input }) => {
    if (PUBLIC_DOMAINS.has(input.domain)) {
      throw invalidField('domain', `Anybody can have an address at ${input.domain}. Use a domain of your own.`)
    }
    if (input.role !== 'member' && !mayGiveRoles(actor)) {
      throw new DomainError('forbidden', 'Only an owner can give a role. Let people join as members.')
    }
    await checkKind(tx, input.kind)
    if (input.location_id !== null) await requireLocation(tx, actor, input.location_id)
    const read = async () => {
      const [row] = await tx
        .select(columns)
        .from(sign_up_domains)
        .leftJoin(locations, itsLocation)
        .where(eq(sign_up_domains.domain, input.domain))
      return row
    }
    const before = (await read()) ?? null
    const { domain, ...values } = input
    await tx
      .insert(sign_up_domains)
      .values(input)
      .onConflictDoUpdate({ target: [sign_up_domains.tenant_id, sign_up_domains.domain], set: values })
    const after = await read()
    if (after === undefined) throw new Error('the domain just set is not there')
    return { output: after, audit: { target_id: domain, before, after } }
  },
})

export const remove = command({
  name: 'domains.remove',
  permission: 'tenant:write',
  summary: 'Let nobody of a mail domain join by themselves any more. Who has joined stays.',
  input: RemoveDomain,
  output: z.strictObject({ domain: DomainName }),
  errors: ['not_found'],
  handle: async ({ tx, input }) => {
    const [gone] = await tx.delete(sign_up_domains).where(eq(sign_up_domains.domain, input.domain)).returning()
    if (gone === undefined) throw notFound('domain')
    return { output: { domain: gone.domain }, audit: { target_id: gone.domain, before: gone, after: null } }
  },
})
