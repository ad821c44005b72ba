// Creates a file with a tool call, streamed, with the official Anthropic client: node anthropic.mjs DIALECT BASE_URL KEY MODEL PROMPT
import { writeFileSync } from 'node:fs'
import Anthropic from '@anthropic-ai/sdk'

const [, baseURL, apiKey, model, content] = process.argv.slice(2)
const client = new Anthropic({ baseURL: baseURL.replace(/\/v1$/, ''), apiKey })
const tools = [
  {
    name: 'write_file',
    description: 'Writes a file.',
    input_schema: {
      type: 'object',
      properties: { path: { type: 'string' }, content: { type: 'string' } },
      required: ['path', 'content'],
    },
  },
]

try {
  // Open to those whose budget is spent, too.
  await client.models.list()
  const messages = [{ role: 'user', content }]
  for (let turn = 0; turn < 5; turn += 1) {
    const message = await client.messages.stream({ model, max_tokens: 4_096, tools, messages }).finalMessage()
    messages.push({ role: 'assistant', content: message.content })
    const calls = message.content.filter((block) => block.type === 'tool_use')
    if (calls.length === 0) {
      console.log(message.content.map((block) => block.text ?? '').join(''))
      break
    }
    const results = calls.map(({ id, input }) => {
      writeFileSync(input.path, input.content)
      return { type: 'tool_result', tool_use_id: id, content: 'done' }
    })
    messages.push({ role: 'user', content: results })
  }
  const { input_tokens } = await client.messages.countTokens({ model, messages, tools })
  console.log(`tokens: ${input_tokens}`)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
