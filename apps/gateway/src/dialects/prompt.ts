import { isObject, type Loose, textIn } from '../meter/json.ts'
import { countText, partTokensMax } from '../tokens.ts'

/**
 * What a part of a prompt that isn't text may have in tokens at most, beyond a token for each byte it has here. Less than 0 for an
 * image that comes with the request: its megabyte of base64 is no million tokens.
 */
export function beyondBytesOf(part: Loose): number {
  return partTokensMax(part) - inlineBytes(part)
}

function inlineBytes(part: Loose): number {
  switch (part.type) {
    case 'image_url':
    case 'input_image': {
      const image = part.image_url
      const url = typeof image === 'string' ? image : isObject(image) ? textIn(image.url) : ''
      return url.startsWith('data:') ? url.length : 0
    }
    case 'image':
      return isObject(part.source) ? textIn(part.source.data).length : 0
    case 'input_audio':
      return isObject(part.input_audio) ? textIn(part.input_audio.data).length : 0
    default:
      return 0
  }
}

/** Types of parts that name something, or hold it in another form than text. */
const NO_TEXT = new Set([
  ...['image_url', 'input_image', 'image', 'input_audio', 'audio_url', 'video_url'],
  ...['file', 'input_file', 'document', 'container_upload', 'item_reference'],
])
export const isNoText = (part: Loose): boolean => typeof part.type === 'string' && NO_TEXT.has(part.type)

/** Fields that are no part of what a model reads. */
const UNREAD = new Set(['type', 'id', 'call_id', 'tool_use_id', 'status', 'cache_control'])
/** What only the provider can read: sealed thoughts, of which a token has more characters than this. */
const SEALED = new Set(['encrypted_content', 'signature', 'data'])
const SEALED_CHARACTERS_PER_TOKEN = 3

/** About how many tokens a value of a prompt has, rather more than less. */
export function countValue(value: unknown): number {
  if (typeof value === 'string') return countText(value)
  if (Array.isArray(value)) return value.reduce<number>((tokens, one) => tokens + countValue(one), 0)
  if (!isObject(value)) return value === undefined || value === null ? 0 : 1
  if (isNoText(value)) return partTokensMax(value)
  let tokens = 0
  for (const [name, inner] of Object.entries(value)) {
    if (UNREAD.has(name)) continue
    if (typeof inner === 'string' && SEALED.has(name)) tokens += Math.ceil(inner.length / SEALED_CHARACTERS_PER_TOKEN)
    else tokens += isObject(inner) && name === 'input' ? countText(JSON.stringify(inner)) : countValue(inner)
  }
  return tokens
}

/** Tools as a prompt has them: as JSON. */
export const countTools = (tools: unknown): number =>
  Array.isArray(tools) && tools.length > 0 ? countText(JSON.stringify(tools)) : 0
