/** Says what a field holds; `undefined`, or what doesn't fit, leaves it to the schema. */
export type Wish = (field: string, schema: Fields) => unknown

export type Fields = Readonly<Record<string, unknown>>

const DEPTH_MAX = 12

/**
 * A value that fits a JSON schema: as small as it allows, the same every time. Takes the first of several ways. `fields` of the
 * outermost object are given though they may be left out.
 */
export function sample(schema: unknown, wish: Wish, fields: readonly string[] = []): unknown {
  return value(schema, '', { root: schema, wish, depth: 0, fields })
}

type Place = { root: unknown; wish: Wish; depth: number; fields: readonly string[] }

function value(given: unknown, field: string, place: Place): unknown {
  const schema = resolve(given, place.root)
  if (schema === undefined || place.depth > DEPTH_MAX) return null
  const inside = { ...place, depth: place.depth + 1 }

  if (schema.const !== undefined) return schema.const
  const wished = place.wish(field, schema)
  if (Array.isArray(schema.enum)) return schema.enum.includes(wished) ? wished : schema.enum[0]
  if (Array.isArray(schema.allOf)) {
    return value(merged([{ ...schema, allOf: undefined }, ...schema.allOf], place.root), field, inside)
  }
  const ways = schema.anyOf ?? schema.oneOf
  if (Array.isArray(ways)) {
    return value(ways.find((way) => resolve(way, place.root)?.type !== 'null') ?? ways[0], field, inside)
  }
  if (schema.default !== undefined && schema.default !== null) return schema.default

  switch (typeOf(schema)) {
    case 'object':
      return objectOf(schema, inside)
    case 'array':
      return Array.isArray(wished) ? wished : arrayOf(schema, field, inside)
    case 'string':
      return textOf(schema, field, wished)
    case 'integer':
      return numberOf(schema, 1, wished)
    case 'number':
      return numberOf(schema, Number(schema.multipleOf ?? 0.5), wished)
    case 'boolean':
      return false
    default:
      return null
  }
}

export function propertiesOf(schema: unknown): Readonly<Record<string, Fields>> {
  const properties = resolve(schema, schema)?.properties
  return isFields(properties)
    ? Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, resolve(inner, schema) ?? {}]))
    : {}
}

export function isFields(given: unknown): given is Fields {
  return typeof given === 'object' && given !== null && !Array.isArray(given)
}

function resolve(schema: unknown, root: unknown, hops = 0): Fields | undefined {
  if (!isFields(schema)) return undefined
  if (typeof schema.$ref !== 'string') return schema
  if (hops > DEPTH_MAX || !schema.$ref.startsWith('#')) return undefined
  let at: unknown = root
  for (const step of schema.$ref.split('/').slice(1)) {
    at = isFields(at) ? at[step.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined
  }
  return resolve(at, root, hops + 1)
}

function merged(schemas: readonly unknown[], root: unknown): Fields {
  const all = schemas.map((schema) => resolve(schema, root)).filter((schema) => schema !== undefined)
  return {
    ...Object.assign({}, ...all),
    properties: Object.assign({}, ...all.map((schema) => schema.properties)),
    required: all.flatMap((schema) => (Array.isArray(schema.required) ? schema.required : [])),
  }
}

function typeOf(schema: Fields): unknown {
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== 'null') : schema.type
  if (type !== undefined) return type
  if (schema.properties !== undefined) return 'object'
  return schema.items === undefined ? 'string' : 'array'
}

/** What is required; where nothing is, the first property, so that a call says something. */
function objectOf(schema: Fields, place: Place): Record<string, unknown> {
  const properties = isFields(schema.properties) ? schema.properties : {}
  const required = Array.isArray(schema.required) ? schema.required.filter((name) => typeof name === 'string') : []
  const isOutermost = place.depth === 1
  const least = required.length > 0 ? required : Object.keys(properties).slice(0, isOutermost ? 1 : 0)
  const names = isOutermost ? new Set([...least, ...place.fields]) : least
  return Object.fromEntries(
    [...names].map((name) => [name, value(properties[name] ?? { type: 'string' }, name, place)]),
  )
}

function arrayOf(schema: Fields, field: string, place: Place): unknown[] {
  const count = Math.min(Math.max(1, Number(schema.minItems ?? 1)), Number(schema.maxItems ?? 1_000), 1_000)
  return Array.from({ length: count }, () => value(schema.items ?? { type: 'string' }, field, place))
}

const FORMATS: Readonly<Record<string, string>> = {
  date: '2026-01-31',
  'date-time': '2026-01-31T12:00:00Z',
  time: '12:00:00Z',
  duration: 'PT1H',
  email: 'sandbox@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
}

function textOf(schema: Fields, field: string, wished: unknown): string {
  const said = typeof wished === 'string' ? wished : `sandbox ${field}`.trim()
  const text = FORMATS[String(schema.format)] ?? said
  const short = Math.max(0, Number(schema.minLength ?? 0) - text.length)
  return (text + 'x'.repeat(Math.min(short, 100_000))).slice(0, Number(schema.maxLength ?? 1_000_000))
}

function numberOf(schema: Fields, step: number, wished: unknown): number {
  const least = Number(schema.minimum ?? Number.NEGATIVE_INFINITY)
  const above = Number(schema.exclusiveMinimum ?? Number.NEGATIVE_INFINITY)
  const most = Math.min(Number(schema.maximum ?? Infinity), Number(schema.exclusiveMaximum ?? Infinity) - step)
  const multiple = Number(schema.multipleOf ?? step)
  const wanted = Math.min(most, Math.max(typeof wished === 'number' ? wished : multiple, least, above + step))
  return schema.multipleOf === undefined ? wanted : Math.ceil(wanted / multiple) * multiple
}
