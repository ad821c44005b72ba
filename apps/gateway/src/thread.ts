import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** Where coding tools say which conversation a request belongs to; the first that is there counts. */
const HEADERS = ['x-claude-code-session-id', 'x-session-id', 'thread-id', 'session-id', 'session_id'] as const
const LENGTH_MAX = 500

/**
 * The conversation of a key that a request belongs to, where its tool says so. Kept as a hash under the key: what tools write there
 * may name people or folders, and is of no use to anyone but the tool.
 */
export function threadOf(
  headers: IncomingHttpHeaders,
  json: Readonly<Record<string, unknown>>,
  key_id: string,
): string | undefined {
  const said = inHeaders(headers) ?? [json.prompt_cache_key, userOf(json)].find(isName)
  if (said === undefined) return undefined
  return createHash('sha256').update(`${key_id} ${said}`).digest('base64url').slice(0, 22)
}

function inHeaders(headers: IncomingHttpHeaders): string | undefined {
  for (const name of HEADERS) {
    const said = headers[name]
    if (isName(said)) return said
  }
  return undefined
}

/** Claude Code writes its session into the user of the metadata. */
function userOf({ metadata }: Readonly<Record<string, unknown>>): unknown {
  return typeof metadata === 'object' && metadata !== null && 'user_id' in metadata ? metadata.user_id : undefined
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= LENGTH_MAX
