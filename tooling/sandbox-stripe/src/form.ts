export type Value = string | Value[] | { [name: string]: Value }
export type Fields = { [name: string]: Value }

const DEPTH_MAX = 10
const FIELDS_MAX = 1_000

/** Reads Stripe's form encoding: `metadata[order]=1&expand[0]=customer` is `{ metadata: { order: '1' }, expand: ['customer'] }`. */
export function parseForm(text: string): Fields {
  const root: Fields = Object.create(null)
  let count = 0
  for (const [name, value] of new URLSearchParams(text)) {
    count += 1
    if (count > FIELDS_MAX) break
    const path = [...name.matchAll(/[^[\]]+/g)].map((match) => match[0]).slice(0, DEPTH_MAX)
    if (path.length > 0) put(root, path, value)
  }
  return asLists(root) as Fields
}

function put(into: { [name: string]: Value }, [first = '', ...rest]: string[], value: string): void {
  if (rest.length === 0) {
    into[first] = value
    return
  }
  const there = into[first]
  const inner = typeof there === 'object' && !Array.isArray(there) ? there : Object.create(null)
  into[first] = inner
  put(inner, rest, value)
}

/** Objects whose names are 0, 1, 2 … are lists. */
function asLists(value: Value): Value {
  if (typeof value !== 'object' || Array.isArray(value)) return value
  const entries = Object.entries(value).map(([name, inner]): [string, Value] => [name, asLists(inner)])
  const isList = entries.length > 0 && entries.every(([name], index) => name === String(index))
  return isList ? entries.map(([, inner]) => inner) : Object.fromEntries(entries)
}

export const textOf = (value: Value | undefined): string | undefined => (typeof value === 'string' ? value : undefined)
export const fieldsOf = (value: Value | undefined): Fields =>
  typeof value === 'object' && !Array.isArray(value) ? value : {}
export const listOf = (value: Value | undefined): Value[] => (Array.isArray(value) ? value : [])
