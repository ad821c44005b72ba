import { BRIGHTWATER } from './demo-company.ts'
import type { DemoOrganisation } from './demo-organisation.ts'
import { LINDENHOF } from './demo-school.ts'

export const DEMO_ORGANISATIONS: readonly DemoOrganisation[] = [LINDENHOF, BRIGHTWATER]

/** Picodollars per token: a million of them is a dollar per million tokens. */
const usdPerMillion = (input: string, cachedInput: string, output: string) => ({
  input_usd_per_million: input,
  cached_input_usd_per_million: cachedInput,
  output_usd_per_million: output,
})

export const DEMO_MODELS = [
  {
    name: 'sandbox-small',
    output_tokens_max: 32_768,
    price: usdPerMillion('0.15', '0.075', '0.60'),
  },
  {
    name: 'sandbox-large',
    output_tokens_max: 65_536,
    price: usdPerMillion('2.50', '1.25', '10.00'),
  },
  {
    name: 'sandbox-reasoning',
    output_tokens_max: 65_536,
    price: usdPerMillion('1.10', '0.55', '4.40'),
  },
] as const

export const CONTEXT_TOKENS_MAX = 1_000_000
