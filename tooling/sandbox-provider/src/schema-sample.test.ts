import { describe, expect, it } from 'vitest'
import { sample } from './schema-sample.ts'

const nothing = () => undefined

describe('sample', () => {
  it('fills what is required, and the first property where nothing is', () => {
    const properties = { a: { type: 'string' }, b: { type: 'integer' } }
    expect(sample({ type: 'object', properties, required: ['b'] }, nothing)).toEqual({ b: 1 })
    expect(sample({ type: 'object', properties }, nothing)).toEqual({ a: 'sandbox a' })
    expect(sample({ type: 'object' }, nothing)).toEqual({})
  })

  it('keeps to limits', () => {
    const of = (schema: object) => sample({ type: 'object', required: ['x'], properties: { x: schema } }, nothing)
    expect(of({ type: 'integer', minimum: 10 })).toEqual({ x: 10 })
    expect(of({ type: 'integer', exclusiveMinimum: 10, multipleOf: 4 })).toEqual({ x: 12 })
    expect(of({ type: 'integer', maximum: -3 })).toEqual({ x: -3 })
    expect(of({ type: 'number', minimum: 0, maximum: 1 })).toEqual({ x: 0.5 })
    expect(of({ type: 'string', minLength: 20 })).toEqual({ x: 'sandbox xxxxxxxxxxxx' })
    expect(of({ type: 'string', maxLength: 3 })).toEqual({ x: 'san' })
    expect(of({ type: 'string', format: 'date' })).toEqual({ x: '2026-01-31' })
    expect(of({ type: 'array', minItems: 2, items: { enum: ['red', 'blue'] } })).toEqual({ x: ['red', 'red'] })
    expect(of({ type: ['null', 'boolean'] })).toEqual({ x: false })
    expect(of({ const: 7 })).toEqual({ x: 7 })
    expect(of({ type: 'string', default: 'usual' })).toEqual({ x: 'usual' })
  })

  it('follows references and combinations, and ends in a schema that contains itself', () => {
    const node = {
      type: 'object',
      properties: { name: { type: 'string' }, next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
      required: ['name', 'next'],
    }
    const filled = JSON.stringify(sample({ $ref: '#/$defs/node', $defs: { node } }, nothing))
    expect(filled).toMatch(/^\{"name":"sandbox name","next":\{"name"/)
    expect(filled.length).toBeLessThan(2_000)

    const both = {
      allOf: [{ properties: { a: { const: 1 } }, required: ['a'] }],
      properties: { b: { const: 2 } },
      required: ['b'],
    }
    expect(sample(both, nothing)).toEqual({ a: 1, b: 2 })
    expect(sample({ oneOf: [{ type: 'null' }, { type: 'integer' }] }, nothing)).toBe(1)
  })

  it('asks what a text field holds', () => {
    const schema = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] }
    expect(sample(schema, (field) => `the ${field}`)).toEqual({ path: 'the path' })
  })
})
