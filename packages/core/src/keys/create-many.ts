import type { TenantTx } from '@stipend/db'
import { group_members, keys, members, tenants } from '@stipend/db/schema'
import { and, eq, inArray, isNull, type SQL, sql } from 'drizzle-orm'
import { may } from '../actor.ts'
import { readBalance } from '../balance/read.ts'
import { given } from '../conditions.ts'
import { DomainError, invalidField, notFound } from '../errors.ts'
import { toNanos, usd } from '../fields.ts'
import { membersInScope, requireGroup, requireLocation } from '../members/scope.ts'
import { type Call, command, query } from '../operation.ts'
import { CreatedKeys, CreateManyKeys, KEYS_AT_ONCE_MAX, ManyKeysPreview, PreviewManyKeys } from './batch.ts'
import { insertKeys, keyView, requireTerms, selectKeys } from './operations.ts'

type Recipients = {
  group_id?: string | undefined
  location_id?: string | undefined
  member_ids?: readonly string[] | undefined
  with_active_key: 'skip' | 'add'
}
type Asked = Pick<Call<'tenant', Recipients>, 'tx' | 'actor' | 'input' | 'now'>

const byName = [sql`lower(${members.name})`, members.id] as const

/** Those an actor means, as a condition on `members`. Throws not_found for what they may not see. */
async function addressed({ tx, actor, input }: Asked): Promise<SQL | undefined> {
  const { group_id, location_id, member_ids } = input
  if (group_id !== undefined) await requireGroup(tx, actor, group_id)
  if (location_id !== undefined) await requireLocation(tx, actor, location_id)
  const wanted = member_ids === undefined ? undefined : [...new Set(member_ids)]
  const condition = and(
    isNull(members.removed_at),
    membersInScope(actor),
    given(location_id, (id) => eq(members.location_id, id)),
    given(group_id, (id) => inArray(members.id, idsOfGroup(tx, id))),
    given(wanted, (ids) => inArray(members.id, ids)),
  )
  if (wanted !== undefined) {
    const seen = await tx.select({ id: members.id }).from(members).where(condition)
    if (seen.length < wanted.length) throw notFound('member')
  }
  return condition
}

function idsOfGroup(tx: TenantTx, group_id: string) {
  return tx.select({ id: group_members.member_id }).from(group_members).where(eq(group_members.group_id, group_id))
}

/** Who of them gets a key, and who doesn't and why. */
async function sortOut({ tx, input, now }: Asked, condition: SQL | undefined) {
  const at = now.toISOString()
  const people = await tx
    .select({
      member_id: members.id,
      member_name: members.name,
      has_account: sql<boolean>`${members.user_id} is not null`,
      is_deactivated: sql<boolean>`${members.deactivated_at} is not null`,
      // One that waits for its window counts, and one that is paused: it is theirs already.
      has_active_key: sql<boolean>`exists (select from keys k
        where k.tenant_id = members.tenant_id and k.member_id = members.id and k.revoked_at is null
          and (k.disabled_at is null or k.paused_group_id is not null)
          and (k.valid_until is null or k.valid_until > ${at}::timestamptz))`,
    })
    .from(members)
    .where(condition)
    .orderBy(...byName)
  const sorted: Pick<ManyKeysPreview, 'recipients' | 'left_out'> = { recipients: [], left_out: [] }
  for (const { member_id, member_name, has_account, is_deactivated, has_active_key } of people) {
    const person = { member_id, member_name }
    if (is_deactivated) sorted.left_out.push({ ...person, reason: 'deactivated' })
    else if (!has_account) sorted.left_out.push({ ...person, reason: 'no_account' })
    else if (has_active_key && input.with_active_key === 'skip') {
      sorted.left_out.push({ ...person, reason: 'has_active_key' })
    } else sorted.recipients.push(person)
  }
  return sorted
}

export const previewCreateMany = query({
  name: 'keys.preview_create_many',
  permission: 'keys:read',
  summary: 'Who would get a key if keys were made for many at once, who wouldn’t and why, and the most it can cost.',
  input: PreviewManyKeys,
  output: ManyKeysPreview,
  errors: ['not_found'],
  handle: async (call) => {
    const { tx, actor, input, now } = call
    const sorted = await sortOut(call, await addressed(call))
    const at_most = input.budget_usd === undefined ? null : toNanos(input.budget_usd) * BigInt(sorted.recipients.length)
    return {
      ...sorted,
      at_most_usd: at_most === null ? null : usd(at_most),
      available_usd: may(actor, 'balance:read') ? (await readBalance(tx, now)).available_usd : null,
    }
  },
})

export const createMany = command({
  name: 'keys.create_many',
  permission: 'keys:write',
  summary:
    'Create a key for everybody of a group or a location, or for chosen people: for all of them or, if something fails, for none.',
  input: CreateManyKeys,
  output: CreatedKeys,
  secret_fields: ['secret'],
  errors: ['not_found', 'conflict'],
  handle: async (call) => {
    const { tx, input, now } = call
    await requireTerms(call, input)
    const condition = await addressed(call)
    // Another who does the same at this moment waits here, and then finds that these people have their keys.
    await tx
      .select({ id: members.id })
      .from(members)
      .where(condition)
      .orderBy(...byName)
      .for('no key update')
    const { recipients, left_out } = await sortOut(call, condition)
    refuseOthers(recipients.length, input.expected_keys)

    const made = await insertKeys(
      call,
      recipients.map((one) => one.member_id),
      input,
    )
    const secrets = new Map(made.map(({ id, secret }) => [id, secret]))
    const rows = await selectKeys(tx)
      .where(inArray(keys.id, [...secrets.keys()]))
      .orderBy(...byName)
    const views = rows.map((row) => keyView(row, now))
    const target_id = input.group_id ?? input.location_id ?? (await tenantId(tx))
    return {
      output: { keys: views.map((key) => ({ ...key, secret: secrets.get(key.id) ?? null })), left_out },
      audit: { target_id, after: { keys: views, left_out } },
    }
  },
})

async function tenantId(tx: TenantTx): Promise<string> {
  const [tenant] = await tx.select({ id: tenants.id }).from(tenants)
  if (tenant === undefined) throw new Error('a transaction without its tenant')
  return tenant.id
}

function refuseOthers(count: number, expected: number | undefined): void {
  if (expected !== undefined && expected !== count) {
    throw new DomainError(
      'conflict',
      `Something has changed meanwhile: it would be ${count} keys now instead of ${expected}. Nothing was made. Look again who gets one, then confirm.`,
    )
  }
  if (count === 0) {
    throw new DomainError('conflict', 'Nobody here would get a key: they have no account, or have a key already.')
  }
  if (count > KEYS_AT_ONCE_MAX) {
    const message = `That would be ${count} keys, and at most ${KEYS_AT_ONCE_MAX} are made at once. Do it group by group.`
    throw invalidField('location_id', message)
  }
}
