import type { ProviderKindName } from '../providers/kinds.ts'
import type { Format } from './public-formats.ts'

/** What the public lists call the providers we know. */
export const SOURCES: Partial<Record<ProviderKindName, Record<Format, string>>> = {
  openai: { litellm: 'openai', 'models.dev': 'openai' },
  anthropic: { litellm: 'anthropic', 'models.dev': 'anthropic' },
  azure_openai: { litellm: 'azure', 'models.dev': 'azure' },
  google: { litellm: 'gemini', 'models.dev': 'google' },
  groq: { litellm: 'groq', 'models.dev': 'groq' },
  mistral: { litellm: 'mistral', 'models.dev': 'mistral' },
  openrouter: { litellm: 'openrouter', 'models.dev': 'openrouter' },
  deepseek: { litellm: 'deepseek', 'models.dev': 'deepseek' },
  xai: { litellm: 'xai', 'models.dev': 'xai' },
}
