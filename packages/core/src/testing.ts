import { type Database, type PlatformTx, type TenantTx, withIdentity, withPlatform, withTenant } from '@stipend/db'
import {
  members as memberTable,
  models as modelTable,
  prices as priceTable,
  providers as providerTable,
  users,
} from '@stipend/db/schema'
import { type ModelPrice, modelPrice } from '@stipend/money'
import { eq } from 'drizzle-orm'
import type { z } from 'zod'
import type { Actor } from './actor.ts'
import type { ErrorCode, ErrorDetails } from './errors.ts'
import { execute } from './execute.ts'
import * as core from './index.ts'
import type { AnyOperation, Given } from './operation.ts'
import { priceColumns } from './providers/catalogue.ts'

/** A tenant with one location, made through operations, for tests of anything that needs one. */
export type Scene = Awaited<ReturnType<typeof createScene>>

export async function createScene(
  database: Database,
  options: { kind?: 'school' | 'company'; time_zone?: string; balance_usd?: string | null } = {},
) {
  const tenant_id = core.newId('tenant')
  const operator: Actor = { kind: 'operator', tenant_id, name: 'test' }
  const run = async <O extends AnyOperation>(
    operation: O,
    input: z.input<O['input']>,
    actor: Actor = operator,
    given: Partial<Given> = {},
  ): Promise<z.output<O['output']>> => {
    const request = { request_id: core.newId('request'), ip: null }
    return (await execute(operation, { database, given }, actor, input, { request })).output
  }

  const { kind = 'school', time_zone = 'Europe/Amsterdam', balance_usd = '100' } = options
  const slug = `t-${tenant_id.slice(-12)}`
  const tenant = await run(core.tenants.create, { slug, kind, name: `Test ${slug}`, time_zone })
  if (balance_usd !== null) await run(core.balance.credit, { amount_usd: balance_usd, cause: 'test' })
  const location = await run(core.locations.create, { name: 'Main' })

  /** A person; with an account unless told otherwise. */
  const member = async (input: Partial<z.input<typeof core.members.create.input>> & { account?: boolean } = {}) => {
    const { account = true, ...fields } = input
    const id = core.newId('member').slice(-10)
    const made = await run(core.members.create, {
      name: `Person ${id}`,
      email: `${id}@example.org`,
      kind: kind === 'school' ? 'student' : 'employee',
      location_id: location.id,
      ...fields,
    })
    if (account) await linkAccount(database, tenant_id, made.id)
    return made
  }

  /** A key for a new person, or for `member_id`. */
  const key = async (input: Partial<z.input<typeof core.keys.create.input>> = {}) => {
    const member_id = input.member_id ?? (await member()).id
    const made = await run(core.keys.create, { name: 'Test', budget_usd: '5', ...input, member_id })
    if (made.secret === null) throw new Error('a new key without its secret')
    return { ...made, secret: made.secret }
  }

  /** The owner of the tenant as the console would see them. */
  const owner = async (): Promise<Actor & { kind: 'user' }> => {
    const person = await member({ role: 'owner', kind: kind === 'school' ? 'staff' : 'employee', location_id: null })
    return {
      kind: 'user',
      tenant_id,
      user_id: 'usr_test',
      member_id: person.id,
      role: 'owner',
      location_ids: null,
      group_ids: null,
    }
  }

  /** An admin of some locations only. */
  const adminOf = async (...location_ids: string[]): Promise<Actor & { kind: 'user' }> => {
    const person = await member({ role: 'admin', kind: kind === 'school' ? 'staff' : 'employee', location_id: null })
    return {
      kind: 'user',
      tenant_id,
      user_id: 'usr_test',
      member_id: person.id,
      role: 'admin',
      location_ids,
      group_ids: null,
    }
  }

  /** A teacher or team leader: a member who leads some groups. */
  const leadOf = async (...group_ids: string[]): Promise<Actor & { kind: 'user' }> => {
    const person = await member({ kind: kind === 'school' ? 'staff' : 'employee', location_id: null })
    for (const group_id of group_ids) await run(core.groups.setLeads, { group_id, member_ids: [person.id] })
    return {
      kind: 'user',
      tenant_id,
      user_id: 'usr_test',
      member_id: person.id,
      role: 'member',
      location_ids: null,
      group_ids,
    }
  }

  return { tenant, tenant_id, location, operator, run, member, key, owner, adminOf, leadOf }
}

/** What something was refused with, as a caller may see it. Throws if it was not refused. */
export async function refusalOf(
  work: Promise<unknown>,
): Promise<{ code: ErrorCode; message: string; details: ErrorDetails }> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof core.DomainError)) throw error
    return { code: error.code, message: error.message, details: error.details }
  }
  throw new Error('it was not refused')
}

/** Gives a person an account nobody can sign in to. */
export async function linkAccount(database: Database, tenant_id: string, member_id: string): Promise<void> {
  const id = core.newId('user')
  await withIdentity(database, (tx) =>
    tx.insert(users).values({ id, email: `${id}@example.org`, password_hash: 'none: this account is for tests' }),
  )
  await withTenant(database, tenant_id, (tx) =>
    tx.update(memberTable).set({ user_id: id }).where(eq(memberTable.id, member_id)),
  )
}

/** A provider of the platform, or of a tenant, with one or more models, all at the same price. */
export async function createProvider(
  database: Database,
  options: {
    base_url: string
    masterKey: Buffer
    tenant_id?: string
    kind?: core.ProviderKindName
    credential?: string
    models?: string[]
    dialects?: core.Dialect[]
    price?: ModelPrice
    output_tokens_max?: number
    name?: string
    priority?: number
    weight?: number
  },
) {
  const id = core.newId('provider')
  const { tenant_id = null, name = 'sandbox', base_url } = options
  const price = options.price ?? modelPrice({ input: '2.50', cached_input: '1.25', output: '10' })
  const place = { tenant_id, provider_id: id }
  const valid_from = new Date().toISOString()
  const write = async (tx: TenantTx | PlatformTx) => {
    await tx.insert(providerTable).values({
      id,
      name,
      kind: options.kind ?? 'openai_compatible',
      base_url,
      credential:
        options.credential === undefined ? null : core.sealCredential([options.masterKey], options.credential, place),
      priority: options.priority ?? 100,
      weight: options.weight ?? 1,
    })
    for (const model of options.models ?? ['sandbox-small']) {
      const model_id = core.newId('model')
      await tx.insert(modelTable).values({
        id: model_id,
        provider_id: id,
        name: model,
        upstream_name: model,
        dialects: options.dialects ?? ['chat'],
        context_tokens_max: 128_000,
        output_tokens_max: options.output_tokens_max ?? 4_096,
      })
      await tx
        .insert(priceTable)
        .values({ id: core.newId('price'), model_id, valid_from, source: 'test', ...priceColumns(price) })
    }
  }
  await (tenant_id === null ? withPlatform(database, write) : withTenant(database, tenant_id, write))
  return { id, name, base_url }
}
