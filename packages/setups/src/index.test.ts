import { expect, test } from 'vitest'
import { SETUPS, type ToolSetup } from './index.ts'

const connection = { base_url: 'http://127.0.0.1:3001/v1', key: 'sk-stp-example', model: 'scripted-1' }

const all = Object.entries<ToolSetup>(SETUPS).flatMap(([id, setup]) =>
  setup.dialects.map((dialect) => [id, dialect, setup.of(connection, dialect)] as const),
)

test.each(all)('%s is told address, key and model, for %s', (id, dialect, setup) => {
  const told = JSON.stringify(setup)
  expect(told).toContain(connection.key)
  expect(told).toContain(connection.model)
  // Where the dialect is Anthropic's, some add the /v1 themselves.
  const addsVersion = dialect === 'messages' && ['claude', 'qwen', 'copilot', 'pi'].includes(id)
  expect(told.includes('127.0.0.1:3001/v1')).toBe(!addsVersion)
  expect(told).toContain('127.0.0.1:3001')
  if (setup.file?.path.endsWith('.json')) expect(JSON.parse(setup.file.content)).toBeTypeOf('object')
})
