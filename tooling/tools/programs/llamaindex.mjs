// Creates a file with a tool call, streamed, with LlamaIndex: node llamaindex.mjs DIALECT BASE_URL KEY MODEL PROMPT
import { writeFileSync } from 'node:fs'
import { OpenAI } from '@llamaindex/openai'

const [, baseURL, apiKey, model, prompt] = process.argv.slice(2)
const llm = new OpenAI({ model, apiKey, baseURL })
const write = {
  metadata: {
    name: 'write_file',
    description: 'Writes a file.',
    parameters: {
      type: 'object',
      properties: { path: { type: 'string' }, content: { type: 'string' } },
      required: ['path', 'content'],
    },
  },
  call: ({ path, content }) => {
    writeFileSync(path, content)
    return 'done'
  },
}

try {
  const messages = [{ role: 'user', content: prompt }]
  for (let turn = 0; turn < 5; turn += 1) {
    let text = ''
    let calls = []
    for await (const chunk of await llm.chat({ messages, tools: [write], stream: true })) {
      text += chunk.delta
      if (chunk.options?.toolCall) calls = chunk.options.toolCall
    }
    if (calls.length === 0) {
      console.log(text)
      break
    }
    messages.push({ role: 'assistant', content: text, options: { toolCall: calls } })
    for (const { id, input } of calls) {
      const result = write.call(typeof input === 'string' ? JSON.parse(input) : input)
      messages.push({ role: 'user', content: result, options: { toolResult: { id, result, isError: false } } })
    }
  }
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
