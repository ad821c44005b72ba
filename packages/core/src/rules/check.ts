import type { TenantTx } from '@stipend/db'
import { groups, locations, members, providers } from '@stipend/db/schema'
import { and, inArray, isNull, type SQL } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import { invalidField, notFound } from '../errors.ts'
import { catalogueOf } from '../providers/candidates.ts'
import { readTenantCatalogue } from '../providers/catalogue.ts'
import type { RuleTerms } from './decide.ts'

/**
 * Throws for terms that contradict each other, not_found for what isn't there, and invalid_request for a model that nobody offers: a
 * name misspelt would block nothing. What the rule names already stays, though it may be gone.
 */
export async function checkTerms(tx: TenantTx, wanted: RuleTerms, before?: RuleTerms): Promise<void> {
  checkTimes(wanted)
  const added = (field: 'member_ids' | 'group_ids' | 'location_ids' | 'provider_ids' | 'models') =>
    (wanted[field] ?? []).filter((one) => before?.[field]?.includes(one) !== true)
  await requireAll(tx, 'member', members, added('member_ids'), isNull(members.removed_at))
  await requireAll(tx, 'group', groups, added('group_ids'))
  await requireAll(tx, 'location', locations, added('location_ids'))
  await requireAll(tx, 'provider', providers, added('provider_ids'), isNull(providers.deleted_at))
  // One with a * may be for models that are still to come.
  const names = added('models').filter((name) => !name.endsWith('*'))
  if (names.length === 0) return
  const { byName } = catalogueOf(await readTenantCatalogue(tx))
  const stranger = names.find((name) => !byName.has(name))
  if (stranger !== undefined) {
    const words = `There is no model "${stranger}". Take a name from the list of models, or the beginning of one with a *.`
    throw invalidField('models', words)
  }
}

async function requireAll(
  tx: TenantTx,
  what: string,
  table: PgTable & { id: PgColumn },
  ids: readonly string[],
  isThere?: SQL,
): Promise<void> {
  if (ids.length === 0) return
  const found = await tx.$count(table, and(inArray(table.id, [...ids]), isThere))
  if (found < ids.length) throw notFound(what)
}

function checkTimes({ time_from, time_until }: RuleTerms): void {
  if (time_from === null && time_until !== null) {
    throw invalidField('time_from', 'Say from when on, or leave both times out.')
  }
  if (time_from !== null && time_until === null) {
    throw invalidField('time_until', 'Say until when, or leave both times out.')
  }
  if (time_from !== null && time_from === time_until) {
    throw invalidField('time_until', 'It ends when it begins. Leave both times out for the whole day.')
  }
}
