import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isPublicAddress, Outbound } from './outbound.ts'

/** Something in the network of the platform that must not be reached, on all addresses of this machine. */
let secret: Server
let port: number
let reached = 0
beforeAll(async () => {
  secret = createServer((_, response) => {
    reached++
    response.end('secret')
  })
  await new Promise<void>((done) => secret.listen(0, '::', done))
  port = (secret.address() as AddressInfo).port
})
afterAll(() => secret.close())

const strict = new Outbound({ allow: [], connectMs: 1_000 })
const ask = (url: string, { outbound = strict, isTrusted = false } = {}) =>
  outbound.request(url, { headers: {}, isTrusted, timeoutMs: 3_000, bytesMax: 1_000 })

/** As the gateway connects, which speaks HTTP itself. */
const dialled = (url: string, isTrusted = false) =>
  new Promise<string>((resolve) => {
    const onread = { buffer: Buffer.alloc(1_024), callback: () => true }
    strict.dial(new URL(url), isTrusted, onread, (error, socket) => {
      socket?.destroy()
      resolve(error === null ? 'connected' : String((error as { code?: string }).code))
    })
  })

/** Ways to name this machine, its neighbours, and what clouds tell their machines. */
const FORBIDDEN = [
  ...['127.0.0.1', '127.1', '127.0.1', '127.127.127.127', '0.0.0.0', '0', '[::1]', '[::]', '[0:0:0:0:0:0:0:1]'],
  // Other notations of 127.0.0.1: octal, hexadecimal, one number, mixed.
  ...['0177.0.0.1', '0177.0.0.01', '0x7f.0.0.1', '0x7f000001', '2130706433', '017700000001', '0x7f.1', '127.0x0.1'],
  // Full-width digits and an ideographic full stop, which a URL takes for the plain ones.
  ...['１２７.０.０.１', '127。0。0。1', '%31%32%37.0.0.1'],
  ...['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', 'ip6-localhost'],
  // Within IPv6: mapped, compatible, translated, NAT64 and its local prefix, 6to4, Teredo.
  ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:ffff:7f00:0001]', '[::127.0.0.1]', '[::ffff:0:7f00:1]'],
  ...['[64:ff9b::127.0.0.1]', '[64:ff9b::7f00:1]', '[64:ff9b::a9fe:a9fe]', '[64:ff9b:1::a00:1]', '[2002:7f00:1::]'],
  ...['[2001:0:a9fe:a9fe::1]', '[::ffff:169.254.169.254]', '[::ffff:0a00:0001]'],
  // Metadata of clouds.
  ...[
    '169.254.169.254',
    '169.254.170.2',
    '0xa9fea9fe',
    '2852039166',
    '[fd00:ec2::254]',
    '168.63.129.16',
    '100.100.100.200',
  ],
  ...['192.0.0.192', '[fe80::1]', '[fe80::a9fe:a9fe]'],
  // Private networks, carriers, multicast, documentation, reserved.
  ...['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.254', '192.168.1.1', '100.64.0.1', '198.18.0.1'],
  ...['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', '203.0.113.7', '[fc00::1]', '[fdff::1]'],
  ...['[ff02::1]', '[fec0::1]', '[2001:db8::1]', '[3fff::1]', '[5f00::1]'],
]

describe('an address that somebody else named', () => {
  it(`is one of ${FORBIDDEN.length} ways to name a forbidden one, and none connects`, async () => {
    expect(FORBIDDEN.length).toBeGreaterThan(60)
    for (const host of FORBIDDEN) {
      for (const protocol of ['http', 'https']) {
        const outcome = await ask(`${protocol}://${host}:${port}/`).then(
          () => 'connected',
          (error: { code?: string }) => error.code,
        )
        // A name that nobody here knows is no way in either.
        const refusals = ['FORBIDDEN_ADDRESS', 'ENOTFOUND', 'EAI_AGAIN']
        expect(refusals, `${protocol}://${host}`).toContain(outcome)
        expect(refusals, `${protocol}://${host} dialled`).toContain(await dialled(`${protocol}://${host}:${port}/`))
      }
    }
    expect(reached).toBe(0)
  })

  it('is forbidden as a whole host name resolves, whatever it resolves to next', async () => {
    // The address that was checked is the one that is connected to: nothing is resolved twice.
    const dispatcher = new Agent({ connect: strict.connector(false) })
    for (let tries = 0; tries < 5; tries++) {
      await expect(request(`http://localhost:${port}/`, { dispatcher })).rejects.toMatchObject({
        code: 'FORBIDDEN_ADDRESS',
        message: expect.stringMatching(/^localhost is at (127\.0\.0\.1|::1)/),
      })
    }
    await dispatcher.destroy()
    for (let tries = 0; tries < 5; tries++) {
      expect(await dialled(`http://localhost:${port}/`)).toBe('FORBIDDEN_ADDRESS')
    }
    expect(reached).toBe(0)
  })

  it('is not followed elsewhere', async () => {
    const elsewhere = createServer((_, response) => {
      response.writeHead(302, { location: `http://[::1]:${port}/` }).end()
    })
    await new Promise<void>((done) => elsewhere.listen(0, '127.0.0.1', done))
    const outbound = new Outbound({ allow: ['127.0.0.1/32'], connectMs: 1_000 })
    const answer = await ask(`http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`, { outbound })
    expect(answer).toMatchObject({ status: 302, headers: { location: expect.any(String) } })
    expect(reached).toBe(0)
    elsewhere.close()
  })

  it('of the internet is none of these', () => {
    const open = ['8.8.8.8', '1.1.1.1', '172.15.0.1', '172.32.0.1', '100.63.255.255', '169.253.0.1', '192.167.1.1']
    const open6 = ['2606:4700::1111', '2001:4860:4860::8888', '::ffff:8.8.8.8', '64:ff9b::808:808', '2a00::1']
    for (const address of [...open, ...open6]) expect(isPublicAddress(address), address).toBe(true)
    for (const nonsense of ['', 'localhost', '127.1', '8.8.8.8%eth0', 'fe80::1%1', '::1%lo']) {
      expect(isPublicAddress(nonsense), nonsense).toBe(false)
    }
  })
})

describe('an address outside of the internet', () => {
  const url = () => `http://127.0.0.1:${port}/`

  it('is reached where the operator allows it: by block, by address, by name', async () => {
    for (const allow of [['127.0.0.0/8'], ['127.0.0.1'], ['10.0.0.0/8', '127.0.0.1/32']]) {
      const { status, body } = await ask(url(), { outbound: new Outbound({ allow, connectMs: 1_000 }) })
      expect({ status, text: body.toString() }).toEqual({ status: 200, text: 'secret' })
    }
    const byName = new Outbound({ allow: ['LocalHost'], connectMs: 1_000 })
    expect((await ask(`http://localhost:${port}/`, { outbound: byName })).status).toBe(200)
    await expect(ask(url(), { outbound: byName })).rejects.toMatchObject({ code: 'FORBIDDEN_ADDRESS' })
    await expect(ask(`http://[::1]:${port}/`, { outbound: byName })).rejects.toMatchObject({
      code: 'FORBIDDEN_ADDRESS',
    })
  })

  it('is reached by the platform itself', async () => {
    expect((await ask(url(), { isTrusted: true })).body.toString()).toBe('secret')
  })

  it.each(['10.0.0.0/33', '10.0.0.0/8/8', '1.2.3.4/x', 'a b', 'http://x'])('is not allowed by %s', (entry) => {
    expect(() => new Outbound({ allow: [entry], connectMs: 1 })).toThrow()
  })
})

describe('an answer', () => {
  it('that is larger than it may be is not read to its end', async () => {
    const large = createServer((_, response) => response.end('x'.repeat(5_000)))
    await new Promise<void>((done) => large.listen(0, '127.0.0.1', done))
    const url = `http://127.0.0.1:${(large.address() as AddressInfo).port}/`
    await expect(ask(url, { isTrusted: true })).rejects.toMatchObject({ code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE' })
    large.close()
  })

  it('that doesn’t come is not waited for', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done))
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`
    const asked = strict.request(url, { headers: {}, isTrusted: true, timeoutMs: 100, bytesMax: 10 })
    await expect(asked).rejects.toMatchObject({ name: 'TimeoutError' })
    silent.closeAllConnections()
    silent.close()
  })
})
