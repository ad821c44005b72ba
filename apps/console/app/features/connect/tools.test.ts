import { expect, test } from 'vitest'
import { TOOLS } from './tools.ts'

const connection = { base_url: 'http://127.0.0.1:3001/v1', key: 'sk-stp-example', model: 'scripted-1' }

test.each(TOOLS.map((tool) => [tool.name, tool] as const))('%s is told address, key and model', (_, tool) => {
  const code = tool
    .steps(connection)
    .map((step) => step.code ?? '')
    .join('\n')
  expect(code).toContain(connection.base_url)
  expect(code).toContain(connection.key)
  expect(code).toContain(connection.model)
})

test('OpenCode’s file is JSON', () => {
  const [file] = TOOLS.find((tool) => tool.id === 'opencode')?.steps(connection) ?? []
  expect(JSON.parse(file?.code ?? '')).toMatchObject({
    model: 'stipend/scripted-1',
    provider: { stipend: { options: { baseURL: connection.base_url, apiKey: connection.key } } },
  })
})
