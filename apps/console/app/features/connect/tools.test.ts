import { SETUPS, type ToolSetup } from '@stipend/setups'
import { expect, test } from 'vitest'
import { stepsFor, TOOLS } from './tools.ts'

const connection = { base_url: 'http://127.0.0.1:3001/v1', key: 'sk-stp-example', model: 'scripted-1' }
/** Those that add the `/v1` themselves. */
const ROOT = 'http://127.0.0.1:3001'

const codeOf = (id: string) =>
  (TOOLS.find((tool) => tool.id === id)?.steps(connection) ?? []).map((step) => step.code ?? '').join('\n')

test.each(TOOLS.map((tool) => [tool.name, tool] as const))('%s is told address, key and model', (_, tool) => {
  const code = codeOf(tool.id)
  expect(code).toContain(tool.id === 'claude' ? ROOT : connection.base_url)
  expect(code).toContain(connection.key)
  expect(code).toContain(connection.model)
  // React tells steps apart by what they say.
  const said = tool.steps(connection).map((step) => step.say)
  expect(new Set(said).size).toBe(said.length)
})

test('every tool that is tried with the gateway has a guide that says what it is tried with', () => {
  for (const [id, { of }] of Object.entries<ToolSetup>(SETUPS)) {
    const { file, env = {}, command = '', start } = of(connection)
    const code = codeOf(id)
    if (file !== undefined) expect(code).toContain(file.content)
    for (const [name, value] of Object.entries(env)) expect(code).toContain(`export ${name}=${value}`)
    expect(code).toContain(command)
    expect(code.trimEnd().endsWith(start), id).toBe(true)
  }
})

test('OpenCode’s file is JSON', () => {
  const [file] = TOOLS.find((tool) => tool.id === 'opencode')?.steps(connection) ?? []
  expect(JSON.parse(file?.code ?? '')).toMatchObject({
    model: 'stipend/scripted-1',
    provider: { stipend: { options: { baseURL: connection.base_url, apiKey: connection.key } } },
  })
})

test('Claude Code and Anthropic’s libraries are told an address without /v1', () => {
  expect(codeOf('claude')).toContain(`ANTHROPIC_BASE_URL=${ROOT}\n`)
  expect(codeOf('javascript')).toContain(`new Anthropic({ baseURL: '${ROOT}',`)
  expect(codeOf('python')).toContain(`Anthropic(base_url="${ROOT}",`)
})

test('users of Cursor learn that a limit to addresses breaks it', () => {
  const said = TOOLS.find((tool) => tool.id === 'cursor')
    ?.steps(connection)
    .at(-1)?.say
  expect(said).toMatch(/limited to addresses/)
})

test('a tool is told a model that speaks what it speaks, and its user if there is none', () => {
  const { base_url, key } = connection
  const told = (id: string, messages: string | null) => {
    const tool = TOOLS.find((one) => one.id === id)
    if (tool === undefined) throw new Error(`no guide for ${id}`)
    return stepsFor(tool, { base_url, key }, { chat: 'chatty', responses: 'responsive', messages })
  }
  expect(JSON.stringify(told('opencode', null))).toContain('stipend/chatty')
  const onlyMessages = { chat: null, responses: null, messages: 'messenger' }
  const [opencode] = TOOLS
  if (opencode === undefined) throw new Error('no guides')
  expect(JSON.stringify(stepsFor(opencode, { base_url, key }, onlyMessages))).toContain('@ai-sdk/anthropic')
  expect(JSON.stringify(told('codex', null))).toContain('responsive')
  expect(JSON.stringify(told('claude', 'messenger'))).toContain('ANTHROPIC_MODEL=messenger')
  expect(told('claude', null)[0]?.say).toMatch(/none of the models you can use does\. Ask your administrator/)
})
