import { describe, expect, it } from 'vitest'
import { endpointOf, headersFor, PROVIDER_KINDS, type ProviderKindName, readModelList } from './kinds.ts'

const kinds = Object.entries(PROVIDER_KINDS)

describe('the table of kinds', () => {
  it.each(kinds)('%s is whole', (_, kind) => {
    expect(URL.canParse(kind.base_url ?? kind.example)).toBe(true)
    expect(kind.dialects.length).toBeGreaterThan(0)
    expect(kind.dialects).toEqual(expect.arrayContaining([...kind.usual_dialects]))
  })
})

describe('where a dialect is', () => {
  it.each<[kind: ProviderKindName, base_url: string, what: Parameters<typeof endpointOf>[1], url: string]>([
    ['openai', 'https://api.openai.com/v1', 'responses', 'https://api.openai.com/v1/responses'],
    ['openai_compatible', 'https://h.example/v1/', 'chat', 'https://h.example/v1/chat/completions'],
    ['openai_compatible', 'https://h.example', 'embeddings', 'https://h.example/embeddings'],
    ['openai_compatible', 'https://h.example/a?key=1#x', 'models', 'https://h.example/a/models?key=1'],
    ['anthropic', 'https://api.anthropic.com/v1', 'messages', 'https://api.anthropic.com/v1/messages'],
    ['anthropic', 'https://api.anthropic.com/v1', 'models', 'https://api.anthropic.com/v1/models?limit=1000'],
    ['deepseek', 'https://api.deepseek.com/v1', 'messages', 'https://api.deepseek.com/anthropic/v1/messages'],
    [
      'azure_openai',
      'https://s.openai.azure.com/openai/v1',
      'chat',
      'https://s.openai.azure.com/openai/v1/chat/completions',
    ],
    [
      'azure_openai',
      'https://s.openai.azure.com',
      'chat',
      'https://s.openai.azure.com/openai/deployments/my%2Fmodel/chat/completions?api-version=2024-10-21',
    ],
    [
      'azure_openai',
      'https://s.openai.azure.com/openai/?api-version=2025-04-01-preview',
      'responses',
      'https://s.openai.azure.com/openai/responses?api-version=2025-04-01-preview',
    ],
    [
      'google',
      'https://generativelanguage.googleapis.com/v1beta/openai',
      'chat',
      'https://generativelanguage.googleapis.com/v1beta/openai/chat/completions',
    ],
  ])('%s at %s: %s', (kind, base_url, what, url) => {
    expect(endpointOf({ kind, base_url }, what, 'my/model').href).toBe(url)
  })
})

describe('the credential', () => {
  it('goes into the header the provider reads', () => {
    expect(headersFor('openai', 'c')).toEqual({ authorization: 'Bearer c' })
    expect(headersFor('anthropic', 'c')).toEqual({ 'x-api-key': 'c', 'anthropic-version': '2023-06-01' })
    expect(headersFor('azure_openai', 'c')).toEqual({ 'api-key': 'c' })
    expect(headersFor('ollama', null)).toEqual({})
  })
})

describe('a list of models', () => {
  const none = { context_tokens_max: null, output_tokens_max: null }

  it.each([
    ['OpenAI', { data: [{ id: 'gpt-5', object: 'model' }] }, [{ name: 'gpt-5', ...none }]],
    ['Google', { data: [{ id: 'models/gemini-3-pro' }] }, [{ name: 'gemini-3-pro', ...none }]],
    [
      'Groq',
      { data: [{ id: 'q', context_window: 131_072, max_completion_tokens: 40_960 }] },
      [{ name: 'q', context_tokens_max: 131_072, output_tokens_max: 40_960 }],
    ],
    [
      'vLLM',
      { data: [{ id: 'v', max_model_len: 32_768 }] },
      [{ name: 'v', context_tokens_max: 32_768, output_tokens_max: null }],
    ],
    [
      'OpenRouter',
      { data: [{ id: 'a/b', context_length: 200_000, top_provider: { max_completion_tokens: 64_000 } }] },
      [{ name: 'a/b', context_tokens_max: 200_000, output_tokens_max: 64_000 }],
    ],
    [
      'Together, a bare list',
      [{ id: 't', context_length: 4_096 }],
      [{ name: 't', context_tokens_max: 4_096, output_tokens_max: null }],
    ],
    [
      'nonsense inside',
      { data: [null, 5, {}, { id: 7 }, { id: '' }, { id: 'a', context_length: -1 }, { id: 'a' }] },
      [{ name: 'a', ...none }],
    ],
  ])('of %s', (_, body, models) => {
    expect(readModelList(body)).toEqual(models)
  })

  it.each([[null], ['models'], [{}], [{ data: 'x' }], [{ error: { message: 'no' } }]])('is not %j', (body) => {
    expect(readModelList(body)).toBeUndefined()
  })
})
