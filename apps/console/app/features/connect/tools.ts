/** What a tool needs to be told. */
export type Connection = {
  /** Ends in `/v1`. */
  base_url: string
  key: string
  model: string
}

export type Step = { say: string; code?: string }
export type Tool = { id: string; name: string; steps: (connection: Connection) => Step[] }

const json = (value: unknown) => JSON.stringify(value, null, 2)

/** The tools a configuration is offered for, ready to paste. The shapes are those each tool was seen to read. */
export const TOOLS: readonly Tool[] = [
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
  {
    id: 'opencode',
    name: 'OpenCode',
    steps: ({ base_url, key, model }) => [
      {
        say: 'Save as ~/.config/opencode/opencode.json:',
        code: json({
          model: `stipend/${model}`,
          small_model: `stipend/${model}`,
          provider: {
            stipend: {
              npm: '@ai-sdk/openai-compatible',
              name: 'Stipend',
              options: { baseURL: base_url, apiKey: key },
              models: { [model]: { name: model } },
            },
          },
        }),
      },
      { say: 'Then start it in your project:', code: 'opencode' },
    ],
  },
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
    id: 'kilo',
    name: 'Kilo Code',
    steps: ({ base_url, key, model }) => [
      {
        say: 'In Settings, Providers, choose “OpenAI Compatible” and fill in:',
        code: `Base URL  ${base_url}\nAPI key   ${key}\nModel     ${model}`,
      },
    ],
  },
  {
    id: 'cursor',
    name: 'Cursor',
    steps: ({ base_url, key, model }) => [
      {
        say: 'In Settings, Models, switch on “Override OpenAI Base URL” and fill in:',
        code: `Base URL  ${base_url}\nAPI key   ${key}\nModel     ${model}`,
      },
      { say: 'Cursor sends requests from its own servers, so the address above must be reachable from the internet.' },
    ],
  },
  {
    id: 'continue',
    name: 'Continue',
    steps: ({ base_url, key, model }) => [
      {
        say: 'Save as ~/.continue/config.yaml:',
        code: [
          'name: Stipend',
          'version: 1.0.0',
          'schema: v1',
          'models:',
          `  - name: ${model}`,
          '    provider: openai',
          `    model: ${model}`,
          `    apiBase: ${base_url}/`,
          `    apiKey: ${key}`,
          '    roles: [chat]',
          '    capabilities: [tool_use]',
        ].join('\n'),
      },
    ],
  },
  {
    id: 'cline',
    name: 'Cline',
    steps: ({ base_url, key, model }) => [
      { say: 'Paste into a terminal:', code: `cline auth -p openai -k ${key} -m ${model} -b ${base_url}` },
    ],
  },
  {
    id: 'javascript',
    name: 'JavaScript',
    steps: ({ base_url, key, model }) => [
      {
        say: 'With the package openai:',
        code: [
          "import OpenAI from 'openai'",
          '',
          `const client = new OpenAI({ baseURL: '${base_url}', apiKey: '${key}' })`,
          'const answer = await client.chat.completions.create({',
          `  model: '${model}',`,
          "  messages: [{ role: 'user', content: 'Hello!' }],",
          '})',
          'console.log(answer.choices[0].message.content)',
        ].join('\n'),
      },
    ],
  },
  {
    id: 'python',
    name: 'Python',
    steps: ({ base_url, key, model }) => [
      {
        say: 'With the package openai:',
        code: [
          'from openai import OpenAI',
          '',
          `client = OpenAI(base_url="${base_url}", api_key="${key}")`,
          'answer = client.chat.completions.create(',
          `    model="${model}",`,
          '    messages=[{"role": "user", "content": "Hello!"}],',
          ')',
          'print(answer.choices[0].message.content)',
        ].join('\n'),
      },
    ],
  },
]
