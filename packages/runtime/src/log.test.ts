import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createLog, type Log, logQuickly } from './log.ts'

/** What the log wrote, as text and as objects. */
function capture(work: (log: Log) => void) {
  const lines: string[] = []
  work(createLog({ app: 'gateway', level: 'debug', destination: { write: (line) => lines.push(line) } }))
  return { text: lines.join(''), records: lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

describe('lines', () => {
  test('are JSON objects with app, level, time and the fields given', () => {
    const { text, records } = capture((log) =>
      log.child({ request_id: 'req_1' }).info({ status: 200 }, 'answered %s', 'ok'),
    )
    expect(text.endsWith('\n')).toBe(true)
    expect(records).toEqual([
      { level: 'info', time: expect.any(String), app: 'gateway', request_id: 'req_1', status: 200, msg: 'answered ok' },
    ])
    expect(new Date(String(records[0]?.time)).toISOString()).toBe(records[0]?.time)
  })

  test('are the same where they are written quickly', () => {
    const fields = { request_id: 'req_1', path: '/v1/"models"', code: null, key_id: undefined, ms: 3 }
    const { records } = capture((log) => {
      log.info(fields, 'request')
      logQuickly(log, fields, 'request')
      logQuickly(log, {}, 'nothing')
      logQuickly(log.child({ from: 'parent' }), { ms: 1 }, 'child')
    })
    const at = { time: expect.any(String) }
    expect(records[1]).toEqual({ ...records[0], ...at })
    expect(records[2]).toEqual({ level: 'info', app: 'gateway', msg: 'nothing', ...at })
    expect(records[3]).toMatchObject({ from: 'parent', ms: 1, msg: 'child' })
    for (const { time } of records) expect(new Date(String(time)).toISOString()).toBe(time)
  })

  test('below the level are not written', () => {
    expect(capture((log) => log.trace('nothing')).text).toBe('')
  })

  test('carry amounts exactly, at any depth, redacted line or not', () => {
    const fields = { cost_nanos: 9_007_199_254_740_993n, chain: [{ left_nanos: 2n ** 62n }] }
    const { records } = capture((log) => {
      log.info(fields, 'plain')
      log.info({ ...fields, password: 'x' }, 'redacted')
      log.child(fields).info('from a child')
    })
    for (const record of records) {
      expect(record).toMatchObject({ cost_nanos: '9007199254740993', chain: [{ left_nanos: '4611686018427387904' }] })
    }
    expect(records).toHaveLength(3)
  })

  test('describe errors wherever they stand, with their causes', () => {
    const cause = Object.assign(new TypeError('no route'), { code: 'EHOSTUNREACH' })
    const error = new Error('provider failed', { cause })
    const { records } = capture((log) => {
      log.error({ err: error }, 'one')
      log.error({ attempts: [{ error }] }, 'two')
      log.error(error)
      log.error({ err: new AggregateError([cause], 'all failed') }, 'four')
    })
    const described = {
      type: 'Error',
      message: 'provider failed',
      stack: expect.stringMatching(/^at .*log\.test\.ts/),
      cause: { type: 'TypeError', message: 'no route', code: 'EHOSTUNREACH' },
    }
    expect(records[0]).toMatchObject({ msg: 'one', err: described })
    expect(records[1]).toMatchObject({ msg: 'two', attempts: [{ error: described }] })
    expect(records[2]).toMatchObject({ msg: 'provider failed', err: described })
    expect(records[3]).toMatchObject({ err: { errors: [{ message: 'no route' }] } })
  })

  test('survive what JSON cannot say', () => {
    const loop: Record<string, unknown> = { name: 'loop' }
    loop.self = loop
    const { records } = capture((log) =>
      log.info({ loop, map: new Map([['a', 1n]]), set: new Set([2]), nothing: undefined }, 'odd'),
    )
    expect(records).toMatchObject([{ msg: 'odd', loop: { name: 'loop' }, map: [['a', '1']], set: [2] }])
  })

  test('are cut to a length fit for a log', () => {
    const { text, records } = capture((log) => log.info({ body: 'x'.repeat(1_000_000) }, 'big'))
    expect(text.length).toBeLessThan(20_000)
    expect(records[0]?.body).toMatch(/^x+ \[983616 more\]$/)
  })
})

describe('harmless things stay', () => {
  test.each<[string, Record<string, unknown>]>([
    ['counts of tokens', { input_tokens: 12, output_tokens: 34, max_tokens: 100, token_id: 'tok_01' }],
    ['whether there is a secret', { password: null, has_password: true, token: false }],
    [
      'masked keys and ids',
      { masked: 'sk-stp-\u2026wxyz', key_id: 'key_01jd', model: 'gpt-4o', slug: 'st-marys-primary-school' },
    ],
    [
      'addresses without a password',
      { url: 'postgres://stipend_app@db:5432/stipend', path: 'https://host:8443/v1?limit=5' },
    ],
    ['words with sk in them', { text: 'risk-assessment, task-scheduler-one, disk-encryption' }],
    ['sentences about tokens', { text: 'Unexpected token < in JSON; the max_tokens=100 was kept' }],
  ])('%s', (_, fields) => {
    const { records } = capture((log) => log.info(fields, 'unchanged'))
    expect(records[0]).toMatchObject(fields)
  })
})

// Made up, and put together here so that no scanner takes them for real ones.
const letters = 'aB3dE6gH9jK2mN5pQ8sT1vW4'
const secrets = {
  key: `sk-stp-${letters}`,
  serviceToken: `st-stp-${letters}`,
  openai: `sk-proj-${letters}_-x`,
  anthropic: `sk-ant-${letters}`,
  stripe: `sk_live_${letters}`,
  webhook: `whsec_${letters}`,
  bearer: `zZ${letters}`,
  jwt: `eyJ${letters}.eyJ${letters}.${letters}`,
}
const anySecret = Object.values(secrets)
const word = 'correct-horse-battery'
const url = `postgres://stipend_app:${word}@db:5432/stipend`

/** Thrown and caught, so that it has a stack with its message in it. */
function thrown(message: string, more: object = {}): Error {
  try {
    throw Object.assign(new Error(message), more)
  } catch (error) {
    return error as Error
  }
}

class Session {
  id = 'ses_1'
  token = word
}

/** Each place with the secret that stands there; the secret, or any long piece of it, must not come out. */
const places: [string, readonly string[], (log: Log, secret: string) => void][] = [
  ['the message', anySecret.filter((s) => s !== secrets.bearer), (log, s) => log.info(`refused ${s}, asked again`)],
  ['a format argument', anySecret.filter((s) => s !== secrets.bearer), (log, s) => log.info('refused %s', s)],
  ['a format object', [word], (log, s) => log.info('refused %o', { password: s })],
  ['a bearer header in a text', anySecret, (log, s) => log.info(`got "Authorization: Bearer ${s}" from curl`)],
  ['a bearer token without its header', anySecret, (log, s) => log.info(`curl sent bearer ${s}, which is wrong`)],
  [
    'a field with an innocent name',
    anySecret.filter((s) => s !== secrets.bearer),
    (log, s) => log.info({ note: s }, 'x'),
  ],
  ['a field name', [secrets.key], (log, s) => log.info({ counts: { [s]: 3 } }, 'x')],
  [
    'headers',
    [...anySecret, word],
    (log, s) => log.info({ req: { headers: { authorization: s, 'X-API-Key': s, cookie: s } } }, 'x'),
  ],
  [
    'headers with several values',
    [word],
    (log, s) => log.info({ headers: { 'set-cookie': [`session=${s}; HttpOnly`, s] } }, 'x'),
  ],
  ['raw headers', [word], (log, s) => log.info({ raw: ['Host', 'h', 'X-Api-Key', s, 'Cookie', s] }, 'x')],
  [
    'header lines',
    [word],
    (log, s) => log.info({ head: `Host: h\r\nx-api-key: ${s}\r\nCookie: a=1; session=${s}\r\n` }, 'x'),
  ],
  [
    'named fields of every kind',
    [word],
    (log, s) => {
      const names = [
        'password',
        'secret',
        'token',
        'credential',
        'credentials',
        'api_key',
        'apiKey',
        'master_key',
        'MASTER_KEY',
      ]
      const further = [
        'client_secret',
        'refreshToken',
        'password_hash',
        'proxy-authorization',
        'session_id',
        'privateKey',
      ]
      for (const name of [...names, ...further])
        log.info({ [name]: s, deep: [{ deeper: { [name]: { value: [s] } } }] }, 'x')
    },
  ],
  [
    'ten levels down',
    [word],
    (log, s) => log.info({ a: { b: { c: { d: { e: { f: { g: { h: { i: { token: s } } } } } } } } } }, 'x'),
  ],
  [
    'a child log',
    [...anySecret],
    (log, s) =>
      log
        .child({ ctx: { token: s } })
        .child({ auth: `Bearer ${s}` })
        .info('x'),
  ],
  ['an error', [secrets.key, secrets.openai], (log, s) => log.error(thrown(`bad key ${s}`))],
  [
    'an error field',
    anySecret,
    (log, s) => log.error({ err: thrown(`bad header Bearer ${s}`, { credential: s, request: s }) }, 'x'),
  ],
  [
    'a cause',
    [secrets.serviceToken],
    (log, s) => log.error({ error: new Error('outer', { cause: thrown(`inner ${s}`) }) }, 'x'),
  ],
  ['a stack of its own', [secrets.key], (log, s) => log.error({ stack: thrown(`bad ${s}`).stack }, 'x')],
  [
    'a database URL',
    [word, 'p@ss/w:rd?#1', 'quo\\te'],
    (log, s) => log.info({ url: `postgres://u:${s}@db/x` }, `redis://:${s}@r:1`),
  ],
  ['an invalid URL error', [word], (log, s) => log.error(thrown(`Invalid URL: ${url}`, { input: `x://a:${s}@` }))],
  ['a query string', [word], (log, s) => log.info({ path: `/v1/models?api_key=${s}&limit=5` }, `GET /?token=${s}`)],
  [
    'JSON in a text',
    [word, 'a"b\\c-secret'],
    (log, s) => log.info({ body: JSON.stringify({ user: 'u', password: s, n: 1 }) }, 'x'),
  ],
  ['JSON in JSON', [word], (log, s) => log.info(JSON.stringify({ body: JSON.stringify({ access_token: s, n: 1 }) }))],
  ['an inspected object', [word], (log, s) => log.info(inspect({ clientSecret: s, nested: { api_key: s } }))],
  ['an object with a class', [word], (log) => log.info({ session: new Session() }, 'x')],
  ['something with toJSON', [word], (log, s) => log.info({ odd: { toJSON: () => ({ password: s }) } }, 'x')],
  ['a map', [word], (log, s) => log.info({ headers: new Map([['authorization', s]]) }, 'x')],
  [
    'a failed query',
    [word],
    (log, s) => {
      const postgres = Object.assign(new Error('duplicate key value'), {
        code: '23505',
        parameters: [s],
        detail: `(email)=(${s})`,
      })
      const query = { query: 'insert', params: [s] }
      const drizzle = Object.assign(
        new Error(`Failed query: insert into users values ($1)\nparams: a,${s}\n    at ${s}`, { cause: postgres }),
        query,
      )
      log.error(drizzle)
      log.error({ err: drizzle }, 'x')
      log.error({ text: `wrapped: ${drizzle.message}` }, 'x')
    },
  ],
]

describe('secrets never reach the output', () => {
  const cases = places.flatMap(([place, all, write]) => all.map((secret) => ({ place, secret, write })))

  test('in more than twenty places', () => {
    expect(places.length).toBeGreaterThan(20)
  })

  test.each(cases)('$place: $secret', ({ secret, write }) => {
    const { text, records } = capture((log) => write(log, secret))
    expect(records.length).toBeGreaterThan(0)
    expect(text).toContain('[redacted]')
    expect(text).not.toContain(secret)
    expect(text).not.toContain(JSON.stringify(secret).slice(1, -1))
    // Nor its second half, which a pattern that stops too early would leave.
    expect(text).not.toContain(secret.slice(Math.ceil(secret.length / 2)))
  })

  test('what stands beside them stays readable', () => {
    const { text } = capture((log) =>
      log.info({ db: url, path: `/v1?token=${word}&limit=5`, body: `{"password":"${word}","n":1}` }, 'x'),
    )
    expect(text).toContain('postgres://stipend_app:[redacted]@db:5432/stipend')
    expect(text).toContain('/v1?token=[redacted]&limit=5')
    expect(JSON.parse(text)).toMatchObject({ body: '{"password":"[redacted]","n":1}' })
  })

  test('bytes are counted, not written', () => {
    const bytes = randomBytes(32)
    class Holder {
      bytes = bytes
    }
    const { records } = capture((log) =>
      log.info({ a: bytes, b: new Uint8Array(bytes), c: [{ d: bytes }], e: new Holder() }, 'x'),
    )
    expect(records[0]).toMatchObject({
      a: '[32 bytes]',
      b: '[32 bytes]',
      c: [{ d: '[32 bytes]' }],
      e: { bytes: '[32 bytes]' },
    })
  })

  test('a long text full of almost-secrets is done with quickly enough to finish', () => {
    for (const piece of ['x://a:', 'a.', 'password="', 'Failed query: ', 'eyJa.', 'bearer ']) {
      expect(capture((log) => log.info(piece.repeat(500_000))).records).toHaveLength(1)
    }
  })
})
