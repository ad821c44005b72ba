import type { IncomingMessage } from 'node:http'
import { StringDecoder } from 'node:string_decoder'
import type { Refusals } from './api.ts'

const BODY_MAX_BYTES = 32 * 1024 * 1024

/**
 * The whole body as text. Rejects with an `ApiError` when it is too large, and never settles when the client leaves before its end.
 * Decoded as it comes: a second copy outside the heap is what makes V8 collect it all the time when prompts are long.
 */
export function readBody(request: IncomingMessage, refusals: Refusals): Promise<string> {
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder('utf8')
    let body = ''
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      // Of a body too large the rest is thrown away, or the client would not get to read why.
      if (bytes > BODY_MAX_BYTES) reject(refusals.tooLarge(BODY_MAX_BYTES))
      else body += decoder.write(chunk)
    })
    request.on('end', () => resolve(body + decoder.end()))
    request.on('error', () => {})
  })
}

export function parseJson(body: string, refusals: Refusals): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw refusals.notJson()
  }
}
