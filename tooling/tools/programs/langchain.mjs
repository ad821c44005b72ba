// Creates a file with a tool call, streamed, with LangChain: node langchain.mjs DIALECT BASE_URL KEY MODEL PROMPT
import { writeFileSync } from 'node:fs'
import { HumanMessage, ToolMessage } from '@langchain/core/messages'
import { ChatOpenAI } from '@langchain/openai'

const [dialect, baseURL, apiKey, model, prompt] = process.argv.slice(2)
const chat = new ChatOpenAI({
  model,
  apiKey,
  useResponsesApi: dialect === 'responses',
  configuration: { baseURL },
}).bindTools([
  {
    type: 'function',
    function: {
      name: 'write_file',
      description: 'Writes a file.',
      parameters: {
        type: 'object',
        properties: { path: { type: 'string' }, content: { type: 'string' } },
        required: ['path', 'content'],
      },
    },
  },
])

try {
  const messages = [new HumanMessage(prompt)]
  for (let turn = 0; turn < 5; turn += 1) {
    let answer
    for await (const chunk of await chat.stream(messages)) answer = answer === undefined ? chunk : answer.concat(chunk)
    messages.push(answer)
    if (!answer.tool_calls?.length) {
      console.log(answer.text)
      break
    }
    for (const { id, args } of answer.tool_calls) {
      writeFileSync(args.path, args.content)
      messages.push(new ToolMessage({ tool_call_id: id, content: 'done' }))
    }
  }
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
