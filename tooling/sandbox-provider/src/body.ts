import type { IncomingMessage } from 'node:http'
import { ApiError } from './errors.ts'

const BODY_MAX_BYTES = 32 * 1024 * 1024

/** The whole body. Rejects with an `ApiError` when it is too large, and never settles when the client leaves before its end. */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > BODY_MAX_BYTES) {
        // What still comes is thrown away, or the client would not get to read why.
        chunks.length = 0
        reject(tooLarge())
      } else chunks.push(chunk)
    })
    request.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes)))
    request.on('error', () => {})
  })
}

export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
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
