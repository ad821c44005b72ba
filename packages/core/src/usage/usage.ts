import { z } from 'zod'
import { Instant, InstantInput, Search, UsdOutput } from '../fields.ts'
import { idSchema } from '../id.ts'
import { PageInput } from '../page.ts'

/**
 * How a forwarded request ended. `succeeded`: the provider's whole answer arrived. `failed`: the provider refused or broke off.
 * `canceled`: the client hung up. `interrupted`: the gateway itself died meanwhile, settled by policy.
 */
export const USAGE_STATUSES = ['succeeded', 'failed', 'canceled', 'interrupted'] as const
export type UsageStatus = (typeof USAGE_STATUSES)[number]

export const UsageEvent = z.strictObject({
  id: idSchema('request').describe('The request, as the gateway answered it in x-request-id.'),
  started_at: Instant,
  member_id: idSchema('member'),
  member_name: z.string(),
  key_id: idSchema('key'),
  key_name: z.string(),
  key_masked: z.string(),
  model: z.string().describe('As the client asked for it.'),
  provider: z.string(),
  status: z.enum(USAGE_STATUSES),
  http_status: z.number().int(),
  error_code: z.string().nullable(),
  is_streamed: z.boolean(),
  is_estimated: z.boolean().describe('The provider reported no usage; the tokens were counted here.'),
  input_tokens: z.number().int(),
  cached_input_tokens: z.number().int(),
  output_tokens: z.number().int(),
  cost_usd: UsdOutput,
  latency_ms: z.number().int(),
  first_byte_ms: z.number().int().nullable(),
})
export type UsageEvent = z.infer<typeof UsageEvent>

export const ListUsage = PageInput.extend({
  from: InstantInput.optional().describe('Requests that began at or after this time.'),
  to: InstantInput.optional().describe('Requests that began before this time.'),
  member_id: idSchema('member').optional(),
  key_id: idSchema('key').optional(),
  provider_id: idSchema('provider').optional().describe('Requests that this provider answered.'),
  location_id: idSchema('location').optional().describe('Requests of the people of one location.'),
  model: z.string().max(200).optional(),
  status: z.enum(USAGE_STATUSES).optional(),
  search: Search,
})

export const SummarizeUsage = z.strictObject({
  days: z.coerce
    .number()
    .int()
    .min(1)
    .max(366)
    .default(30)
    .describe('How many days back, today included, in the tenant’s time zone.'),
  location_id: idSchema('location').optional().describe('What the people of one location used.'),
})

const Totals = {
  requests: z.number().int(),
  input_tokens: z.number().int(),
  output_tokens: z.number().int(),
  cost_usd: UsdOutput,
}
export const UsageSummary = z.strictObject({
  ...Totals,
  active_members: z.number().int().describe('People who made at least one request.'),
  by_day: z.array(z.strictObject({ day: z.iso.date(), ...Totals })).describe('Every day of the range, oldest first.'),
  by_model: z.array(z.strictObject({ model: z.string(), ...Totals })).describe('Most expensive first.'),
})
export type UsageSummary = z.infer<typeof UsageSummary>
