import { groups, models, prices, provider_shares, providers } from '@stipend/db/schema'
import { and, eq, inArray, isNull, ne, sql } from 'drizzle-orm'
import { z } from 'zod'
import { type Actor, actorId, ownerOf } from '../actor.ts'
import { DomainError, invalidField, notFound } from '../errors.ts'
import { command, type Given, type OwnerTx, ownerCommand, ownerQuery } from '../operation.ts'
import { modelPriceOf, newestPriceFirst, priceColumns } from './catalogue.ts'
import { sealCredential } from './credential.ts'
import { kindOf, PROVIDER_KINDS, type ProviderKindName } from './kinds.ts'
import { isSamePrice, toModelPrice } from './price.ts'
import {
  CreateProvider,
  KindList,
  OWN_PRIORITY,
  PLATFORM_PRIORITY,
  PriceHistory,
  Provider,
  ProviderList,
  ProviderModelList,
  ProviderRef,
  RotateCredential,
  type SetModel,
  SetModels,
  ShareProvider,
  UpdateProvider,
} from './provider.ts'
import { getProvider, priceView, requireProvider, viewModels, viewProviders } from './view.ts'

export const list = ownerQuery({
  name: 'providers.list',
  permission: 'providers:read',
  summary: 'Providers, the organisation’s own and the platform’s, with their health and what was spent today.',
  input: z.strictObject({}),
  output: ProviderList,
  errors: [],
  handle: async ({ tx, actor }) => ({ data: await viewProviders(tx, ownerOf(actor)), next_cursor: null }),
})

export const listKinds = ownerQuery({
  name: 'providers.list_kinds',
  permission: 'providers:read',
  summary: 'The kinds of providers that can be connected, and what each needs.',
  input: z.strictObject({}),
  output: KindList,
  errors: [],
  handle: async () => ({
    data: Object.entries(PROVIDER_KINDS).map(([name, kind]) => ({
      name: name as ProviderKindName,
      title: kind.title,
      needs_credential: kind.needs_credential,
      needs_address: kind.base_url === null,
      example: kind.example,
    })),
    next_cursor: null,
  }),
})

export const get = ownerQuery({
  name: 'providers.get',
  permission: 'providers:read',
  summary: 'One provider. Never its credential.',
  input: ProviderRef,
  output: Provider,
  errors: ['not_found'],
  handle: ({ tx, actor, input }) => getProvider(tx, ownerOf(actor), input.id),
})

export const create = ownerCommand({
  name: 'providers.create',
  permission: 'providers:write',
  summary: 'Connect a provider with credentials of your own. Requests to it don’t draw on the balance.',
  input: CreateProvider,
  output: Provider,
  errors: ['conflict'],
  handle: async ({ tx, actor, input, now, newId, masterKeys }) => {
    const owner = ownerOf(actor)
    const { name, kind, credential, weight } = input
    const priority = input.priority ?? (owner === null ? PLATFORM_PRIORITY : OWN_PRIORITY)
    const base_url = input.base_url ?? kindOf(kind).base_url
    if (base_url === null) throw invalidField('base_url', `Give the address of your ${kindOf(kind).title}.`)
    if (credential === undefined && kindOf(kind).needs_credential) {
      throw invalidField('credential', `Give the API key that ${kindOf(kind).title} gave you.`)
    }
    await refuseTaken(tx, owner, name)
    const id = newId('provider')
    const sealed = seal({ masterKeys, actor }, id, credential)
    const created_at = now.toISOString()
    const credential_at = sealed === null ? null : created_at
    await tx
      .insert(providers)
      .values({ id, name, kind, base_url, priority, weight, credential: sealed, credential_at, created_at })
    const provider = await getProvider(tx, owner, id)
    return { output: provider, audit: { target_id: id, after: provider } }
  },
})

export const update = ownerCommand({
  name: 'providers.update',
  permission: 'providers:write',
  summary: 'Change a provider’s name, address or order, or switch it off and on.',
  input: UpdateProvider,
  output: Provider,
  errors: ['not_found', 'conflict'],
  handle: async ({ tx, actor, input, now, masterKeys }) => {
    const row = await requireProvider(tx, ownerOf(actor), input.id)
    const before = await getProvider(tx, ownerOf(actor), input.id)
    const { name = row.name, base_url = row.base_url, credential } = input
    if (name !== row.name) await refuseTaken(tx, ownerOf(actor), name, input.id)
    // Else a credential could be sent to whoever owns the new address.
    if (credential === undefined && row.credential !== null && hostOf(base_url) !== hostOf(row.base_url)) {
      throw invalidField('credential', 'The address leads to another host. Give its API key together with it.')
    }
    const sealed = seal({ masterKeys, actor }, input.id, credential)
    await tx
      .update(providers)
      .set({
        name,
        base_url,
        priority: input.priority ?? row.priority,
        weight: input.weight ?? row.weight,
        is_enabled: input.is_enabled ?? row.is_enabled,
        ...(sealed === null ? {} : { credential: sealed, credential_at: now.toISOString() }),
      })
      .where(eq(providers.id, input.id))
    const after = await getProvider(tx, ownerOf(actor), input.id)
    return { output: after, audit: { target_id: input.id, before, after } }
  },
})

export const rotateCredential = ownerCommand({
  name: 'providers.rotate_credential',
  permission: 'providers:write',
  summary: 'Give a provider another API key. The old one is forgotten at once.',
  input: RotateCredential,
  output: Provider,
  errors: ['not_found'],
  handle: async ({ tx, actor, input, now, masterKeys }) => {
    await requireProvider(tx, ownerOf(actor), input.id)
    const before = await getProvider(tx, ownerOf(actor), input.id)
    const credential = seal({ masterKeys, actor }, input.id, input.credential)
    await tx.update(providers).set({ credential, credential_at: now.toISOString() }).where(eq(providers.id, input.id))
    const after = await getProvider(tx, ownerOf(actor), input.id)
    return { output: after, audit: { target_id: input.id, before, after } }
  },
})

export const share = command({
  name: 'providers.share',
  permission: 'providers:write',
  summary: 'Share a provider, your own or the platform’s, with everyone, with some groups or with nobody.',
  input: ShareProvider,
  output: Provider,
  errors: ['not_found'],
  handle: async ({ tx, actor, input, now }) => {
    const before = await getProvider(tx, ownerOf(actor), input.id)
    const group_ids = [...new Set(input.group_ids ?? [])].sort()
    if (group_ids.length > 0) {
      const found = await tx.select({ id: groups.id }).from(groups).where(inArray(groups.id, group_ids))
      if (found.length < group_ids.length) throw notFound('group')
    }
    if (input.group_ids === null) {
      await tx.delete(provider_shares).where(eq(provider_shares.provider_id, input.id))
    } else {
      const updated_at = now.toISOString()
      await tx
        .insert(provider_shares)
        .values({ provider_id: input.id, group_ids, updated_at })
        .onConflictDoUpdate({
          target: [provider_shares.tenant_id, provider_shares.provider_id],
          set: { group_ids, updated_at },
        })
    }
    const after = await getProvider(tx, ownerOf(actor), input.id)
    return { output: after, audit: { target_id: input.id, before, after } }
  },
})

const remove = ownerCommand({
  name: 'providers.delete',
  permission: 'providers:write',
  summary: 'Remove a provider for good and forget its credential. What was spent with it stays in the history.',
  input: ProviderRef,
  output: z.strictObject({ id: Provider.shape.id }),
  errors: ['not_found', 'conflict'],
  handle: async ({ tx, actor, input, now }) => {
    await requireProvider(tx, ownerOf(actor), input.id)
    const before = await getProvider(tx, ownerOf(actor), input.id)
    // Of the platform's, keys of any tenant.
    const [row] = await tx.execute<{ linked: number }>(sql`select app.keys_linked_to(${input.id}) as linked`)
    const linked = row?.linked ?? 0
    if (linked > 0) {
      const what = linked === 1 ? 'One key is' : `${linked} keys are`
      throw new DomainError(
        'conflict',
        `${what} linked to this provider and would stop working. Change or revoke them first.`,
      )
    }
    await tx
      .update(providers)
      .set({ deleted_at: now.toISOString(), is_enabled: false, credential: null, credential_at: null })
      .where(eq(providers.id, input.id))
    return { output: { id: input.id }, audit: { target_id: input.id, before, after: null } }
  },
})

export { remove as delete }

export const listModels = ownerQuery({
  name: 'providers.list_models',
  permission: 'providers:read',
  summary: 'All models of a provider by name, those switched off included, with what they cost.',
  input: ProviderRef,
  output: ProviderModelList,
  errors: ['not_found'],
  handle: async ({ tx, actor, input }) => {
    await getProvider(tx, ownerOf(actor), input.id)
    return { data: await viewModels(tx, input.id), next_cursor: null }
  },
})

export const setModels = ownerCommand({
  name: 'providers.set_models',
  permission: 'providers:write',
  summary: 'Add models to a provider, or change their names, formats, limits and prices, or switch them off and on.',
  input: SetModels,
  output: ProviderModelList,
  errors: ['not_found', 'conflict'],
  handle: async ({ tx, actor, input, now, newId }) => {
    await requireProvider(tx, ownerOf(actor), input.id)
    const before = await changed(tx, input.id, input.models)
    await writeModels(tx, { actor, now, newId }, input.id, input.models)
    const after = await changed(tx, input.id, input.models)
    return {
      output: { data: await viewModels(tx, input.id), next_cursor: null },
      audit: { target_id: input.id, before: { models: before }, after: { models: after } },
    }
  },
})

export const listPrices = ownerQuery({
  name: 'providers.list_prices',
  permission: 'providers:read',
  summary: 'What a model has cost and will cost, the newest first. A request is charged at the price of its moment.',
  input: z.strictObject({ model_id: ProviderModelList.shape.data.element.shape.id }),
  output: PriceHistory,
  errors: ['not_found'],
  handle: async ({ tx, input }) => {
    const [model] = await tx.select({ id: models.id }).from(models).where(eq(models.id, input.model_id))
    if (model === undefined) throw notFound('model')
    const rows = await tx
      .select()
      .from(prices)
      .where(eq(prices.model_id, model.id))
      .orderBy(...newestPriceFirst)
      .limit(200)
    return { data: rows.map(priceView), next_cursor: null }
  },
})

async function changed(tx: OwnerTx, provider_id: string, wanted: readonly { name: string }[]) {
  const names = new Set(wanted.map(({ name }) => name))
  return (await viewModels(tx, provider_id)).filter(({ name }) => names.has(name))
}

/** A model whose limits nobody says: as small as any model of today, so that no answer is refused for being too long. */
const LIMITS = { context_tokens_max: 128_000, output_tokens_max: 16_384 }

/** Adds and changes models of the actor's provider, whose row is locked, and prices that are others than those in force. */
export async function writeModels(
  tx: OwnerTx,
  { actor, now, newId, source = actorId(actor) }: Pick<Given, 'now' | 'newId'> & { actor: Actor; source?: string },
  provider_id: string,
  wanted: readonly SetModel[],
): Promise<void> {
  const provider = await requireProvider(tx, ownerOf(actor), provider_id)
  const rows = await tx.select().from(models).where(eq(models.provider_id, provider_id))
  const known = new Map(rows.map((row) => [row.name, row]))
  refuseTwice(rows, wanted)
  const at = now.toISOString()
  for (const { price, ...fields } of wanted) {
    const there = known.get(fields.name)
    const model_id = there?.id ?? newId('model')
    const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
    if (there === undefined) {
      const dialects = [...kindOf(provider.kind).usual_dialects]
      const usual = { ...LIMITS, upstream_name: fields.name, dialects, created_at: at }
      await tx.insert(models).values({ ...usual, ...given, id: model_id, provider_id, name: fields.name })
    } else if (Object.keys(given).length > 1) {
      await tx.update(models).set(given).where(eq(models.id, there.id))
    }
    if (price === undefined) continue
    const wantedPrice = toModelPrice(price)
    const [newest] = await tx
      .select()
      .from(prices)
      .where(eq(prices.model_id, model_id))
      .orderBy(...newestPriceFirst)
      .limit(1)
    if (
      newest !== undefined &&
      newest.markup_bp === provider.markup_bp &&
      isSamePrice(modelPriceOf(newest), wantedPrice)
    )
      continue
    const { markup_bp } = provider
    await tx.insert(prices).values({
      ...{ id: newId('price'), model_id, valid_from: at, source, created_at: at, markup_bp },
      ...priceColumns(wantedPrice),
    })
  }
}

/** Within one provider a name or alias means one model. */
function refuseTwice(rows: readonly (typeof models.$inferSelect)[], wanted: readonly SetModel[]): void {
  const words = new Map(rows.map(({ name, aliases }) => [name, aliases]))
  for (const { name, aliases } of wanted) if (aliases !== undefined || !words.has(name)) words.set(name, aliases ?? [])
  const owner = new Map<string, string>()
  for (const [name, aliases] of words) {
    for (const word of new Set([name, ...aliases])) {
      const other = owner.get(word)
      if (other !== undefined) {
        throw invalidField('models', `"${word}" would name both ${other} and ${name}. Give each name once.`)
      }
      owner.set(word, name)
    }
  }
}

async function refuseTaken(tx: OwnerTx, owner: string | null, name: string, but?: string): Promise<void> {
  const [taken] = await tx
    .select({ id: providers.id })
    .from(providers)
    .where(
      and(
        owner === null ? isNull(providers.tenant_id) : eq(providers.tenant_id, owner),
        isNull(providers.deleted_at),
        eq(providers.name, name),
        but === undefined ? undefined : ne(providers.id, but),
      ),
    )
  if (taken === undefined) return
  const message = 'You have a provider with this name already. Choose another name.'
  throw new DomainError('conflict', message, { fields: [{ path: 'name', message }] })
}

function seal(
  { masterKeys, actor }: Pick<Given, 'masterKeys'> & { actor: Actor },
  provider_id: string,
  credential: string | undefined,
): Buffer | null {
  if (credential === undefined) return null
  return sealCredential(masterKeys(), credential, { tenant_id: ownerOf(actor), provider_id })
}

const hostOf = (url: string) => new URL(url).host
