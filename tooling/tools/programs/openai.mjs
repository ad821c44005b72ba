// Creates a file with a tool call, streamed, with the official OpenAI client: node openai.mjs DIALECT BASE_URL KEY MODEL PROMPT
import { writeFileSync } from 'node:fs'
import OpenAI from 'openai'

const [dialect, baseURL, apiKey, model, content] = process.argv.slice(2)
const client = new OpenAI({ baseURL, apiKey })
const parameters = {
  type: 'object',
  properties: { path: { type: 'string' }, content: { type: 'string' } },
  required: ['path', 'content'],
  additionalProperties: false,
}
const write = ({ path, content }) => {
  writeFileSync(path, content)
  return 'done'
}

async function chat() {
  const runner = client.chat.completions.runTools({
    model,
    stream: true,
    messages: [{ role: 'user', content }],
    tools: [
      {
        type: 'function',
        function: { name: 'write_file', function: write, parse: JSON.parse, parameters, description: 'Writes a file.' },
      },
    ],
  })
  console.log(await runner.finalContent())
  console.log(`tokens: ${(await runner.totalUsage()).total_tokens}`)
  const { data } = await client.embeddings.create({ model: 'sandbox-embedding', input: ['a', 'b'] })
  console.log(`embeddings: ${data.length} of ${data[0].embedding.length}`)
}

async function responses() {
  const tools = [{ type: 'function', name: 'write_file', description: 'Writes a file.', parameters, strict: true }]
  const first = await client.responses.stream({ model, input: content, tools }).finalResponse()
  const call = first.output.find((item) => item.type === 'function_call')
  const input = [{ type: 'function_call_output', call_id: call.call_id, output: write(JSON.parse(call.arguments)) }]
  const last = await client.responses.stream({ model, input, tools, previous_response_id: first.id }).finalResponse()
  console.log(last.output_text)
  console.log(`tokens: ${first.usage.total_tokens + last.usage.total_tokens}`)
}

try {
  // Open to those whose budget is spent, too.
  await client.models.list()
  await (dialect === 'chat' ? chat() : responses())
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
