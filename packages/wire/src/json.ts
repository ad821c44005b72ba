import { DomainError, invalidField } from '@stipend/core/errors'

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g

/**
 * Reads the JSON object of a request. Stricter than `JSON.parse`: the text must be UTF-8, and no name may stand twice in one object,
 * since of `{"budget_usd": "5", "budget_usd": null}` a reader might take either. Throws `invalid_request`.
 */
export function parseJsonObject(bytes: Uint8Array): Record<string, unknown> {
  const text = decode(bytes)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new DomainError('invalid_request', 'The body is not valid JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DomainError('invalid_request', 'The body must be a JSON object: {"…": …}.')
  }
  refuseRepeatedNames(text)
  return value as Record<string, unknown>
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new DomainError('invalid_request', 'The body is not valid UTF-8.')
  }
}

/** Walks the tokens of a text that is known to be JSON: a string followed by a colon is a name. */
function refuseRepeatedNames(text: string): void {
  const open: { names: Set<string> | null; name: string }[] = []
  let last: string | undefined
  for (const [token] of text.matchAll(TOKEN)) {
    const inside = open.at(-1)
    if (token === '{') open.push({ names: new Set(), name: '' })
    else if (token === '[') open.push({ names: null, name: '' })
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':' && inside?.names && last !== undefined) {
      const name = JSON.parse(last) as string
      inside.name = name
      if (inside.names.has(name) || name === '__proto__') {
        const path = open.flatMap((level) => (level.names === null ? [] : [level.name])).join('.')
        throw invalidField(path, name === '__proto__' ? 'There is no such field.' : 'This field is given twice.')
      }
      inside.names.add(name)
    }
    last = token
  }
}
