import type { ProviderKind } from '@stipend/core'
import { isObject, type Loose, objectsIn } from '../meter/json.ts'
import { NOTHING } from './ask.ts'

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
/** So often one request may have them run, where the provider can be told: each run may cost a fee that no price list has. */
const RUNS_MAX = 8

export function unseenTokens({ tools, mcp_servers }: Loose): number {
  return objectsIn(tools).some(isServerTool) || objectsIn(mcp_servers).length > 0 ? SERVER_TOOL_TOKENS : 0
}

const isServerTool = ({ type }: Loose): boolean =>
  typeof type === 'string' && SERVER_TOOLS.some((name) => type.startsWith(name))

/** The fields of a body that keep the provider's own tools from running more often; none where it says so itself. */
export function boundRuns(json: Loose, by: NonNullable<ProviderKind['bounds_tool_runs_by']>): Loose {
  if (!Array.isArray(json.tools) || !objectsIn(json.tools).some(isServerTool)) return NOTHING
  const isMore = (runs: unknown) => typeof runs !== 'number' || runs > RUNS_MAX
  if (by === 'max_tool_calls') return isMore(json.max_tool_calls) ? { max_tool_calls: RUNS_MAX } : NOTHING
  const isUnbound = (tool: unknown) => isObject(tool) && hasUses(tool) && isMore(tool.max_uses)
  if (!json.tools.some(isUnbound)) return NOTHING
  return {
    tools: json.tools.map((tool: unknown) => (isUnbound(tool) ? { ...(tool as Loose), max_uses: RUNS_MAX } : tool)),
  }
}

const hasUses = ({ type }: Loose): boolean => typeof type === 'string' && /^web_(?:search|fetch)_/.test(type)
