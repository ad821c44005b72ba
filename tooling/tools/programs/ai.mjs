// Creates a file with a tool call, streamed, with the AI SDK: node ai.mjs DIALECT BASE_URL KEY MODEL PROMPT
import { writeFileSync } from 'node:fs'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { isStepCount, jsonSchema, streamText, tool } from 'ai'

const [dialect, baseURL, apiKey, model, prompt] = process.argv.slice(2)
const models = {
  chat: () => createOpenAICompatible({ name: 'stipend', baseURL, apiKey, includeUsage: true })(model),
  responses: () => createOpenAI({ baseURL, apiKey }).responses(model),
  messages: () => createAnthropic({ baseURL, apiKey })(model),
}
const write_file = tool({
  description: 'Writes a file.',
  inputSchema: jsonSchema({
    type: 'object',
    properties: { path: { type: 'string' }, content: { type: 'string' } },
    required: ['path', 'content'],
    additionalProperties: false,
  }),
  execute: ({ path, content }) => {
    writeFileSync(path, content)
    return 'done'
  },
})

try {
  const failures = []
  const result = streamText({
    model: models[dialect](),
    prompt,
    tools: { write_file },
    stopWhen: isStepCount(5),
    onError: ({ error }) => failures.push(error),
  })
  let text = ''
  for await (const part of result.textStream) text += part
  if (failures.length > 0) throw new Error(failures[0].message)
  console.log(text)
  console.log(`tokens: ${(await result.totalUsage).totalTokens}`)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
