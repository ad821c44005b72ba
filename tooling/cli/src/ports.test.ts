import net from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chosenPort, requireFreePorts } from './ports.ts'

const holder = net.createServer()
let taken: number

beforeAll(async () => {
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
  taken = (holder.address() as net.AddressInfo).port
})
afterAll(() => new Promise((resolve) => holder.close(resolve)))

describe('required ports', () => {
  test('a taken one is named with its purpose, its holder and the variable to change', async () => {
    const check = requireFreePorts([{ port: taken, what: 'gateway', variable: 'GATEWAY_PORT' }])
    await expect(check).rejects.toThrow(`Port ${taken}, for the gateway, is taken by process ${process.pid}`)
    await expect(check).rejects.toThrow(/GATEWAY_PORT=\d+ npm start/)
  })

  test('all taken ones are named at once', async () => {
    const other = net.createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as net.AddressInfo
    const check = requireFreePorts([
      { port: taken, what: 'gateway', variable: 'GATEWAY_PORT' },
      { port, what: 'API', variable: 'API_PORT' },
    ])
    await expect(check).rejects.toThrow(/GATEWAY_PORT[\s\S]*API_PORT/)
    other.close()
  })

  test('a program that listens on all addresses holds it as well', async () => {
    const other = net.createServer()
    await new Promise<void>((resolve) => other.listen(0, resolve))
    const { port } = other.address() as net.AddressInfo
    await expect(requireFreePorts([{ port, what: 'API', variable: 'API_PORT' }])).rejects.toThrow(`Port ${port}`)
    other.close()
  })

  test('one that is asked for twice is refused', async () => {
    const port = await chosenPort(0)
    const check = requireFreePorts([
      { port, what: 'gateway', variable: 'GATEWAY_PORT' },
      { port, what: 'API', variable: 'API_PORT' },
    ])
    await expect(check).rejects.toThrow('change API_PORT')
  })

  test('free ones pass, and 0 is always free', async () => {
    const port = await chosenPort(0)
    await requireFreePorts([
      { port, what: 'gateway', variable: 'GATEWAY_PORT' },
      { port: 0, what: 'API', variable: 'API_PORT' },
      { port: 0, what: 'console', variable: 'CONSOLE_PORT' },
    ])
  })
})
