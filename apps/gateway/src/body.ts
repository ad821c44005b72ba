import type { IncomingMessage } from 'node:http'
import { DomainError } from '@stipend/core/errors'

export type BodyLimits = {
  bytesMax: number
  /** How long a client may pause within a body. */
  silenceMs: number
  /** How long it may take for its headers. */
  headersMs: number
}

/** Reads a request's whole body. Too large: 413, at once if it says so itself. Nothing more coming: 408. */
export function readBody(
  request: IncomingMessage,
  { bytesMax, silenceMs }: Pick<BodyLimits, 'bytesMax' | 'silenceMs'>,
): Promise<Buffer> {
  const tooLarge = () =>
    new DomainError(
      'request_too_large',
      `The body is larger than ${Math.floor(bytesMax / 1024 / 1024)} MB. Send less at once.`,
    )
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > bytesMax) return Promise.reject(tooLarge())

  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let isOver = false
    const finish = (error: DomainError | null) => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      const [only] = chunks
      if (error === null) resolve(only?.length === bytes ? only : Buffer.concat(chunks, bytes))
      else reject(error)
    }
    const onSilence = () =>
      finish(new DomainError('request_timeout', 'The body of the request did not arrive in time.'))
    const onEnd = () => finish(null)
    const onClose = () => {
      // Nearly always it is: an error nobody gets to see takes longer to make than the body to read.
      if (isOver) return
      finish(new DomainError('request_timeout', 'The connection closed before the body was complete.'))
    }
    const onData = (chunk: Buffer) => {
      if (isOver) return
      timer?.refresh()
      bytes += chunk.length
      if (bytes > bytesMax) finish(tooLarge())
      else chunks.push(chunk)
    }
    // Nearly every body comes with its head, and needs nobody to watch for it.
    let timer: NodeJS.Timeout | undefined
    setImmediate(() => {
      if (!isOver) timer = setTimeout(onSilence, silenceMs)
    })
    // They stay, and do nothing once it is over: to take them off takes longer than all else here.
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
  })
}
