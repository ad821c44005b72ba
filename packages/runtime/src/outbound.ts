import { lookup as resolve } from 'node:dns'
import {
  BlockList,
  connect as connectPlain,
  isIP,
  isIPv6,
  type LookupFunction,
  type OnReadOpts,
  type Socket,
} from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { Agent, buildConnector, request } from 'undici'

/** Where nobody but the platform itself may connect to: its own machines, their neighbours, and what the cloud tells them there. */
const FORBIDDEN_V4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4'],
  // Azure's machines ask this public address for their configuration.
  '168.63.129.16/32',
]
/** Of IPv6 only this is the internet, but for what is carved out of it: tunnels into IPv4, documentation, benchmarks. */
const INTERNET_V6 = '2000::/3'
const FORBIDDEN_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20']
/** These carry an IPv4 address in their last 32 bits: what counts is where that leads. */
const CARRIES_V4 = ['::ffff:0:0/96', '64:ff9b::/96']

const forbidden = listOf([...FORBIDDEN_V4, ...FORBIDDEN_V6])
const internetV6 = listOf([INTERNET_V6])
const carriesV4 = listOf(CARRIES_V4)

/** Blocks (`10.0.0.0/8`) and single addresses. Throws a RangeError for anything else. */
function listOf(entries: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', bits, ...rest] = entry.split('/')
    const family = isIP(address)
    if (family === 0 || rest.length > 0) throw new RangeError(`${entry} is no block of addresses`)
    const prefix = bits === undefined ? (family === 6 ? 128 : 32) : Number(bits)
    list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}

const familyOf = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4')

/** Whether an address is one of the internet, where anybody may connect to. */
export function isPublicAddress(address: string): boolean {
  // A zone (fe80::1%eth0) names an interface of this machine.
  if (isIP(address) === 0 || address.includes('%')) return false
  if (!isIPv6(address)) return !forbidden.check(address)
  if (carriesV4.check(address, 'ipv6')) return isPublicAddress(lastFour(address))
  return internetV6.check(address, 'ipv6') && !forbidden.check(address, 'ipv6')
}

/** The IPv4 address at the end of an IPv6 address. */
function lastFour(address: string): string {
  const tail = address.slice(address.lastIndexOf(':') + 1)
  if (tail.includes('.')) return tail
  // A URL writes it in hexadecimal, in two groups, of which zeros may be left out.
  const [, tailOfUrl = ''] = /^\[.*:([0-9a-f]*:[0-9a-f]+)\]$/.exec(new URL(`http://[${address}]`).hostname) ?? []
  const [high = '', low = ''] = tailOfUrl.split(':')
  const bits = [high, low].map((group) => Number.parseInt(group === '' ? '0' : group, 16))
  return bits.flatMap((group) => [group >> 8, group & 255]).join('.')
}

/** An address that may not be connected to. What it was is for the log. */
export class ForbiddenAddressError extends Error {
  readonly code = 'FORBIDDEN_ADDRESS'

  constructor(host: string, address: string) {
    super(`${host} is at ${address}, which is not of the internet`)
    this.name = 'ForbiddenAddressError'
  }
}

/** Nobody answered at an address in time. */
export class ConnectTimeoutError extends Error {
  readonly code = 'CONNECT_TIMEOUT'

  constructor(host: string) {
    super(`no connection to ${host} in time`)
    this.name = 'ConnectTimeoutError'
  }
}

export type OutboundOptions = {
  /** Hosts, addresses and blocks of addresses that may be connected to although they aren't of the internet. */
  allow: readonly string[]
  connectMs: number
}

/** A connection that is silent for so long is asked whether it is still there. */
const KEEP_ALIVE_MS = 60_000
const SESSIONS_MAX = 1_000

/** Decides where connections may go that somebody else named, at the moment they are made. */
export class Outbound {
  readonly #hosts: ReadonlySet<string>
  readonly #blocks: BlockList
  readonly #connectMs: number
  /** With these, encrypted connections to where there was one before begin faster. */
  readonly #sessions = new Map<string, Buffer>()

  /** Throws a RangeError for an entry of `allow` that is neither a name nor a block of addresses. */
  constructor({ allow, connectMs }: OutboundOptions) {
    const isBlock = (entry: string) => isIP(entry.split('/')[0] ?? '') !== 0
    this.#hosts = new Set(allow.filter((entry) => !isBlock(entry)).map((name) => name.toLowerCase()))
    for (const name of this.#hosts)
      if (!/^[a-z0-9._-]+$/.test(name)) throw new RangeError(`${name} is no name of a host`)
    this.#blocks = listOf(allow.filter(isBlock))
    this.#connectMs = connectMs
  }

  /**
   * Makes the connections of an undici dispatcher. `isTrusted`: the platform itself named the address, so it may be anywhere. For
   * others a name is resolved once, and the addresses that were checked are those that are connected to.
   */
  connector(isTrusted: boolean): buildConnector.connector {
    const options = { timeout: this.#connectMs, allowH2: false }
    if (isTrusted) return buildConnector(options)
    const connect = buildConnector({ ...options, lookup: this.#lookup })
    return (target, callback) => {
      // An address is not looked up.
      const host = target.hostname.replace(/^\[|\]$/g, '')
      if (isIP(host) !== 0 && !this.#mayReach(host, host)) callback(new ForbiddenAddressError(host, host), null)
      else connect(target, callback)
    }
  }

  /**
   * Opens a connection by the same rules, for whoever speaks HTTP itself: `onread` gets what comes. `done` hears once, and never before
   * this returns.
   */
  dial(
    origin: URL,
    isTrusted: boolean,
    onread: OnReadOpts,
    done: (...outcome: [error: null, socket: Socket] | [error: Error, socket: null]) => void,
  ): void {
    const host = origin.hostname.replace(/^\[|\]$/g, '')
    const isName = isIP(host) === 0
    if (!isTrusted && !isName && !this.#mayReach(host, host)) {
      setImmediate(() => done(new ForbiddenAddressError(host, host), null))
      return
    }
    const isSecure = origin.protocol === 'https:'
    const port = Number(origin.port) || (isSecure ? 443 : 80)
    const lookup = isTrusted ? {} : { lookup: this.#lookup }
    const how = { host, port, onread, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS, ...lookup }
    const place = `${isTrusted} ${host}:${port}`
    const session = this.#sessions.get(place)
    const socket = isSecure
      ? connectSecurely({
          ...how,
          ...(isName ? { servername: host } : {}),
          ...(session === undefined ? {} : { session }),
          ALPNProtocols: ['http/1.1'],
        })
      : connectPlain(how)
    const finish = (error: Error | null) => {
      clearTimeout(patience)
      socket.off('error', finish).off('close', onClose).off('connect', onOpen).off('secureConnect', onOpen)
      if (error === null) done(null, socket)
      else {
        // Whatever else goes wrong with it is of no interest.
        socket.on('error', () => {}).destroy()
        done(error, null)
      }
    }
    const onOpen = () => finish(null)
    const onClose = () => finish(new Error(`the connection to ${host} closed at once`))
    const patience = setTimeout(() => finish(new ConnectTimeoutError(host)), this.#connectMs)
    socket
      .on('error', finish)
      .on('close', onClose)
      .on(isSecure ? 'secureConnect' : 'connect', onOpen)
    if (isSecure) socket.on('session', (next: Buffer) => this.#keepSession(place, next))
  }

  #keepSession(place: string, session: Buffer): void {
    if (this.#sessions.size >= SESSIONS_MAX) this.#sessions.clear()
    this.#sessions.set(place, session)
  }

  readonly #lookup: LookupFunction = (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, [])
        return
      }
      const good = addresses.filter(({ address }) => this.#mayReach(host, address))
      const [first] = good
      if (first === undefined) callback(new ForbiddenAddressError(host, addresses[0]?.address ?? 'nowhere'), [])
      else if (options.all === true) callback(null, good)
      else callback(null, first.address, first.family)
    })
  }

  #mayReach(host: string, address: string): boolean {
    if (isPublicAddress(address) || this.#hosts.has(host.toLowerCase().replace(/\.$/, ''))) return true
    return isIP(address) !== 0 && this.#blocks.check(address, familyOf(address))
  }

  /**
   * One small request to an address that somebody named, redirects not followed: for trying out a connection. Throws for an answer
   * larger than `bytesMax`, and what undici throws.
   */
  async request(
    url: string,
    how: {
      method?: 'GET' | 'POST'
      headers: Record<string, string>
      body?: string
      isTrusted: boolean
      timeoutMs: number
      bytesMax: number
    },
  ): Promise<{ status: number; headers: Record<string, string | string[] | undefined>; body: Buffer }> {
    const dispatcher = new Agent({ connect: this.connector(how.isTrusted), maxResponseSize: how.bytesMax })
    try {
      const { method = 'GET', headers, body, timeoutMs } = how
      const answer = await request(url, {
        dispatcher,
        method,
        headers: { 'accept-encoding': 'identity', ...headers },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.timeout(timeoutMs),
      })
      const bytes = Buffer.from(await answer.body.arrayBuffer())
      return { status: answer.statusCode, headers: answer.headers, body: bytes }
    } finally {
      await dispatcher.destroy()
    }
  }
}
