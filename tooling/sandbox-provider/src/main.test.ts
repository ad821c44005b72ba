import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))

function start(environment: Record<string, string>) {
  return spawn(process.execPath, [MAIN], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

it('starts from the environment, serves, and ends on a signal', async () => {
  const child = start({ SANDBOX_PROVIDER_PORT: '0', SANDBOX_PROVIDER_CREDENTIAL: 'sk-sandbox-of-this-test' })
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
  const { url } = JSON.parse(line)
  expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok' })
  expect((await fetch(`${url}/v1/models`)).status).toBe(401)
  const listed = await fetch(`${url}/v1/models`, { headers: { authorization: 'Bearer sk-sandbox-of-this-test' } })
  expect(await listed.json()).toMatchObject({ data: { length: 4 } })
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})

it('says what is wrong with its environment', async () => {
  const child = start({ SANDBOX_PROVIDER_PORT: 'http' })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  expect(await once(child, 'close')).toEqual([1, null])
  expect(said).toContain('SANDBOX_PROVIDER_PORT: must be a port number')
})
