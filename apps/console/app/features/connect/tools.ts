import { type Connection, rootOf, SETUPS, type Setup, type ToolDialect, type ToolSetup } from '@stipend/setups'

export type { Connection, ToolDialect } from '@stipend/setups'

export type Step = { say: string; code?: string }
export type Tool = {
  id: string
  name: string
  /** What it can speak, the usual first; chat only, if not said. */
  dialects?: readonly [ToolDialect, ...ToolDialect[]]
  steps: (connection: Connection, dialect?: ToolDialect) => Step[]
}

const NAMES: Record<ToolDialect, string> = {
  chat: 'OpenAI’s Chat Completions API',
  responses: 'OpenAI’s Responses API',
  messages: 'Anthropic’s Messages API',
}

/** What to do for a tool with one of the models that speak what it speaks; if there is none, that is what is said first. */
export function stepsFor(
  { dialects = ['chat'], steps }: Tool,
  connection: Omit<Connection, 'model'>,
  modelFor: Record<ToolDialect, string | null>,
): Step[] {
  for (const dialect of dialects) {
    const model = modelFor[dialect]
    if (model !== null) return steps({ ...connection, model }, dialect)
  }
  const missing = `It speaks ${NAMES[dialects[0]]}, and none of the models you can use does. Ask your administrator for one.`
  return [{ say: missing }, ...steps({ ...connection, model: 'MODEL' })]
}

/** A tool that is set up by a file, variables or a command. */
function terminalTool(id: string, name: string, setup: ToolSetup, more: Step[] = []): Tool {
  const steps: Tool['steps'] = (connection, dialect) => [...stepsOf(setup.of(connection, dialect)), ...more]
  return { id, name, dialects: setup.dialects, steps }
}

/** What is to be saved, then what is to be typed. */
function stepsOf({ file, env = {}, command, start }: Setup): Step[] {
  const exports = Object.entries(env).map(([name, value]) => `export ${name}=${value}`)
  const typed = [...exports, ...(command === undefined ? [] : [command]), start]
  const shell = {
    say: `${file === undefined ? 'Paste' : 'Then paste'} into a terminal, in your project:`,
    code: typed.join('\n'),
  }
  return file === undefined ? [shell] : [{ say: `Save as ~/${file.path}:`, code: file.content }, shell]
}

/** Fields of a page of settings. */
function fields(given: Record<string, string>): string {
  const width = Math.max(...Object.keys(given).map((name) => name.length))
  return Object.entries(given)
    .map(([name, value]) => `${name.padEnd(width)}  ${value}`)
    .join('\n')
}

/** The tools a configuration is offered for, ready to paste. */
export const TOOLS: readonly Tool[] = [
  terminalTool('opencode', 'OpenCode', SETUPS.opencode),
  terminalTool('claude', 'Claude Code', SETUPS.claude, [
    {
      say: 'Its address has no /v1 at the end: it adds that itself. Other models must speak Anthropic’s Messages API too.',
    },
  ]),
  terminalTool('codex', 'Codex', SETUPS.codex, [{ say: 'Other models must speak OpenAI’s Responses API too.' }]),
  {
    id: 'cursor',
    name: 'Cursor',
    steps: ({ base_url, key, model }) => [
      {
        say: 'In Settings, Models, switch on “Override OpenAI Base URL” and fill in:',
        code: fields({ 'Base URL': base_url, 'API key': key, Model: model }),
      },
      {
        say: 'Cursor sends requests from its own servers: the address above must be reachable from the internet, and a key that is limited to addresses doesn’t work.',
      },
    ],
  },
  terminalTool('cline', 'Cline', SETUPS.cline),
  {
    id: 'kilo',
    name: 'Kilo Code',
    dialects: SETUPS.kilo.dialects,
    steps: (connection, dialect) => {
      const { file, start } = SETUPS.kilo.of(connection, dialect)
      return [
        {
          say: 'In the editor: Settings, Providers, choose “OpenAI Compatible” and fill in:',
          code: fields({ 'Base URL': connection.base_url, 'API key': connection.key, Model: connection.model }),
        },
        { say: `In the terminal: save as ~/${file.path}:`, code: file.content },
        { say: 'Then start it in your project:', code: start },
      ]
    },
  },
  terminalTool('continue', 'Continue', SETUPS.continue),
  terminalTool('copilot', 'Copilot CLI', SETUPS.copilot),
  terminalTool('qwen', 'Qwen Code', SETUPS.qwen),
  terminalTool('pi', 'Pi', SETUPS.pi),
  {
    id: 'aider',
    name: 'Aider',
    steps: ({ base_url, key, model }) => [
      {
        say: 'Paste into a terminal, in your project:',
        code: `export OPENAI_API_BASE=${base_url}\nexport OPENAI_API_KEY=${key}\naider --model openai/${model}`,
      },
    ],
  },
  {
    id: 'openwebui',
    name: 'Open WebUI',
    steps: ({ base_url, key, model }) => [
      {
        say: 'In Admin Settings, Connections, add an OpenAI API connection and fill in:',
        code: fields({ URL: base_url, Key: key, 'Model IDs': model }),
      },
    ],
  },
  {
    id: 'javascript',
    name: 'JavaScript',
    steps: (connection) => [
      {
        say: 'With the package openai:',
        code: [
          "import OpenAI from 'openai'",
          '',
          `const client = new OpenAI({ baseURL: '${connection.base_url}', apiKey: '${connection.key}' })`,
          'const answer = await client.chat.completions.create({',
          `  model: '${connection.model}',`,
          "  messages: [{ role: 'user', content: 'Hello!' }],",
          '})',
          'console.log(answer.choices[0].message.content)',
        ].join('\n'),
      },
      {
        say: 'With the package @anthropic-ai/sdk, whose address has no /v1:',
        code: [
          "import Anthropic from '@anthropic-ai/sdk'",
          '',
          `const client = new Anthropic({ baseURL: '${rootOf(connection)}', apiKey: '${connection.key}' })`,
          'const answer = await client.messages.create({',
          `  model: '${connection.model}',`,
          '  max_tokens: 1000,',
          "  messages: [{ role: 'user', content: 'Hello!' }],",
          '})',
          'console.log(answer.content)',
        ].join('\n'),
      },
      {
        say: 'With the AI SDK (ai and @ai-sdk/openai-compatible):',
        code: [
          "import { createOpenAICompatible } from '@ai-sdk/openai-compatible'",
          "import { generateText } from 'ai'",
          '',
          'const stipend = createOpenAICompatible({',
          "  name: 'stipend',",
          `  baseURL: '${connection.base_url}',`,
          `  apiKey: '${connection.key}',`,
          '  includeUsage: true,',
          '})',
          `const { text } = await generateText({ model: stipend('${connection.model}'), prompt: 'Hello!' })`,
          'console.log(text)',
        ].join('\n'),
      },
    ],
  },
  {
    id: 'python',
    name: 'Python',
    steps: (connection) => [
      {
        say: 'With the package openai:',
        code: [
          'from openai import OpenAI',
          '',
          `client = OpenAI(base_url="${connection.base_url}", api_key="${connection.key}")`,
          'answer = client.chat.completions.create(',
          `    model="${connection.model}",`,
          '    messages=[{"role": "user", "content": "Hello!"}],',
          ')',
          'print(answer.choices[0].message.content)',
        ].join('\n'),
      },
      {
        say: 'With the package anthropic, whose address has no /v1:',
        code: [
          'from anthropic import Anthropic',
          '',
          `client = Anthropic(base_url="${rootOf(connection)}", api_key="${connection.key}")`,
          'answer = client.messages.create(',
          `    model="${connection.model}",`,
          '    max_tokens=1000,',
          '    messages=[{"role": "user", "content": "Hello!"}],',
          ')',
          'print(answer.content)',
        ].join('\n'),
      },
    ],
  },
  {
    id: 'curl',
    name: 'curl',
    steps: ({ base_url, key, model }) => [
      {
        say: 'Paste into a terminal:',
        code: [
          `curl ${base_url}/chat/completions \\`,
          `  -H "authorization: Bearer ${key}" \\`,
          `  -H "content-type: application/json" \\`,
          `  -d '${JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }] })}'`,
        ].join('\n'),
      },
    ],
  },
]
