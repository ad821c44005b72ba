import { BRIGHTWATER } from './demo-company.ts'
import type { DemoOrganisation } from './demo-organisation.ts'
import { LINDENHOF } from './demo-school.ts'

export const DEMO_ORGANISATIONS: readonly DemoOrganisation[] = [LINDENHOF, BRIGHTWATER]

/** Picodollars per token: a million of them is a dollar per million tokens. */
export const DEMO_MODELS = [
  {
    name: 'sandbox-small',
    output_tokens_max: 32_768,
    input_picos: '150000',
    cached_input_picos: '75000',
    output_picos: '600000',
  },
  {
    name: 'sandbox-large',
    output_tokens_max: 65_536,
    input_picos: '2500000',
    cached_input_picos: '1250000',
    output_picos: '10000000',
  },
  {
    name: 'sandbox-reasoning',
    output_tokens_max: 65_536,
    input_picos: '1100000',
    cached_input_picos: '550000',
    output_picos: '4400000',
  },
] as const

export const CONTEXT_TOKENS_MAX = 1_000_000
