import { type Connection, rootOf, SETUPS, type Setup } from '@stipend/setups'

export type { Connection } from '@stipend/setups'

export type Step = { say: string; code?: string }
export type Tool = { id: string; name: string; steps: (connection: Connection) => Step[] }

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

/** Some tools speak one dialect only, and not every model does. */
const needs = (dialect: string, such: string): Step => ({
  say: `It speaks ${dialect} only: choose a model that does, such as ${such}.`,
})

/** The tools a configuration is offered for, ready to paste. */
export const TOOLS: readonly Tool[] = [
  { id: 'opencode', name: 'OpenCode', steps: (connection) => stepsOf(SETUPS.opencode.of(connection)) },
  {
    id: 'claude',
    name: 'Claude Code',
    steps: (connection) => [
      ...stepsOf(SETUPS.claude.of(connection)),
      needs('Anthropic’s Messages API', 'Claude'),
      { say: 'Its address has no /v1 at the end: it adds that itself.' },
    ],
  },
  {
    id: 'codex',
    name: 'Codex',
    steps: (connection) => [
      ...stepsOf(SETUPS.codex.of(connection)),
      needs('OpenAI’s Responses API', 'those of OpenAI'),
    ],
  },
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
  { id: 'cline', name: 'Cline', steps: (connection) => stepsOf(SETUPS.cline.of(connection)) },
  {
    id: 'kilo',
    name: 'Kilo Code',
    steps: (connection) => [
      {
        say: 'In the editor: Settings, Providers, choose “OpenAI Compatible” and fill in:',
        code: fields({ 'Base URL': connection.base_url, 'API key': connection.key, Model: connection.model }),
      },
      ...stepsOf(SETUPS.kilo.of(connection)).map((step, index) =>
        index === 0 ? { ...step, say: `In the terminal: save as ~/${SETUPS.kilo.of(connection).file.path}:` } : step,
      ),
    ],
  },
  { id: 'continue', name: 'Continue', steps: (connection) => stepsOf(SETUPS.continue.of(connection)) },
  { id: 'copilot', name: 'Copilot CLI', steps: (connection) => stepsOf(SETUPS.copilot.of(connection)) },
  { id: 'qwen', name: 'Qwen Code', steps: (connection) => stepsOf(SETUPS.qwen.of(connection)) },
  { id: 'pi', name: 'Pi', steps: (connection) => stepsOf(SETUPS.pi.of(connection)) },
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
