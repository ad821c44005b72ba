/** Parsed JSON that somebody else wrote: nothing about it is certain. */
export type Loose = Record<string, unknown>

export const isObject = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value if it is an object, else one without anything in it. */
export const objectIn = (value: unknown): Loose => (isObject(value) ? value : {})

/** The objects in a value that ought to be a list of them. */
export const objectsIn = (value: unknown): Loose[] => (Array.isArray(value) ? value.filter(isObject) : [])

export const textIn = (value: unknown): string => (typeof value === 'string' ? value : '')

export function parseObject(text: string): Loose | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** What kind of error it is, for a log: its names and numbers. What it says in words may quote what was asked. */
export function kindOfError(error: unknown): string {
  const { type, code, status } = objectIn(error)
  return [type, code, status].filter(isShort).join(' ') || 'an error without a name'
}

const isShort = (value: unknown): boolean =>
  typeof value === 'number' || (typeof value === 'string' && /^\w[\w.]{0,59}$/.test(value))
