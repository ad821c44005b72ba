import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { close, connect, ping } from './connect.ts'
import { createTestDatabase, type TestDatabase } from './testing.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase(inject('testCluster'))
})
afterAll(() => test.drop())

it('a database that goes away while a connection is made is an error of the query and nothing more', async () => {
  const real = new URL(test.url)
  const proxy = net.createServer((client) => {
    const server = net.connect(Number(real.port), real.hostname)
    for (const socket of [client, server]) socket.on('error', () => {})
    server.on('data', (bytes) => client.write(bytes))
    client.on('data', (bytes) => {
      // What the driver asks of itself on each new connection, before the query that it was made for.
      if (!bytes.includes('typarray')) return void server.write(bytes)
      proxy.close()
      server.destroy()
      client.end()
    })
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const gone = once(proxy, 'close')
  const url = new URL(test.url)
  url.hostname = '127.0.0.1'
  url.port = String((proxy.address() as AddressInfo).port)

  const unhandled: unknown[] = []
  const note = (error: unknown) => unhandled.push(error)
  process.on('unhandledRejection', note)
  const database = connect(url.href, { max: 1 })
  try {
    await expect(ping(database)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await gone
    await turn()
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', note)
    await close(database, 0)
  }
})
