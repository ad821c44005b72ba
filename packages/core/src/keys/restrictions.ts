import { isIP } from 'node:net'
import type { TenantTx } from '@stipend/db'
import { models, providers, tenants } from '@stipend/db/schema'
import { and, eq, isNull } from 'drizzle-orm'
import { z } from 'zod'
import { invalidField, notFound } from '../errors.ts'
import { idSchema } from '../id.ts'
import { namesOf } from '../providers/candidates.ts'
import { isOffered } from '../providers/catalogue.ts'
import { PLATFORM_OWNER } from '../providers/kinds.ts'

const ENTRIES_MAX = 100
const REQUESTS_PER_MINUTE_MAX = 100_000

/** An address, or a network as CIDR. Blanks around it don't count, nor does the case of letters. */
const Network = z
  .string()
  .trim()
  .toLowerCase()
  .max(50)
  .refine(isNetwork, 'Write an address such as 192.0.2.7 or 2001:db8::7, or a network such as 192.0.2.0/24.')
  .meta({ examples: ['192.0.2.0/24'] })

/** Lists without repetition; an empty one means the same as none: no restriction. */
const listOf = <T extends z.ZodType<string>>(entry: T) =>
  z
    .array(entry)
    .max(ENTRIES_MAX, `At most ${ENTRIES_MAX} entries.`)
    .transform((entries) => (entries.length === 0 ? null : [...new Set(entries)]))
    .nullable()

/** What a key may be used with, beyond its budget and window. */
export const restrictions = {
  allowed_models: listOf(
    z
      .string()
      .trim()
      .min(1)
      .max(300)
      .meta({ examples: ['gpt-6-mini'] }),
  ).describe(
    'The models it may use, by any of their names: `gpt-5`, `openai/gpt-5`, `stipend:openai/gpt-5`, an alias. Null or empty: all.',
  ),
  allowed_ips: listOf(Network).describe(
    'The addresses it may be used from: IPv4, IPv6, or networks as CIDR. Null or empty: anywhere.',
  ),
  provider_id: idSchema('provider').nullable().describe('The one provider it is linked to. Null: any.'),
  requests_per_minute: z
    .number()
    .int('Write a whole number of requests.')
    .min(1, 'At least 1. To stop a key, disable it.')
    .max(REQUESTS_PER_MINUTE_MAX, `At most ${REQUESTS_PER_MINUTE_MAX}. For no limit, leave it empty.`)
    .nullable()
    .describe('How many requests it may make in any sixty seconds, on each gateway. Null: no limit.'),
}

export type Restrictions = { [Name in keyof typeof restrictions]: z.output<(typeof restrictions)[Name]> }

/**
 * Throws not_found for a provider that isn't there, and invalid_request for a model nobody offers: a name misspelt would make the
 * key useless. Names that a key has already stay, though the model may be gone.
 */
export async function checkRestrictions(tx: TenantTx, wanted: Restrictions, before?: Restrictions): Promise<void> {
  if (wanted.provider_id !== null && wanted.provider_id !== before?.provider_id) {
    const [provider] = await tx
      .select({ id: providers.id })
      .from(providers)
      .where(and(eq(providers.id, wanted.provider_id), isNull(providers.deleted_at)))
    if (provider === undefined) throw notFound('provider')
  }
  const known = new Set(before?.allowed_models)
  const added = (wanted.allowed_models ?? []).filter((name) => !known.has(name))
  if (added.length === 0) return
  const names = await offeredNames(tx)
  const stranger = added.find((name) => !names.has(name))
  if (stranger !== undefined) {
    throw invalidField('allowed_models', `There is no model "${stranger}". Take a name from the list of models.`)
  }
}

async function offeredNames(tx: TenantTx): Promise<Set<string>> {
  const [tenant] = await tx.select({ slug: tenants.slug }).from(tenants)
  const rows = await tx
    .select({ name: models.name, aliases: models.aliases, provider: providers.name, tenant_id: providers.tenant_id })
    .from(models)
    .innerJoin(providers, eq(providers.id, models.provider_id))
    .where(isOffered)
  return new Set(
    rows.flatMap(({ name, aliases, provider, tenant_id }) => {
      const owner = tenant_id === null ? PLATFORM_OWNER : (tenant?.slug ?? '')
      return namesOf({ name, aliases, provider: { owner, name: provider } }).map((one) => one.name)
    }),
  )
}

function isNetwork(text: string): boolean {
  const [address = '', length, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || address.includes('%') || rest.length > 0) return false
  if (length === undefined) return true
  return /^(?:0|[1-9]\d{0,2})$/.test(length) && Number(length) <= (family === 4 ? 32 : 128)
}
