import { type Loose, objectsIn } from '../meter/json.ts'

/**
 * Tools that a provider runs by itself, by how their type begins. What they bring back is read by the model and billed as input,
 * which no body tells beforehand. Coding tools offer some of them unasked with each request, so they pass.
 */
const SERVER_TOOLS = [
  ...['web_search', 'web_fetch', 'file_search', 'code_interpreter', 'code_execution', 'image_generation', 'mcp'],
  ...['tool_search', 'advisor', 'x_search', 'collections_search'],
]
/** So much of what one brings back is paid for in advance; the rest out of what is held, and no further. */
const SERVER_TOOL_TOKENS = 8_000

export function unseenTokens({ tools, mcp_servers }: Loose): number {
  const types = objectsIn(tools).map(({ type }) => type)
  const offered = types.some((type) => typeof type === 'string' && SERVER_TOOLS.some((name) => type.startsWith(name)))
  return offered || objectsIn(mcp_servers).length > 0 ? SERVER_TOOL_TOKENS : 0
}
