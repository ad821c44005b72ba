import { readFileSync } from 'node:fs'
import type { buildOpenApi } from '@stipend/wire/openapi'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { expect } from 'vitest'

/** The document as it is committed, which is what clients are made from. */
export const openApi = JSON.parse(readFileSync(new URL('../openapi.json', import.meta.url), 'utf8')) as Document

type Document = ReturnType<typeof buildOpenApi>
type Operation = NonNullable<NonNullable<Document['paths']>[string]['get']>
type Response = { content?: Record<string, unknown> }

const ajv = new Ajv2020({ strict: false, allErrors: true })
formats.default(ajv)
ajv.addSchema(openApi, 'openapi')

export type Answer = {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any
  text: string
}

export type Sent = {
  token?: string | null
  body?: unknown
  /** Sent as it is, in place of `body`. */
  raw?: string
  headers?: Record<string, string>
}

/** Calls the API over HTTP and holds every answer against the document: status, media type, headers and body. */
export function apiClient(base: string, defaultToken: string) {
  return async (call: `${string} /${string}`, { token = defaultToken, body, raw, headers = {} }: Sent = {}) => {
    const [method = 'GET', path = '/'] = call.split(' ')
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const response = await fetch(base + path, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent }),
    })
    const text = await response.text()
    const answer: Answer = {
      status: response.status,
      headers: response.headers,
      text,
      body: text === '' ? null : JSON.parse(text),
    }
    expectToFit(method, path, answer)
    return answer
  }
}

export function expectToFit(method: string, path: string, answer: Answer): void {
  expect(answer.headers.get('x-request-id')).toMatch(/^req_[0-9a-z]{26}$/)
  if (answer.status >= 400) expectProblem(answer)
  const documented = documentedResponse(method, path, answer.status)
  if (documented === null) return
  const { pointer, response } = documented
  const type = answer.headers.get('content-type')?.split(';')[0] ?? ''
  expect(Object.keys(response.content ?? {})).toEqual([type])
  const validate = compiled(`${pointer}/content/${escaped(type)}/schema`)
  expect(validate(answer.body) ? null : validate.errors, `${method} ${path} ${answer.status}`).toBeNull()
}

function expectProblem(answer: Answer): void {
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  expect(answer.body).toMatchObject({ status: answer.status, type: `/docs/errors#${answer.body.code}` })
  expect(answer.body.request_id).toBe(answer.headers.get('x-request-id'))
  const validate = compiled('/components/schemas/Problem')
  expect(validate(answer.body) ? null : validate.errors).toBeNull()
}

/** The response of a documented call; null where the call isn't in the document at all. */
function documentedResponse(method: string, path: string, status: number) {
  const plain = path.split('?')[0] ?? ''
  const template = Object.keys(openApi.paths ?? {})
    // The most specific one: fewest braces.
    .toSorted((a, b) => a.split('{').length - b.split('{').length)
    .find((one) => new RegExp(`^${one.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(plain))
  const verb = method.toLowerCase() as 'get' | 'post'
  const operation = template === undefined ? undefined : (openApi.paths?.[template]?.[verb] as Operation | undefined)
  if (template === undefined || operation === undefined) return null
  const found = operation.responses?.[status]
  expect(found, `${method} ${template} does not document ${status}`).toBeDefined()
  if ('$ref' in found) {
    const pointer = (found.$ref as string).slice(1)
    const name = pointer.split('/').at(-1) ?? ''
    return { pointer, response: openApi.components?.responses?.[name] as Response }
  }
  return { pointer: `/paths/${escaped(template)}/${verb}/responses/${status}`, response: found as Response }
}

const compiledSchemas = new Map<string, ValidateFunction>()
function compiled(pointer: string): ValidateFunction {
  const known = compiledSchemas.get(pointer)
  if (known !== undefined) return known
  const made = ajv.compile({ $ref: `openapi#${encodeURI(pointer)}` })
  compiledSchemas.set(pointer, made)
  return made
}

function escaped(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1')
}
