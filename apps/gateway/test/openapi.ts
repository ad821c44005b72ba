import { existsSync, readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parse } from 'yaml'
import { FIXTURES } from './env.ts'

const FILE = `${FIXTURES}/openai-openapi.yaml`

/** What is wrong with a value, as one of the document's schemas has it; empty where nothing is. */
export type Check = (schema: string, value: unknown) => string[]

/** OpenAI's description of its own API, if it is there. */
export function openapi(): Check | undefined {
  if (!existsSync(FILE)) {
    console.log(`No ${FILE} (STIPEND_FIXTURES names its folder): answers are not held against OpenAI’s document.`)
    return undefined
  }
  // What the document says beyond JSON schemas (discriminators, examples) is let pass; its formats are not for machines.
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false, logger: false })
  ajv.addSchema({ $id: 'openai', ...(modern(parse(readFileSync(FILE, 'utf8'))) as object) })
  const validators = new Map<string, ReturnType<typeof ajv.compile>>()
  return (schema, value) => {
    let validate = validators.get(schema)
    if (validate === undefined) {
      validate = ajv.compile({ $ref: `openai#/components/schemas/${schema}` })
      validators.set(schema, validate)
    }
    if (validate(value)) return []
    const errors = validate.errors ?? []
    // Of the many kinds a value may be, those it is nearest to get deepest.
    const depth = Math.max(...errors.map(({ instancePath }) => instancePath.split('/').length))
    const deepest = errors.filter(({ instancePath }) => instancePath.split('/').length === depth)
    return [...new Set(deepest.map(({ instancePath, message }) => `${instancePath || '/'} ${message}`))]
  }
}

/** `nullable` is of an older version of the format than the document says it is in. */
function modern(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(modern)
  if (typeof node !== 'object' || node === null) return node
  const fields = Object.fromEntries(Object.entries(node).map(([name, value]) => [name, modern(value)]))
  if (typeof fields.nullable !== 'boolean') return fields
  const { nullable, ...schema } = fields
  return nullable ? { anyOf: [schema, { type: 'null' }] } : schema
}
