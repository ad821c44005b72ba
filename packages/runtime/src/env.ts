import { z } from 'zod'

/** The environment isn't fit to start with. Its message names every bad variable and what is expected there, never a value. */
export class EnvError extends Error {
  constructor(problems: readonly string[]) {
    super(`The environment is not complete:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.name = 'EnvError'
    // It stops a process at boot: whoever starts it needs the list, not where in the code it was made.
    this.stack = this.message
  }
}

/**
 * Reads a program's settings out of `source` (its `env.ts` passes `process.env`), or throws an `EnvError` that lists all that is
 * wrong with them. A variable set to nothing (`PORT=`) counts as not set. The schema's keys are the variables; give them a shape
 * worth using with `.transform` at its end.
 */
export function parseEnv<Schema extends z.ZodType>(
  schema: Schema,
  source: Readonly<Record<string, string | undefined>>,
): z.output<Schema> {
  const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data

  const problems = new Map<string, string>()
  for (const issue of parsed.error.issues) {
    const name = issue.path[0] === undefined ? 'all together' : String(issue.path[0])
    const value = given[name]
    const message = withoutValues(issue.message, value === undefined ? Object.values(given) : [value])
    // The first complaint about a variable says enough.
    if (problems.has(name)) continue
    problems.set(name, `${name}: ${value === undefined && issue.path.length > 0 ? 'not set; ' : ''}${message}`)
  }
  throw new EnvError([...problems.values()])
}

/** The kinds of settings several programs have. Each says in one sentence what it expects, whatever is wrong. */
export const variable = {
  /** A TCP port; 0 lets the system choose one. */
  port: () =>
    text('must be a port number from 0 to 65535', /^(0|[1-9]\d{0,4})$/, (port) => Number(port) <= 65_535).transform(
      Number,
    ),

  /** An absolute URL with one of these protocols, as written. */
  url: (...protocols: readonly `${string}:`[]) =>
    text(
      `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
      /^\S+$/,
      (url) => URL.canParse(url) && protocols.includes(new URL(url).protocol as `${string}:`),
    ),

  /** How many proxies of our own stand in front and add to x-forwarded-for. */
  proxies: () => text('must be a number from 0 to 9', /^\d$/).transform(Number),

  boolean: () => text("must be 'true' or 'false'", /^(true|false)$/).transform((word) => word === 'true'),

  /** 32 random bytes, for AES-256 or HMAC. */
  key32: () =>
    text(
      'must be 32 random bytes in base64, such as `openssl rand -base64 32` prints',
      /^[A-Za-z0-9+/]{43}=$/,
      (key) => Buffer.from(key, 'base64').toString('base64') === key,
    ).transform((key) => Buffer.from(key, 'base64')),

  /** Several of `key32`, with commas between. */
  keys32: () =>
    z
      .string()
      .default('')
      .transform((keys) => listOf(keys))
      .pipe(z.array(variable.key32())),

  /** Names, with commas between. */
  list: () =>
    z
      .string()
      .default('')
      .transform((names) => listOf(names)),

  logLevel: () => {
    const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
    return z.enum(levels, { error: `must be one of ${levels.join(', ')}` })
  },
}

const listOf = (text: string) =>
  text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')

function text(expected: string, pattern: RegExp, accepts: (value: string) => boolean = () => true) {
  return z.string({ error: expected }).refine((value) => pattern.test(value) && accepts(value), { error: expected })
}

/** A schema's own sentence may quote what it was given. Short values (a port, a word) are part of honest sentences. */
function withoutValues(message: string, values: readonly (string | undefined)[]): string {
  return values.reduce<string>(
    (text, value) => (value !== undefined && value.length >= 6 ? text.replaceAll(value, '[value]') : text),
    message,
  )
}
