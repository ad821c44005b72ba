import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { EnvError, parseEnv, variable } from './env.ts'

const key = Buffer.alloc(32, 7).toString('base64')

function problemsOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof EnvError) return error.message
    throw error
  }
  throw new Error('nothing was wrong')
}

describe('parseEnv', () => {
  test('gives typed settings, in the shape the schema ends in', () => {
    const schema = z
      .object({
        API_PORT: variable.port().default(3002),
        DATABASE_URL: variable.url('postgres:', 'postgresql:'),
        MASTER_KEY: variable.key32(),
        TRUST_PROXY: variable.boolean().default(false),
        LOG_LEVEL: variable.logLevel().default('info'),
        REDIS_URL: variable.url('redis:').optional(),
      })
      .transform((env) => ({ port: env.API_PORT, database: { url: env.DATABASE_URL }, rest: env }))
    const env = parseEnv(schema, {
      DATABASE_URL: 'postgres://u:p@h/d',
      MASTER_KEY: key,
      TRUST_PROXY: 'true',
      HOME: '/x',
    })
    const port: number = env.port
    expect(port).toBe(3002)
    expect(env.database.url).toBe('postgres://u:p@h/d')
    expect(env.rest).toEqual({
      API_PORT: 3002,
      DATABASE_URL: 'postgres://u:p@h/d',
      MASTER_KEY: Buffer.alloc(32, 7),
      TRUST_PROXY: true,
      LOG_LEVEL: 'info',
    })
  })

  test('a variable set to nothing is not set', () => {
    const schema = z.object({ PORT: variable.port().default(8080), URL: variable.url('https:').optional() })
    expect(parseEnv(schema, { PORT: '', URL: '' })).toEqual({ PORT: 8080 })
  })

  test('names every bad variable once and what is expected, and no value', () => {
    const schema = z.object({
      PORT: variable.port(),
      DATABASE_URL: variable.url('postgres:'),
      MASTER_KEY: variable.key32(),
      LEVEL: variable.logLevel(),
      NAME: z
        .string()
        .min(3, 'must have at least 3 letters')
        .regex(/^[a-z]+$/, 'must be lower case'),
      GOOD: variable.boolean(),
    })
    const source = {
      DATABASE_URL: 'mysql://root:hunter2@host',
      MASTER_KEY: 'c2hvcnQgc2VjcmV0',
      LEVEL: 'shouting',
      NAME: 'A',
      GOOD: 'true',
    }
    const message = problemsOf(() => parseEnv(schema, source))
    expect(message.split('\n')).toEqual([
      'The environment is not complete:',
      '  PORT: not set; must be a port number from 0 to 65535',
      '  DATABASE_URL: must be a URL that starts with postgres://',
      '  MASTER_KEY: must be 32 random bytes in base64, such as `openssl rand -base64 32` prints',
      '  LEVEL: must be one of trace, debug, info, warn, error, fatal, silent',
      '  NAME: must have at least 3 letters',
    ])
  })

  test('keeps a value out even when the schema quotes it', () => {
    const schema = z.object({
      A: z.string().refine((a) => a === '', { error: (issue) => `${issue.input} is no good` }),
      B: z.string(),
    })
    expect(problemsOf(() => parseEnv(schema, { A: 'topsecret', B: 'x' }))).toContain('A: [value] is no good')

    const both = z.object({ A: z.string(), B: z.string() }).superRefine((env, context) => {
      context.addIssue({ code: 'custom', message: `${env.A} and ${env.B} must be alike` })
    })
    expect(problemsOf(() => parseEnv(both, { A: 'topsecret', B: 'othersecret' }))).toContain(
      'all together: [value] and [value] must be alike',
    )
  })

  test('the error that ends a boot is the list, without a stack', () => {
    const error = new EnvError(['PORT: not set'])
    expect(error.stack).toBe('The environment is not complete:\n  PORT: not set')
  })
})

describe('variable', () => {
  const accepts = (schema: z.ZodType, value: string) => schema.safeParse(value).success

  test.each([
    ['0', true],
    ['1', true],
    ['65535', true],
    ['65536', false],
    ['99999', false],
    ['-1', false],
    ['080', false],
    ['80.0', false],
    ['8e1', false],
    [' 80', false],
    ['80\n', false],
    ['http', false],
  ])('port %j: %s', (value, expected) => {
    expect(accepts(variable.port(), value)).toBe(expected)
  })

  test.each([
    ['https://example.org', true],
    ['http://127.0.0.1:3000/v1', true],
    ['ftp://example.org', false],
    ['javascript:alert(1)', false],
    ['example.org', false],
    ['https://', false],
    ['https://exa mple.org', false],
    [' https://example.org', false],
  ])('url %j: %s', (value, expected) => {
    expect(accepts(variable.url('http:', 'https:'), value)).toBe(expected)
  })

  test.each([
    ['true', true],
    ['false', true],
    ['1', false],
    ['TRUE', false],
    ['yes', false],
  ])('boolean %j: %s', (value, expected) => {
    expect(accepts(variable.boolean(), value)).toBe(expected)
  })

  test.each([
    [key, true],
    [Buffer.alloc(32, 255).toString('base64'), true],
    [Buffer.alloc(31).toString('base64'), false],
    [Buffer.alloc(33).toString('base64'), false],
    [Buffer.alloc(32, 255).toString('base64url'), false],
    // Its last letter carries bits that no 32 bytes have.
    [`${'A'.repeat(42)}B=`, false],
    [`${key}\n`, false],
    ['change me', false],
  ])('key32 %j: %s', (value, expected) => {
    expect(accepts(variable.key32(), value)).toBe(expected)
  })
})
