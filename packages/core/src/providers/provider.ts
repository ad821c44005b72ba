import { z } from 'zod'
import { Instant, UsdOutput } from '../fields.ts'
import { idSchema } from '../id.ts'
import { pageOf } from '../page.ts'
import { DIALECTS, PROVIDER_KINDS, type ProviderKindName } from './kinds.ts'
import { EnteredPrice, PriceInput } from './price.ts'

const KIND_NAMES = Object.keys(PROVIDER_KINDS) as [ProviderKindName, ...ProviderKindName[]]
const Kind = z.enum(KIND_NAMES).describe('Whose interface it has.')

/** It stands in names of models, `owner:provider/model`, so it has neither a colon nor a stroke. */
const ProviderName = z
  .string()
  .trim()
  .regex(
    /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/,
    'Use lower-case letters, digits, points and hyphens, such as openai-eu.',
  )
  .meta({ examples: ['openai'] })

const BaseUrl = z
  .string()
  .trim()
  .max(500)
  .refine(isHttpUrl, 'Give an address that begins with https://, without user name and password.')
  .describe('What comes before /chat/completions, so it mostly ends in /v1.')
  .meta({ examples: ['https://models.school.example/v1'] })

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, hash } = new URL(text)
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '' && hash === ''
}

const Credential = z
  .string()
  .trim()
  .min(1, 'Give the API key that the provider gave you.')
  .max(5_000)
  .regex(/^[\x21-\x7e]+$/, 'An API key has no blanks in it. Check that you pasted just the key.')
  .describe('The provider’s API key. Kept encrypted and never shown again.')
  .meta({ writeOnly: true, examples: ['sk-proj-4f9a0c'] })

const Order = {
  priority: z.int().min(1).max(1000).describe('Of several providers of a model, the lowest is tried first.'),
  weight: z.int().min(1).max(1000).describe('The share of requests among providers of one priority.'),
}

/** Unless told otherwise a tenant's own comes before the platform's, which cost the balance. */
export const OWN_PRIORITY = 50
export const PLATFORM_PRIORITY = 100

export const ProviderRef = z.strictObject({ id: idSchema('provider') })

export const CreateProvider = z.strictObject({
  name: ProviderName,
  kind: Kind,
  base_url: BaseUrl.optional(),
  credential: Credential.optional(),
  priority: Order.priority.optional(),
  weight: Order.weight.default(1),
})

export const UpdateProvider = z.strictObject({
  id: idSchema('provider'),
  name: ProviderName.optional(),
  base_url: BaseUrl.optional(),
  credential: Credential.optional().describe('The new API key, where base_url leads to another host.'),
  priority: Order.priority.optional(),
  weight: Order.weight.optional(),
  is_enabled: z.boolean().optional(),
})

export const RotateCredential = z.strictObject({ id: idSchema('provider'), credential: Credential })

export const ShareProvider = z.strictObject({
  id: idSchema('provider'),
  group_ids: z
    .array(idSchema('group'))
    .max(500)
    .nullable()
    .describe('The groups whose members may use it. Null: everyone. Empty: nobody.'),
})

const ModelWord = z.string().meta({ examples: ['gpt-6-mini'] })

/** Up, though some requests may fail; failing: most of them do; resting: left alone for a while; idle: nothing was asked of it lately. */
export const HEALTH_STATES = ['up', 'failing', 'resting', 'idle'] as const

export const Provider = z.strictObject({
  id: idSchema('provider'),
  name: z.string().meta({ examples: ['openai'] }),
  kind: Kind,
  owner: z.enum(['organisation', 'platform']).describe('Requests to the platform’s draw on the balance.'),
  base_url: z
    .string()
    .meta({ examples: ['https://models.school.example/v1'] })
    .nullable()
    .describe('Null where it isn’t yours to know: for the platform’s.'),
  has_credential: z.boolean(),
  credential_set_at: Instant.nullable(),
  priority: z.number().int(),
  weight: z.number().int(),
  is_enabled: z.boolean(),
  shared_with: z.array(idSchema('group')).nullable().describe('Groups whose members may use it; null: everyone.'),
  models: z.number().int().describe('Models that are switched on.'),
  models_without_price: z
    .array(ModelWord)
    .describe('Models that are switched on and refused, since nobody said what they cost.'),
  health: z.strictObject({
    state: z.enum(HEALTH_STATES),
    failure_percent: z.number().int().nullable().describe('Of the requests of the last minutes.'),
    latency_ms: z.number().int().nullable().describe('The median time to the first byte.'),
    last_error_code: z
      .string()
      .meta({ examples: ['provider_timeout'] })
      .nullable(),
    last_error_at: Instant.nullable(),
  }),
  today: z
    .strictObject({ requests: z.number().int(), failed_requests: z.number().int(), cost_usd: UsdOutput })
    .describe('Since midnight in the organisation’s time zone.'),
  created_at: Instant,
})
export type Provider = z.infer<typeof Provider>

export const ProviderList = pageOf(Provider)

export const KindList = pageOf(
  z.strictObject({
    name: Kind,
    title: z.string().meta({ examples: ['OpenAI'] }),
    needs_credential: z.boolean(),
    needs_address: z.boolean(),
    example: z
      .string()
      .describe('An address as it would be typed.')
      .meta({ examples: ['https://api.openai.com/v1'] }),
  }),
)

/** Names of models may have a stroke (`anthropic/claude-5`), but nothing that a request or a list of names could not carry. */
const ModelName = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^[\w.:/@+-]+$/, 'Use letters, digits and . _ : / @ + - in the name of a model.')
  .meta({ examples: ['gpt-6-mini'] })

const Tokens = z.int().positive().max(2_000_000_000)

/** A model of a provider, named by `name`. Of one that is there already, only the fields given are changed. */
const SetModel = z.strictObject({
  name: ModelName.describe('As requests name it.'),
  upstream_name: ModelName.optional().describe('As the provider names it; the same unless given.'),
  aliases: z.array(ModelName).max(20).optional().describe('Further names requests may use.'),
  dialects: z.array(z.enum(DIALECTS)).min(1).optional().describe('The request formats it takes.'),
  context_tokens_max: Tokens.optional(),
  output_tokens_max: Tokens.optional(),
  is_enabled: z.boolean().optional(),
  price: PriceInput.optional().describe('What it costs from now on. The earlier prices stay in its history.'),
})
export type SetModel = z.output<typeof SetModel>

export const SetModels = z.strictObject({
  id: idSchema('provider'),
  models: z
    .array(SetModel)
    .min(1)
    .max(500)
    .refine((models) => new Set(models.map(({ name }) => name)).size === models.length, 'A model is named twice.'),
})

export const ProviderModel = z.strictObject({
  id: idSchema('model'),
  name: ModelWord,
  upstream_name: ModelWord,
  aliases: z.array(ModelWord),
  dialects: z.array(z.enum(DIALECTS)),
  context_tokens_max: z.number().int(),
  output_tokens_max: z.number().int(),
  is_enabled: z.boolean(),
  price: EnteredPrice.extend({
    id: idSchema('price'),
    valid_from: Instant,
    source: z
      .string()
      .describe('Who or what said so.')
      .meta({ examples: ['litellm'] }),
  })
    .nullable()
    .describe('What is charged now, the platform’s markup included. Null: nobody said, so the model is refused.'),
})
export type ProviderModel = z.infer<typeof ProviderModel>

export const ProviderModelList = pageOf(ProviderModel)

export const PriceHistory = pageOf(ProviderModel.shape.price.unwrap())

export const TryProvider = z.strictObject({
  kind: Kind,
  base_url: BaseUrl.optional(),
  credential: Credential.optional(),
})

const Tick = z.strictObject({
  is_ok: z.boolean().nullable().describe('Null: couldn’t be found out, since something before it failed.'),
  says: z
    .string()
    .describe('What was found, and what to do where it is wrong.')
    .meta({ examples: ['It takes this API key.'] }),
})

/** What came of trying a connection, in the order it was tried. */
export const Verdict = z.strictObject({
  is_ok: z.boolean(),
  reachable: Tick,
  credential: Tick,
  models: Tick,
  latency: Tick.extend({ ms: z.number().int().nullable() }),
  found: z
    .array(
      z.strictObject({
        name: ModelWord,
        context_tokens_max: z.number().int().nullable(),
        output_tokens_max: z.number().int().nullable(),
        dialects: z.array(z.enum(DIALECTS)),
        price: EnteredPrice.nullable().describe('From the catalogue of prices; null: not in it.'),
      }),
    )
    .describe('The models it offers.'),
})
export type Verdict = z.infer<typeof Verdict>

/** What tenants pay on top of what the platform's provider takes. */
export const SetMarkup = z.strictObject({
  id: idSchema('provider'),
  markup_percent: z
    .string()
    .trim()
    .regex(/^\d{1,4}(\.\d{1,2})?$/, 'Give a percentage with at most two decimals, such as 10 or 12.5.')
    .refine((text) => Number(text) <= 1000, 'A markup is at most 1000 %.')
    .meta({ examples: ['12.5'] }),
})

export const Markups = pageOf(z.strictObject({ id: idSchema('provider'), markup_percent: z.string() }))
