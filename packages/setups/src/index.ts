/** What a coding tool needs to be told. */
export type Connection = {
  /** Ends in `/v1`. */
  base_url: string
  key: string
  model: string
}

/** The APIs that coding tools speak. */
export type ToolDialect = 'chat' | 'responses' | 'messages'

/** How a tool is told: by a file, by variables, by a command that is run once; then it is started. */
export type Setup = {
  /** Beneath the home folder. */
  file?: { path: string; content: string }
  env?: Record<string, string>
  command?: string
  start: string
}

export type ToolSetup = {
  /** The first is what its users are told. */
  dialects: readonly [ToolDialect, ...ToolDialect[]]
  of(connection: Connection, dialect?: ToolDialect): Setup
}

/** Anthropic's dialect is found beneath the same root, and some tools add the `/v1` themselves. */
export function rootOf({ base_url }: Connection): string {
  return base_url.replace(/\/v1$/, '')
}

const json = (value: unknown) => JSON.stringify(value, null, 2)
const ALL = ['chat', 'responses', 'messages'] as const

/** OpenCode and Kilo Code, which comes from it. All three packages are built into both. */
const AI_SDK = {
  chat: '@ai-sdk/openai-compatible',
  responses: '@ai-sdk/openai',
  messages: '@ai-sdk/anthropic',
}

function openCodeFile({ base_url, key, model }: Connection, dialect: ToolDialect, more: object = {}): string {
  return json({
    model: `stipend/${model}`,
    small_model: `stipend/${model}`,
    ...more,
    provider: {
      stipend: {
        npm: AI_SDK[dialect],
        name: 'Stipend',
        options: { baseURL: base_url, apiKey: key },
        models: { [model]: { name: model } },
      },
    },
  })
}

/** The shapes that each tool was seen to read; `npm run test:tools` configures the tools with them. */
export const SETUPS = {
  opencode: {
    dialects: ALL,
    of: (connection, dialect = 'chat') => ({
      file: { path: '.config/opencode/opencode.json', content: openCodeFile(connection, dialect) },
      start: 'opencode',
    }),
  },
  kilo: {
    dialects: ALL,
    of: (connection, dialect = 'chat') => ({
      file: {
        path: '.config/kilo/kilo.json',
        content: openCodeFile(connection, dialect, { disabled_providers: ['kilo'] }),
      },
      start: 'kilo',
    }),
  },
  codex: {
    dialects: ['responses'],
    of: ({ base_url, key, model }) => ({
      file: {
        path: '.codex/config.toml',
        content: [
          `model = ${JSON.stringify(model)}`,
          'model_provider = "stipend"',
          '',
          '[model_providers.stipend]',
          'name = "Stipend"',
          `base_url = ${JSON.stringify(base_url)}`,
          'env_key = "STIPEND_API_KEY"',
          'wire_api = "responses"',
        ].join('\n'),
      },
      env: { STIPEND_API_KEY: key },
      start: 'codex',
    }),
  },
  claude: {
    dialects: ['messages'],
    of: (connection) => ({
      env: {
        ANTHROPIC_BASE_URL: rootOf(connection),
        ANTHROPIC_AUTH_TOKEN: connection.key,
        ANTHROPIC_MODEL: connection.model,
        ANTHROPIC_DEFAULT_HAIKU_MODEL: connection.model,
      },
      start: 'claude',
    }),
  },
  qwen: {
    dialects: ALL,
    of: (connection, dialect = 'chat') => {
      const { base_url, key, model } = connection
      return dialect === 'messages'
        ? {
            env: { ANTHROPIC_BASE_URL: rootOf(connection), ANTHROPIC_API_KEY: key, ANTHROPIC_MODEL: model },
            start: 'qwen --auth-type anthropic',
          }
        : {
            env: { OPENAI_BASE_URL: base_url, OPENAI_API_KEY: key, OPENAI_MODEL: model },
            start: `qwen --auth-type ${dialect === 'chat' ? 'openai' : 'openai-responses'}`,
          }
    },
  },
  continue: {
    dialects: ['chat', 'messages'],
    of: ({ base_url, key, model }, dialect = 'chat') => ({
      file: {
        path: '.continue/config.yaml',
        content: [
          'name: Stipend',
          'version: 1.0.0',
          'schema: v1',
          'models:',
          `  - name: ${model}`,
          `    provider: ${dialect === 'messages' ? 'anthropic' : 'openai'}`,
          `    model: ${model}`,
          `    apiBase: ${base_url}/`,
          `    apiKey: ${key}`,
          '    roles: [chat]',
          '    capabilities: [tool_use]',
        ].join('\n'),
      },
      start: 'cn',
    }),
  },
  cline: {
    dialects: ALL,
    of: ({ base_url, key, model }, dialect = 'chat') => {
      const provider = { chat: 'openai-compatible', responses: 'openai-native', messages: 'anthropic' }[dialect]
      // Its command takes no address for this one.
      if (dialect === 'messages') {
        const settings = { provider, apiKey: key, model, baseUrl: base_url }
        const saved = { settings, updatedAt: '2026-01-01T00:00:00.000Z', tokenSource: 'manual' }
        const content = json({ version: 1, lastUsedProvider: provider, modes: {}, providers: { [provider]: saved } })
        return { file: { path: '.cline/data/settings/providers.json', content }, start: 'cline' }
      }
      const name = dialect === 'chat' ? 'openai' : provider
      return { command: `cline auth -p ${name} -k ${key} -m ${model} -b ${base_url}`, start: 'cline' }
    },
  },
  copilot: {
    dialects: ALL,
    of: (connection, dialect = 'chat') => ({
      env: {
        COPILOT_PROVIDER_TYPE: dialect === 'messages' ? 'anthropic' : 'openai',
        COPILOT_PROVIDER_BASE_URL: dialect === 'messages' ? rootOf(connection) : connection.base_url,
        COPILOT_PROVIDER_API_KEY: connection.key,
        ...(dialect === 'messages'
          ? {}
          : { COPILOT_PROVIDER_WIRE_API: dialect === 'chat' ? 'completions' : 'responses' }),
        COPILOT_MODEL: connection.model,
        COPILOT_OFFLINE: 'true',
      },
      start: 'copilot',
    }),
  },
  pi: {
    dialects: ALL,
    of: (connection, dialect = 'chat') => ({
      file: {
        path: '.pi/agent/models.json',
        content: json({
          providers: {
            stipend: {
              baseUrl: dialect === 'messages' ? rootOf(connection) : connection.base_url,
              api: { chat: 'openai-completions', responses: 'openai-responses', messages: 'anthropic-messages' }[
                dialect
              ],
              apiKey: connection.key,
              models: [{ id: connection.model }],
            },
          },
        }),
      },
      start: `pi --provider stipend --model ${connection.model}`,
    }),
  },
} satisfies Record<string, ToolSetup>
