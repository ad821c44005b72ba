import { readFileSync } from 'node:fs'
import type { ErrorCode } from '@stipend/core'
import { ERRORS } from '@stipend/wire/errors'
import { ROUTES } from '@stipend/wire/rest'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { describe, expect, test } from 'vitest'
import { openApiText } from '../src/docs.ts'
import { openApi } from './client.ts'

type Node = { [name: string]: unknown }

/** Every object in the document with the way to it. */
function* nodes(value: unknown, path = ''): Generator<[string, Node]> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield [path, value as Node]
  for (const [name, inner] of Object.entries(value)) yield* nodes(inner, `${path}/${name}`)
}

const all = [...nodes(openApi)]
const operations = Object.entries(openApi.paths ?? {}).flatMap(([path, item]) =>
  Object.entries(item as Record<string, Node>).map(([method, operation]) => ({ path, method, operation })),
)

test('the committed document is current: run `node apps/api/src/write-openapi.ts` and look at the difference', () => {
  const committed = readFileSync(new URL('../openapi.json', import.meta.url), 'utf8')
  expect(committed === openApiText()).toBe(true)
})

test('it has every route and no other', () => {
  const documented = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`)
  expect(documented.toSorted()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).toSorted())
})

test('it is OpenAPI 3.1 with a title', () => {
  expect(openApi).toMatchObject({ openapi: '3.1.0', info: { title: 'Stipend API', version: '1' } })
})

test('every reference leads somewhere', () => {
  const references = all.flatMap(([path, node]) => (typeof node.$ref === 'string' ? [[path, node.$ref] as const] : []))
  expect(references.length).toBeGreaterThan(100)
  for (const [path, target] of references) {
    const parts = target.replace('#/', '').split('/')
    const found = parts.reduce<unknown>((at, part) => (at as Node | undefined)?.[part], openApi)
    expect(found, `${target} at ${path}`).toBeDefined()
  }
})

test('nothing is defined that nobody refers to', () => {
  const text = JSON.stringify(openApi)
  for (const [kind, group] of Object.entries(openApi.components ?? {})) {
    if (kind === 'securitySchemes') continue
    for (const name of Object.keys(group)) expect(text).toContain(`"#/components/${kind}/${name}"`)
  }
})

describe('each operation', () => {
  test('has an id of its own', () => {
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[a-z]+(_[a-z]+)+$/)
  })

  test.each(operations)('$method $path is fit to be read', ({ path, method, operation }) => {
    expect(operation.summary).toMatch(/^[A-Z].*\.$/)
    expect(openApi.tags?.map((tag) => tag.name)).toEqual(expect.arrayContaining(operation.tags as string[]))
    const [security] = operation.security as Record<string, string[]>[]
    expect(security?.service_token).toHaveLength(1)
    // What stands in braces is declared, and the other way round.
    const parameters = operation.parameters as {
      name?: string
      in?: string
      required?: boolean
      description?: string
    }[]
    const inPath = parameters.filter((one) => one.in === 'path')
    expect(inPath.map((one) => `{${one.name}}`)).toEqual(path.match(/\{\w+\}/g) ?? [])
    expect(inPath.every((one) => one.required)).toBe(true)
    for (const one of parameters.filter((parameter) => parameter.in === 'query')) expect(one.description).toBeTruthy()
    if (method === 'get') expect(operation.requestBody).toBeUndefined()
    else expect(parameters).toContainEqual({ $ref: '#/components/parameters/IdempotencyKey' })
    const statuses = Object.keys(operation.responses as Node)
    expect(statuses).toEqual(expect.arrayContaining(['400', '401', '403', '500', '503']))
    expect(statuses.filter((status) => status.startsWith('2'))).toHaveLength(1)
  })
})

test('every schema that goes in is closed, and what comes out may grow', () => {
  const { schemas = {} } = openApi.components ?? {}
  const closed = Object.entries(schemas).filter(([, schema]) => (schema as Node).additionalProperties === false)
  expect(closed.map(([name]) => name).toSorted()).toEqual(
    Object.keys(schemas)
      .filter((name) => /^(?:Create|Add|Set|Move|Remove|Select|Raise|Pause|End)[A-Z]|^Reconcile$/.test(name))
      .toSorted(),
  )
})

test('money is text everywhere', () => {
  const amounts = all.filter(([path]) => /\/properties\/\w+_usd$/.test(path))
  expect(amounts.length).toBeGreaterThan(5)
  for (const [path, schema] of amounts) {
    const types = [schema.type, ...((schema.anyOf as Node[]) ?? []).map((one) => one.type)].flat().filter(Boolean)
    expect(types, path).toContain('string')
    expect(types, path).not.toContain('number')
  }
})

test('every example fits its schema', () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  ajv.addSchema(openApi, 'openapi')
  const examples = all.flatMap(([path, node]) => {
    const { schema, example, examples: several } = node as { schema?: Node; example?: unknown; examples?: Node }
    if (typeof schema?.$ref !== 'string') return []
    const values = [
      ...(example === undefined ? [] : [example]),
      ...Object.values(several ?? {}).map((one) => (one as Node).value),
    ]
    return values.map((value) => ({ path, ref: schema.$ref as string, value }))
  })
  expect(examples.length).toBeGreaterThan(40)
  for (const { path, ref, value } of examples) {
    const validate = ajv.compile({ $ref: `openapi${ref}` })
    expect(validate(value) ? null : validate.errors, `${path}: ${JSON.stringify(value)}`).toBeNull()
  }
})

test('every code is documented with its status', () => {
  const shown = all
    .filter(([path]) => /^\/components\/responses\/\w+\/content\/application\/problem\+json\/examples\/\w+$/.test(path))
    .map(([path, { value }]) => ({ code: path.split('/').at(-1) as ErrorCode, value }))
  expect(shown.length).toBeGreaterThan(8)
  for (const { code, value } of shown) {
    expect(value).toMatchObject({ code, status: ERRORS[code].status, type: `/docs/errors#${code}` })
  }
})
