import { models, prices, providers } from '@stipend/db/schema'
import { and, eq, isNull } from 'drizzle-orm'
import { DomainError } from '../errors.ts'
import { platformCommand } from '../operation.ts'
import { CreatePlatformProvider, PlatformProvider } from './provider.ts'

const picos = (text: string | null) => (text === null ? null : BigInt(text))

export const createPlatform = platformCommand({
  name: 'providers.create_platform',
  permission: 'platform:write',
  summary: 'Connect a provider of the platform, with its models and their prices.',
  input: CreatePlatformProvider,
  output: PlatformProvider,
  errors: ['conflict'],
  handle: async ({ tx, input, now, newId }) => {
    const created_at = now.toISOString()
    const [taken] = await tx
      .select({ id: providers.id })
      .from(providers)
      .where(and(isNull(providers.tenant_id), isNull(providers.deleted_at), eq(providers.name, input.name)))
    if (taken !== undefined) throw new DomainError('conflict', 'There is a provider with this name already.')
    await tx.insert(providers).values({
      id: input.id,
      name: input.name,
      kind: input.kind,
      base_url: input.base_url,
      credential: input.credential_sealed,
      credential_at: input.credential_sealed === null ? null : created_at,
      priority: input.priority,
      weight: input.weight,
      markup_bp: input.markup_bp,
      created_at,
    })
    for (const { price, ...model } of input.models) {
      const model_id = newId('model')
      await tx.insert(models).values({ id: model_id, provider_id: input.id, ...model, created_at })
      await tx.insert(prices).values({
        id: newId('price'),
        model_id,
        valid_from: created_at,
        input_picos: BigInt(price.input_picos),
        cached_input_picos: picos(price.cached_input_picos),
        cache_write_picos: picos(price.cache_write_picos),
        cache_write_1h_picos: picos(price.cache_write_1h_picos),
        output_picos: BigInt(price.output_picos),
        markup_bp: input.markup_bp,
        source: price.source,
      })
    }
    const { id, name, base_url } = input
    const output = { id, name, base_url, models: input.models.map((model) => model.name), created_at }
    return { output, audit: { target_id: id, after: output } }
  },
})
