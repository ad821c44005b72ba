import { PassThrough } from 'node:stream'
import { type AppLoadContext, createReadableStreamFromReadable, type EntryContext } from '@remix-run/node'
import { isRouteErrorResponse, RemixServer } from '@remix-run/react'
import { isbot } from 'isbot'
import { renderToPipeableStream } from 'react-dom/server'

const RENDER_MS_MAX = 10_000
export const streamTimeout = RENDER_MS_MAX / 2

export default function handleRequest(
  request: Request,
  status: number,
  headers: Headers,
  remixContext: EntryContext,
  context: AppLoadContext,
) {
  // Programs get the page whole, people as soon as its frame is there.
  const ready = isbot(request.headers.get('user-agent')) ? 'onAllReady' : 'onShellReady'
  return new Promise<Response>((resolve, reject) => {
    let responseStatus = status
    const { pipe, abort } = renderToPipeableStream(
      <RemixServer context={remixContext} url={request.url} nonce={context.nonce} />,
      {
        nonce: context.nonce,
        [ready]() {
          const body = new PassThrough()
          headers.set('content-type', 'text/html; charset=utf-8')
          resolve(new Response(createReadableStreamFromReadable(body), { status: responseStatus, headers }))
          pipe(body)
        },
        onShellError: reject,
        onError(error: unknown) {
          responseStatus = 500
          context.backend.explain(error, context.facts)
        },
      },
    )
    setTimeout(abort, RENDER_MS_MAX).unref()
  })
}

export function handleError(error: unknown, { request, context }: { request: Request; context: AppLoadContext }) {
  // A page or a file that somebody may not have isn’t a failure of ours, and has been answered.
  if (isRouteErrorResponse(error) && error.status < 500) return
  if (!request.signal.aborted) context.backend.explain(error, context.facts)
}
