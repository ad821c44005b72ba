/** What a program and a provider speak with each other, named by the endpoint of the gateway. */
export const DIALECTS = ['chat', 'completions', 'embeddings', 'responses', 'messages'] as const
export type Dialect = (typeof DIALECTS)[number]

/** What stands before the colon in `owner:provider/model` where the platform is the owner. */
export const PLATFORM_OWNER = 'stipend'

/** How one kind of provider is spoken to. Everything that differs between providers is in this table. */
export type ProviderKind = {
  title: string
  /** Where it is, if that is the same for everybody; null: whoever connects it says. */
  base_url: string | null
  /** An address as somebody would type it. */
  example: string
  needs_credential: boolean
  /** The header that carries the credential. */
  credential_header: 'authorization' | 'x-api-key' | 'api-key'
  /** Sent with each request; the client's own header of that name comes first. */
  headers: Readonly<Record<string, string>>
  /** The dialects it has. A model may have fewer of them. */
  dialects: readonly Dialect[]
  /** The dialects a model that was just discovered is taken to have. */
  usual_dialects: readonly Dialect[]
  /** Where dialects are that aren't at their usual place under `base_url`. One with two slashes begins at the origin. */
  paths: Readonly<Partial<Record<Dialect | 'models', string>>>
  /** How it wants a chat's limit of output named where the client named none. */
  output_limit: 'max_tokens' | 'max_completion_tokens'
  /** Whether it tells the usage of a stream without being asked to. */
  tells_usage: boolean
  /** Parameters of a chat that it refuses with 422 and that many tools send. Each goes by another name, or is left out (null). */
  renames: Readonly<Record<string, string | null>>
  /** Whether the names its list of models has are those that requests name. */
  lists_names: boolean
}

const PATHS: Readonly<Record<Dialect | 'models', string>> = {
  chat: '/chat/completions',
  completions: '/completions',
  embeddings: '/embeddings',
  responses: '/responses',
  messages: '/messages',
  models: '/models',
}

const compatible: Omit<ProviderKind, 'title' | 'base_url' | 'example'> = {
  needs_credential: true,
  credential_header: 'authorization',
  headers: {},
  dialects: ['chat', 'embeddings'],
  usual_dialects: ['chat'],
  paths: {},
  output_limit: 'max_tokens',
  tells_usage: false,
  renames: {},
  lists_names: true,
}
const at = (base_url: string) => ({ base_url, example: base_url })

export const PROVIDER_KINDS = {
  openai: {
    ...compatible,
    title: 'OpenAI',
    ...at('https://api.openai.com/v1'),
    dialects: ['chat', 'completions', 'embeddings', 'responses'],
    usual_dialects: ['chat', 'responses'],
    // Its newer models refuse the older name; all of them know this one.
    output_limit: 'max_completion_tokens',
  },
  anthropic: {
    ...compatible,
    title: 'Anthropic',
    ...at('https://api.anthropic.com/v1'),
    credential_header: 'x-api-key',
    headers: { 'anthropic-version': '2023-06-01' },
    dialects: ['messages'],
    usual_dialects: ['messages'],
    paths: { models: '/models?limit=1000' },
  },
  azure_openai: {
    ...compatible,
    title: 'Azure OpenAI',
    base_url: null,
    example: 'https://school.openai.azure.com/openai/v1',
    credential_header: 'api-key',
    dialects: ['chat', 'completions', 'embeddings', 'responses'],
    usual_dialects: ['chat'],
    output_limit: 'max_completion_tokens',
    // Requests name deployments, which have names of their owner's choice.
    lists_names: false,
  },
  google: {
    ...compatible,
    title: 'Google Gemini',
    ...at('https://generativelanguage.googleapis.com/v1beta/openai'),
  },
  groq: {
    ...compatible,
    title: 'Groq',
    ...at('https://api.groq.com/openai/v1'),
    dialects: ['chat', 'responses'],
  },
  mistral: {
    ...compatible,
    title: 'Mistral',
    ...at('https://api.mistral.ai/v1'),
    tells_usage: true,
    renames: { stream_options: null, max_completion_tokens: 'max_tokens' },
  },
  openrouter: {
    ...compatible,
    title: 'OpenRouter',
    ...at('https://openrouter.ai/api/v1'),
    dialects: ['chat', 'completions', 'embeddings', 'responses', 'messages'],
  },
  deepseek: {
    ...compatible,
    title: 'DeepSeek',
    ...at('https://api.deepseek.com'),
    dialects: ['chat', 'messages'],
    paths: { messages: '//anthropic/v1/messages' },
  },
  xai: {
    ...compatible,
    title: 'xAI',
    ...at('https://api.x.ai/v1'),
    dialects: ['chat', 'responses', 'messages'],
  },
  vllm: {
    ...compatible,
    title: 'vLLM',
    base_url: null,
    example: 'https://models.school.example/v1',
    needs_credential: false,
    dialects: ['chat', 'completions', 'embeddings', 'responses', 'messages'],
  },
  ollama: {
    ...compatible,
    title: 'Ollama',
    base_url: null,
    example: 'https://ollama.school.example/v1',
    needs_credential: false,
    dialects: ['chat', 'completions', 'embeddings', 'responses', 'messages'],
  },
  openai_compatible: {
    ...compatible,
    title: 'OpenAI-compatible',
    base_url: null,
    example: 'https://models.school.example/v1',
    needs_credential: false,
    dialects: DIALECTS,
  },
} as const satisfies Record<string, ProviderKind>

export type ProviderKindName = keyof typeof PROVIDER_KINDS

export const kindOf = (name: ProviderKindName): ProviderKind => PROVIDER_KINDS[name]

/** Azure's older API, which names the deployment in the path and wants its version in the query. */
const AZURE_API_VERSION = '2024-10-21'

/**
 * The address of a dialect at a provider, or of its list of models. `model` is the provider's own name of it: only Azure puts it
 * there. Throws a TypeError if `base_url` is no URL.
 */
export function endpointOf(
  provider: { kind: ProviderKindName; base_url: string },
  what: Dialect | 'models',
  model = '',
): URL {
  const base = new URL(provider.base_url)
  const folder = base.pathname.replace(/\/+$/, '')
  if (provider.kind === 'azure_openai' && !folder.endsWith('/v1')) return azureEndpoint(base, folder, what, model)
  const path = kindOf(provider.kind).paths[what] ?? PATHS[what]
  const [pathname = '', query] = (path.startsWith('//') ? path.slice(1) : folder + path).split('?')
  base.pathname = pathname
  for (const [name, value] of new URLSearchParams(query)) base.searchParams.set(name, value)
  base.hash = ''
  return base
}

function azureEndpoint(base: URL, folder: string, what: Dialect | 'models', model: string): URL {
  const root = folder.endsWith('/openai') ? folder : `${folder}/openai`
  const hasDeployment = what === 'chat' || what === 'completions' || what === 'embeddings'
  base.pathname = `${root}${hasDeployment ? `/deployments/${encodeURIComponent(model)}` : ''}${PATHS[what]}`
  if (!base.searchParams.has('api-version')) base.searchParams.set('api-version', AZURE_API_VERSION)
  base.hash = ''
  return base
}

/** The headers a provider gets from us with every request, in lower case. */
export function headersFor(kind: ProviderKindName, credential: string | null): Record<string, string> {
  const { credential_header, headers } = kindOf(kind)
  if (credential === null) return { ...headers }
  return {
    ...headers,
    [credential_header]: credential_header === 'authorization' ? `Bearer ${credential}` : credential,
  }
}

/** A model as a provider's list has it. Most say nothing of its limits. */
export type ListedModel = { name: string; context_tokens_max: number | null; output_tokens_max: number | null }

/** Reads a provider's list of models; undefined if it is none. */
export function readModelList(body: unknown): ListedModel[] | undefined {
  const list = Array.isArray(body) ? body : isObject(body) ? (body.data ?? body.models) : undefined
  if (!Array.isArray(list)) return undefined
  const models = new Map<string, ListedModel>()
  for (const entry of list) {
    if (!isObject(entry)) continue
    const id = typeof entry.id === 'string' ? entry.id : entry.name
    if (typeof id !== 'string' || id === '' || id.length > 200) continue
    // Google puts a folder before its names, and takes them without it.
    const name = id.startsWith('models/') ? id.slice('models/'.length) : id
    const top = isObject(entry.top_provider) ? entry.top_provider : {}
    models.set(name, {
      name,
      context_tokens_max: count(
        entry.context_length,
        entry.context_window,
        entry.max_model_len,
        entry.max_context_length,
        entry.max_input_tokens,
      ),
      output_tokens_max: count(
        top.max_completion_tokens,
        entry.max_completion_tokens,
        entry.max_output_tokens,
        entry.max_tokens,
      ),
    })
  }
  return [...models.values()]
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The first of these that is a count of tokens a column can hold. */
function count(...values: unknown[]): number | null {
  const found = values.find((value) => Number.isInteger(value) && (value as number) > 0 && (value as number) < 2 ** 31)
  return (found as number | undefined) ?? null
}
