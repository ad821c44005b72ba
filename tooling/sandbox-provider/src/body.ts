import type { IncomingMessage } from 'node:http'
import { StringDecoder } from 'node:string_decoder'
import { ApiError } from './errors.ts'

const BODY_MAX_BYTES = 32 * 1024 * 1024

/**
 * The whole body as text. Rejects with an `ApiError` when it is too large, and never settles when the client leaves before its end.
 * Decoded as it comes: a second copy outside the heap is what makes V8 collect it all the time when prompts are long.
 */
export function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder('utf8')
    let body = ''
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      // Of a body too large the rest is thrown away, or the client would not get to read why.
      if (bytes > BODY_MAX_BYTES) reject(tooLarge())
      else body += decoder.write(chunk)
    })
    request.on('end', () => resolve(body + decoder.end()))
    request.on('error', () => {})
  })
}

export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new ApiError(
      400,
      "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble figuring out how to fix this, please contact us through our help center at help.openai.com.)",
    )
  }
}

function tooLarge(): ApiError {
  return new ApiError(413, `The request body is larger than ${BODY_MAX_BYTES} bytes.`, { code: 'request_too_large' })
}
