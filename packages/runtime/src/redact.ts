const REDACTED = '[redacted]'

/** The longest text a log line carries: enough for a stack, not for a body. It also bounds the work of the patterns below. */
const TEXT_MAX = 16_384

/** What fields and headers that hold secrets are called, or end in. `input_tokens` and `max_tokens` are not secrets. */
const NAME =
  '(?:authorization|cookies?|password(?:[-_]?hash)?|passwd|passphrase|secret|token(?!s)|credentials?|(?:api|master|private)[-_]?key|session[-_]?id)'

const SECRET_NAME = new RegExp(`${NAME}$`, 'i')

/** Secrets known by their look, or by the name before them, wherever they stand in a text. */
const SECRET_TEXTS: readonly (readonly [RegExp, string])[] = [
  // Our own keys and service tokens, even glued to a word; then what providers and payment services hand out.
  [/(?:sk|st)-stp-[\w-]+/gi, REDACTED],
  [/(?<![a-z])sk-[\w-]{8,}/gi, REDACTED],
  [/(?<![a-z])(?:[sr]k_(?:live|test)_|whsec_|gsk_|xai-|pplx-|hf_|aiza)[\w-]{16,}/gi, REDACTED],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, REDACTED],
  [/\b(bearer(?:\s|%20|\+)+)[^\s"',;]+/gi, `$1${REDACTED}`],
  // scheme://user:password@host. The password may hold any sign but a blank or a quote.
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/?#@"]*):[^\s"]*@/gi, `$1:${REDACTED}@`],
  // JSON or an inspected object inside a text: up to the same quote, which may itself be escaped.
  [new RegExp(`(${NAME}\\\\*["']?\\s*[:=]\\s*)(\\\\*["'])[\\s\\S]*?(?:(?<!\\\\)\\2|$)`, 'gi'), `$1$2${REDACTED}$2`],
  // A query string, a form, a shell line; a header line.
  [new RegExp(`(${NAME}=)[^\\s&;,"'\\\\]+`, 'gi'), `$1${REDACTED}`],
  [/\b((?:proxy-)?authorization|(?:x-)?api-key|(?:set-)?cookie)(:\s*)[^\s"'][^\r\n"']*/gi, `$1$2${REDACTED}`],
  // Drizzle ends the message of a failed query with the values in it.
  [/(Failed query: [\s\S]*?\nparams: )[\s\S]+/g, `$1${REDACTED}`],
]

/** A line that doesn't match holds nothing any of the above would find. Most lines are such, and reading them again is dear. */
const SUSPECT = new RegExp(
  `${NAME}|stp-|sk-|[sr]k_|whsec_|gsk_|xai-|pplx-|hf_|aiza|eyj|bearer|:\\/\\/|failed query|"Buffer"`,
  'i',
)

/** The text without the secrets in it, and cut to a length fit for a log. */
export function redactText(text: string): string {
  const short = text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)} [${text.length - TEXT_MAX} more]` : text
  return SECRET_TEXTS.reduce((redacted, [pattern, replacement]) => redacted.replace(pattern, replacement), short)
}

/** One JSON line of a log without the secrets in it, whichever way they got there: field, message, stack, array or bytes. */
export function redactLine(line: string): string {
  if (line.length <= TEXT_MAX && !SUSPECT.test(line)) return line
  try {
    return `${JSON.stringify(redactJson(JSON.parse(line)))}\n`
  } catch {
    return `${JSON.stringify({ level: 'error', msg: 'a log line was dropped: it could not be read to redact it' })}\n`
  }
}

function redactJson(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value !== 'object' || value === null) return value

  if (Array.isArray(value)) {
    // Raw headers come as [name, value, name, value].
    return value.map((item, index) => (namesSecret(value[index - 1]) ? redactWhole(item) : redactJson(item)))
  }
  if ('type' in value && value.type === 'Buffer' && 'data' in value && Array.isArray(value.data)) {
    return `[${value.data.length} bytes]`
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      redactText(name),
      namesSecret(name) ? redactWhole(field) : redactJson(field),
    ]),
  )
}

function namesSecret(name: unknown): boolean {
  return typeof name === 'string' && name.length <= 100 && SECRET_NAME.test(name)
}

/** Whether there was a secret at all is worth knowing: null and booleans stay. */
function redactWhole(value: unknown): unknown {
  return value === null || typeof value === 'boolean' ? value : REDACTED
}
