import { ApiError } from '../errors.ts'
import { type Fields, isFields } from '../schema-sample.ts'

/** Reads fields of a request and refuses what doesn't fit with the sentences and codes of OpenAI's API. `null` is as good as absent. */

export function refuse(message: string, param: string | null, code: string | null): never {
  throw new ApiError(400, message, { param, code })
}

export function missing(param: string): never {
  refuse(`Missing required parameter: '${param}'.`, param, 'missing_required_parameter')
}

export function wrongType(param: string, expected: string, given: unknown): never {
  refuse(`Invalid type for '${param}': expected ${expected}, but got ${kindOf(given)} instead.`, param, 'invalid_type')
}

function kindOf(given: unknown): string {
  if (given === null) return 'null'
  if (Array.isArray(given)) return 'an array'
  if (typeof given === 'number') return Number.isInteger(given) ? 'an integer' : 'a decimal number'
  return typeof given === 'object' ? 'an object' : `a ${typeof given}`
}

export function integer(fields: Fields, name: string, range: { min: number; max: number }): number | undefined {
  const given = fields[name] ?? undefined
  if (given === undefined) return undefined
  if (typeof given !== 'number' || !Number.isInteger(given)) return wrongType(name, 'an integer', given)
  if (given < range.min) {
    refuse(
      `Invalid '${name}': integer below minimum value. Expected a value >= ${range.min}, but got ${given} instead.`,
      name,
      'integer_below_min_value',
    )
  }
  if (given > range.max) {
    refuse(
      `Invalid '${name}': integer above maximum value. Expected a value <= ${range.max}, but got ${given} instead.`,
      name,
      'integer_above_max_value',
    )
  }
  return given
}

export function flag(fields: Fields, name: string, param = name): boolean {
  const given = fields[name] ?? false
  return typeof given === 'boolean' ? given : wrongType(param, 'a boolean', given)
}

export function text(fields: Fields, name: string, param = name): string | undefined {
  const given = fields[name] ?? undefined
  return given === undefined || typeof given === 'string' ? given : wrongType(param, 'a string', given)
}

export function object(fields: Fields, name: string, param = name): Fields | undefined {
  const given = fields[name] ?? undefined
  return given === undefined || isFields(given) ? given : wrongType(param, 'an object', given)
}

export function list(fields: Fields, name: string, param = name): readonly unknown[] | undefined {
  const given = fields[name] ?? undefined
  return given === undefined || Array.isArray(given) ? given : wrongType(param, 'an array of objects', given)
}

export function notEmpty<Item>(items: readonly Item[], param: string): readonly Item[] {
  if (items.length > 0) return items
  return refuse(
    `Invalid '${param}': empty array. Expected an array with minimum length 1, but got an empty array instead.`,
    param,
    'empty_array',
  )
}

export function oneOf(given: string, supported: readonly string[], param: string): void {
  if (supported.includes(given)) return
  const quoted = supported.map((value) => `'${value}'`)
  refuse(
    `Invalid value: '${given}'. Supported values are: ${quoted.slice(0, -1).join(', ')}, and ${quoted.at(-1)}.`,
    param,
    'invalid_value',
  )
}
