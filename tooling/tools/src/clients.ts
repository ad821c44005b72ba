import { type Connection, SETUPS, type Setup, type ToolDialect, type ToolSetup } from '@stipend/setups'

/** What a client does when it is refused for good: so many requests and seconds at most, on a quiet machine. */
export type Refused = { requests: number; seconds: number; isReworded?: boolean }

export type Client = {
  id: string
  name: string
  /** Versions that are known to be whole on the registry. */
  packages: Readonly<Record<string, string>>
  dialects: readonly ToolDialect[]
  /** Names of models for which it asks differently; one of a usual kind if not said. */
  models?: readonly string[]
  /** The file to run, in the folder the packages were installed to; a list where the platform has a say. */
  program: string
  setup?: ToolSetup
  args(how: { prompt: string; dialect: ToolDialect; connection: Connection }): string[]
  /** Beside what its users are told: no telemetry, no updates, nobody asked. Files beneath the home folder. */
  quietly?: { env?: Record<string, string>; files?: Record<string, string>; append?: string }
  refused: Readonly<Partial<Record<ToolDialect, Refused>>> & { usual: Refused }
  /** Where it gives up when it is told to wait, however shortly. */
  impatient?: readonly ToolDialect[]
}

const platform = `${process.platform}-${process.arch}`
const once = (seconds: number): { usual: Refused } => ({ usual: { requests: 1, seconds } })

/** A program of ours that uses a library; it says itself which variables it reads. */
function library(
  id: string,
  name: string,
  packages: Record<string, string>,
  dialects: readonly ToolDialect[],
  seconds: number,
): Client {
  return {
    id,
    name,
    packages,
    dialects,
    program: `programs/${id}.mjs`,
    args: ({ prompt, dialect, connection: { base_url, key, model } }) => [dialect, base_url, key, model, prompt],
    refused: once(seconds),
  }
}

const CODEX = 'node_modules/@openai/codex/bin/codex.js'
const CODEX_QUIET = 'check_for_update_on_startup = false\n[analytics]\nenabled = false\n[features]\nplugins = false\n'
// Containers have no user namespaces to lock it into.
const codexArgs = ({ prompt }: { prompt: string }) => [
  'exec',
  '--skip-git-repo-check',
  '--dangerously-bypass-approvals-and-sandbox',
  prompt,
]

const tool = (setup: ToolSetup) => ({ setup, dialects: setup.dialects })

export const CLIENTS: readonly Client[] = [
  {
    id: 'opencode',
    name: 'OpenCode',
    packages: { 'opencode-ai': '1.18.33' },
    ...tool(SETUPS.opencode),
    program: `node_modules/opencode-${platform}/bin/opencode`,
    args: ({ prompt }) => ['run', prompt],
    quietly: { env: { OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_DISABLE_MODELS_FETCH: '1' } },
    // A title is asked for beside the task.
    refused: { usual: { requests: 2, seconds: 4 } },
  },
  {
    id: 'codex',
    name: 'Codex',
    packages: { '@openai/codex': '0.169.0' },
    ...tool(SETUPS.codex),
    // With the second, tools come among the input and are called in scripts.
    models: ['gpt-5.5', 'gpt-6-sol'],
    program: CODEX,
    args: codexArgs,
    quietly: { append: CODEX_QUIET },
    refused: { usual: { requests: 6, seconds: 7 } },
  },
  {
    id: 'codex-openai',
    name: 'Codex, its own provider',
    packages: { '@openai/codex': '0.169.0' },
    // What it takes for OpenAI itself it asks for a WebSocket first.
    ...tool({
      dialects: ['responses'],
      of: ({ base_url, key, model }) => ({
        file: { path: '.codex/config.toml', content: `model = "${model}"\nopenai_base_url = "${base_url}"` },
        env: { CODEX_API_KEY: key },
        start: 'codex',
      }),
    }),
    program: CODEX,
    args: codexArgs,
    quietly: { append: CODEX_QUIET },
    refused: { usual: { requests: 6, seconds: 7 } },
  },
  {
    id: 'claude',
    name: 'Claude Code',
    packages: { '@anthropic-ai/claude-code': '2.1.329' },
    ...tool(SETUPS.claude),
    program: 'node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs',
    args: ({ prompt }) => ['-p', prompt, '--permission-mode', 'acceptEdits', '--allowedTools', 'Write', 'Bash'],
    quietly: { env: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1' } },
    refused: once(1),
  },
  {
    id: 'qwen',
    name: 'Qwen Code',
    packages: { '@qwen-code/qwen-code': '0.24.4' },
    ...tool(SETUPS.qwen),
    program: 'node_modules/.bin/qwen',
    args: ({ prompt, dialect }) => [
      '--yolo',
      '--auth-type',
      { chat: 'openai', responses: 'openai-responses', messages: 'anthropic' }[dialect],
      prompt,
    ],
    quietly: { files: { '.qwen/settings.json': '{"privacy":{"usageStatisticsEnabled":false}}' } },
    refused: once(3),
  },
  {
    id: 'kilo',
    name: 'Kilo Code',
    packages: { '@kilocode/cli': '7.7.7' },
    ...tool(SETUPS.kilo),
    program: 'node_modules/.bin/kilo',
    args: ({ prompt }) => ['run', '--auto', prompt],
    quietly: { env: { KILO_DISABLE_AUTOUPDATE: '1', KILO_DISABLE_MODELS_FETCH: '1', KILO_TELEMETRY_LEVEL: 'off' } },
    refused: once(9),
  },
  {
    id: 'continue',
    name: 'Continue',
    packages: { '@continuedev/cli': '1.5.47' },
    ...tool(SETUPS.continue),
    program: 'node_modules/.bin/cn',
    args: ({ prompt }) => ['--config', `${HOME}/.continue/config.yaml`, '--auto', '-p', prompt],
    quietly: { env: { CONTINUE_TELEMETRY_ENABLED: '0' } },
    refused: once(1),
    impatient: ['messages'],
  },
  {
    id: 'cline',
    name: 'Cline',
    packages: { cline: '3.0.65' },
    ...tool(SETUPS.cline),
    program: 'node_modules/.bin/cline',
    args: ({ prompt, dialect, connection }) => [
      '-P',
      { chat: 'openai-compatible', responses: 'openai-native', messages: 'anthropic' }[dialect],
      '-m',
      connection.model,
      prompt,
    ],
    quietly: {
      env: { CLINE_SESSION_BACKEND_MODE: 'local' },
      files: { '.cline/data/settings/global-settings.json': '{"telemetryOptOut":true}' },
    },
    refused: once(2),
  },
  {
    id: 'copilot',
    name: 'Copilot CLI',
    packages: { '@github/copilot': '1.0.102' },
    ...tool(SETUPS.copilot),
    program: 'node_modules/.bin/copilot',
    args: ({ prompt }) => ['-p', prompt, '--allow-all-tools'],
    // It has words of its own for a wrong key.
    refused: { usual: { requests: 1, seconds: 3, isReworded: true } },
  },
  {
    id: 'pi',
    name: 'Pi',
    packages: { '@earendil-works/pi-coding-agent': '0.87.1' },
    ...tool(SETUPS.pi),
    program: 'node_modules/.bin/pi',
    args: ({ prompt, connection }) => ['--provider', 'stipend', '--model', connection.model, '-p', prompt],
    quietly: { env: { PI_OFFLINE: '1' } },
    refused: once(1),
  },
  library('openai', 'openai', { openai: '7.55.0' }, ['chat', 'responses'], 0),
  library('anthropic', '@anthropic-ai/sdk', { '@anthropic-ai/sdk': '1.11.0' }, ['messages'], 0),
  library(
    'ai',
    'AI SDK',
    {
      ai: '7.0.173',
      '@ai-sdk/openai-compatible': '3.0.92',
      '@ai-sdk/openai': '4.0.118',
      '@ai-sdk/anthropic': '4.0.105',
    },
    ['chat', 'responses', 'messages'],
    0,
  ),
  library('langchain', 'LangChain', { '@langchain/openai': '1.6.0' }, ['chat', 'responses'], 1),
  library('llamaindex', 'LlamaIndex', { llamaindex: '0.12.1', '@llamaindex/openai': '0.4.22' }, ['chat'], 1),
]

/** Stands for the home folder in arguments; a run has one of its own. */
export const HOME = '{home}'

/** What its users are told, as it is asked for here. */
export function setupOf({ setup }: Client, connection: Connection, dialect: ToolDialect): Setup | undefined {
  return setup?.of(connection, dialect)
}
