import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { ERROR_CODES } from '@stipend/core'
import { ERRORS } from '@stipend/wire/errors'
import { buildOpenApi } from '@stipend/wire/openapi'
import type { FastifyInstance } from 'fastify'

/** Everything comes from here: the pages work without the internet, and tell nobody who reads them. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const require = createRequire(import.meta.url)
const SWAGGER_UI = path.dirname(require.resolve('swagger-ui-dist/package.json'))
const swagger = (name: string) => path.join(SWAGGER_UI, name)
const own = (name: string) => new URL(`../docs/${name}`, import.meta.url)

const FILES: readonly { url: string; file: URL | string; type: string }[] = [
  { url: '/docs', file: own('index.html'), type: 'text/html; charset=utf-8' },
  { url: '/docs/start.js', file: own('start.js'), type: 'text/javascript; charset=utf-8' },
  { url: '/docs/page.css', file: own('page.css'), type: 'text/css; charset=utf-8' },
  { url: '/docs/swagger-ui.css', file: swagger('swagger-ui.css'), type: 'text/css; charset=utf-8' },
  { url: '/docs/swagger-ui-bundle.js', file: swagger('swagger-ui-bundle.js'), type: 'text/javascript; charset=utf-8' },
]

/** `/openapi.json`, `/docs` to read and try it, `/docs/errors` with every code. */
export function mountDocs(server: FastifyInstance): void {
  const serve = (url: string, type: string, content: string | Buffer) =>
    server.get(url, async (_, reply) =>
      reply
        .headers({
          'content-type': type,
          'content-security-policy': CONTENT_SECURITY_POLICY,
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
          'cache-control': 'no-cache',
        })
        .send(content),
    )

  for (const { url, file, type } of FILES) serve(url, type, readFileSync(file))
  serve('/openapi.json', 'application/json; charset=utf-8', openApiText())
  serve('/docs/errors', 'text/html; charset=utf-8', errorsPage())
}

/** The document as it is committed. */
export function openApiText(): string {
  return `${JSON.stringify(buildOpenApi(), null, 2)}\n`
}

function errorsPage(): string {
  const entries = ERROR_CODES.map((code) => {
    const { status, title, remedy } = ERRORS[code]
    return `<section id="${code}"><h2><code>${code}</code> <small>${status}</small></h2><p><strong>${title}.</strong> ${withCode(remedy)}</p></section>`
  })
  return readFileSync(own('errors.html'), 'utf8').replace('<!-- errors -->', () => entries.join('\n'))
}

function withCode(text: string): string {
  return text.replaceAll(/`([^`]*)`/g, '<code>$1</code>')
}
