import { readFileSync } from 'node:fs'
import { DomainError, ERROR_CODES, type ErrorCode } from '@stipend/core/errors'
import { describe, expect, test } from 'vitest'
import { asDomainError, ERRORS, isDomainError, toAnthropic, toOpenAI, toProblem, toTrpc } from './errors.ts'

const SQL = new Error('Failed query: select * from "keys" where secret_hash = $1\nparams: deadbeef')

describe('the table', () => {
  test('has one row for each code and no others', () => {
    expect(Object.keys(ERRORS).toSorted()).toEqual([...ERROR_CODES].toSorted())
  })

  test.each(Object.entries(ERRORS))('%s is an error everywhere and says what to do', (_code, row) => {
    expect(row.status).toBeGreaterThanOrEqual(400)
    expect(row.status).toBeLessThan(600)
    expect(row.title).toMatch(/^[A-Z].*[^.]$/)
    expect(row.remedy).toMatch(/^[A-Z].*\.$/)
    // Whose fault it is must read the same in each dialect.
    expect(row.openai === 'server_error').toBe(row.status >= 500)
    expect(['timeout_error', 'overloaded_error', 'api_error'].includes(row.anthropic)).toBe(row.status >= 500)
  })

  test.each<[ErrorCode, number]>([
    ['invalid_request', 400],
    ['invalid_api_key', 401],
    ['key_revoked', 401],
    ['key_expired', 401],
    ['key_not_yet_valid', 401],
    ['key_disabled', 401],
    ['budget_exhausted', 402],
    ['allocation_exhausted', 402],
    ['balance_exhausted', 402],
    ['model_not_found', 404],
    ['model_not_allowed', 403],
    ['ip_not_allowed', 403],
    ['upgrade_required', 426],
    ['request_too_large', 413],
    ['rate_limited', 429],
    ['provider_error', 502],
    ['provider_unavailable', 503],
    ['metering_unavailable', 503],
    ['provider_timeout', 504],
  ])('%s is %i', (code, status) => {
    expect(ERRORS[code].status).toBe(status)
  })

  test('a refusal that no waiting will change tells clients to stop, and nothing else does', () => {
    const stopping = ERROR_CODES.filter((code) => toOpenAI(new DomainError(code, 'No.')).headers['x-should-retry'])
    const passing = [408, 429]
    expect(stopping).toEqual(
      ERROR_CODES.filter((code) => ERRORS[code].status < 500 && !passing.includes(ERRORS[code].status)),
    )
    expect(toOpenAI(new DomainError('budget_exhausted', 'No.')).headers['x-should-retry']).toBe('false')
  })

  test('does not load tRPC or Fastify: the gateway reads it', () => {
    const source = readFileSync(new URL('./errors.ts', import.meta.url), 'utf8')
    const imports = source.match(/^import (?!type ).* from '(.*)'$/gm)
    expect(imports).toEqual([
      "import { DomainError, ERROR_CODES, type ErrorCode, type FieldError } from '@stipend/core/errors'",
    ])
  })
})

describe('an error that is not ours', () => {
  test('is known as ours by name and code only', () => {
    expect(isDomainError(new DomainError('conflict', 'No.'))).toBe(true)
    expect(isDomainError(Object.assign(new Error('No.'), { code: 'conflict' }))).toBe(false)
    expect(isDomainError(Object.assign(new Error('No.'), { name: 'DomainError', code: 'made_up' }))).toBe(false)
    expect(isDomainError({ name: 'DomainError', code: 'conflict' })).toBe(false)
  })

  test.each([SQL, 'a string', undefined, null, { status: 404, message: 'teapot' }])('shows nothing of %s', (thrown) => {
    const answers = [toProblem(thrown, 'req_1'), toOpenAI(thrown), { ...toTrpc(thrown), cause: undefined }]
    expect(JSON.stringify(answers)).not.toMatch(/select|deadbeef|a string|teapot/)
    expect(answers.map((answer) => ('status' in answer ? answer.status : answer.code))).toEqual([
      500,
      500,
      'INTERNAL_SERVER_ERROR',
    ])
    expect(asDomainError(thrown).cause).toBe(thrown)
  })
})

test('a problem carries its code, its fields and the request id', () => {
  const fields = [{ path: 'budget_usd', message: 'Must be more than zero.' }]
  expect(toProblem(new DomainError('invalid_request', 'Must be more than zero.', { fields }), 'req_1')).toEqual({
    status: 400,
    headers: { 'content-type': 'application/problem+json; charset=utf-8', 'x-should-retry': 'false' },
    body: {
      type: '/docs/errors#invalid_request',
      title: 'The request is not valid',
      status: 400,
      code: 'invalid_request',
      detail: 'Must be more than zero.',
      request_id: 'req_1',
      errors: fields,
    },
  })
})

test('a 401 carries a challenge', () => {
  expect(toProblem(new DomainError('unauthenticated', 'Who?'), 'req_1').headers['www-authenticate']).toBe('Bearer')
})

test('waiting is told in whole seconds, at least one, and at the gateway’s doors to the millisecond too', () => {
  const after = (retry_after_seconds: number) =>
    toProblem(new DomainError('rate_limited', 'Wait.', { retry_after_seconds }), 'req_1').headers['retry-after']
  expect([after(0), after(0.2), after(29.1)]).toEqual(['1', '1', '30'])
  const { headers } = toOpenAI(new DomainError('rate_limited', 'Wait.', { retry_after_seconds: 29.1 }))
  expect(headers).toMatchObject({ 'retry-after': '30', 'retry-after-ms': '29100' })
  expect(toAnthropic(new DomainError('rate_limited', 'Wait.'), 'req_1').headers).not.toHaveProperty('retry-after-ms')
})

test('OpenAI’s dialect has its four fields', () => {
  const error = new DomainError('model_not_found', 'There is no model gpt-9.', { param: 'model' })
  expect(toOpenAI(error).body).toEqual({
    error: {
      message: 'There is no model gpt-9.',
      type: 'invalid_request_error',
      param: 'model',
      code: 'model_not_found',
    },
  })
  expect(toOpenAI(new DomainError('key_revoked', 'Revoked.')).body.error.param).toBeNull()
})
