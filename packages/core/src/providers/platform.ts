import { prices, providers } from '@stipend/db/schema'
import { asc, eq, isNull } from 'drizzle-orm'
import { z } from 'zod'
import { actorId } from '../actor.ts'
import { platformCommand, platformQuery } from '../operation.ts'
import { modelPriceOf, priceColumns } from './catalogue.ts'
import { Markups, SetMarkup } from './provider.ts'
import { pricedModels, requireProvider } from './view.ts'

/** Basis points are hundredths of a percent: 1250 is `12.5`. */
function percentOf(basisPoints: number): string {
  return (basisPoints / 100).toString()
}

export const listMarkups = platformQuery({
  name: 'providers.list_markups',
  permission: 'platform:write',
  summary: 'What tenants pay on top of what each of the platform’s providers takes.',
  input: z.strictObject({}),
  output: Markups,
  errors: [],
  handle: async ({ tx }) => {
    const rows = await tx
      .select({ id: providers.id, markup_bp: providers.markup_bp })
      .from(providers)
      .where(isNull(providers.deleted_at))
      .orderBy(asc(providers.id))
    return { data: rows.map(({ id, markup_bp }) => ({ id, markup_percent: percentOf(markup_bp) })), next_cursor: null }
  },
})

export const setMarkup = platformCommand({
  name: 'providers.set_markup',
  permission: 'platform:write',
  summary:
    'Change the markup of one of the platform’s providers. All its models get new prices, which hold from now on.',
  input: SetMarkup,
  output: Markups.shape.data.element,
  errors: ['not_found'],
  handle: async ({ tx, actor, input, now, newId }) => {
    const { id, markup_bp: earlier } = await requireProvider(tx, null, input.id)
    const markup_bp = Math.round(Number(input.markup_percent) * 100)
    await tx.update(providers).set({ markup_bp }).where(eq(providers.id, id))
    const at = now.toISOString()
    for (const { model, price } of await pricedModels(tx, id)) {
      if (price === null || price.markup_bp === markup_bp) continue
      await tx.insert(prices).values({
        ...{
          id: newId('price'),
          model_id: model.id,
          valid_from: at,
          source: actorId(actor),
          created_at: at,
          markup_bp,
        },
        ...priceColumns(modelPriceOf(price)),
      })
    }
    const output = { id, markup_percent: percentOf(markup_bp) }
    return { output, audit: { target_id: id, before: { markup_percent: percentOf(earlier) }, after: output } }
  },
})
