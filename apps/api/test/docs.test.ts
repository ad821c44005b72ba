import { ERROR_CODES } from '@stipend/core'
import { close, connect, type Database } from '@stipend/db'
import { createLog } from '@stipend/runtime'
import { ERRORS } from '@stipend/wire/errors'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openApiText } from '../src/docs.ts'
import { createServer } from '../src/server.ts'

let server: FastifyInstance
let database: Database
beforeAll(() => {
  // Reading needs no database: nothing listens there.
  database = connect('postgres://nobody@127.0.0.1:1/none')
  server = createServer({ database, log: createLog({ app: 'api', level: 'silent' }) })
})
afterAll(async () => {
  await server.close()
  await close(database)
})

const PAGES = ['/docs', '/docs/errors']
const FILES = [
  '/docs/start.js',
  '/docs/page.css',
  '/docs/swagger-ui.css',
  '/docs/swagger-ui-bundle.js',
  '/openapi.json',
]

test.each([...PAGES, ...FILES])('%s is served from here, and may load nothing from elsewhere', async (url) => {
  const answer = await server.inject(url)
  expect(answer.statusCode).toBe(200)
  expect(answer.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'/)
  expect(answer.headers['content-security-policy']).not.toMatch(/unsafe|https?:|\*/)
  expect(answer.headers['x-content-type-options']).toBe('nosniff')
  expect(answer.headers['x-request-id']).toMatch(/^req_/)
})

test.each(PAGES)('%s refers to files that are there, without inline scripts or styles', async (url) => {
  const { body } = await server.inject(url)
  expect(body).toContain('<title>')
  expect(body).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=/)
  for (const [, target = ''] of body.matchAll(/(?:src|href)="(\/[^"#]*)/g)) {
    expect((await server.inject(target)).statusCode, target).toBe(200)
  }
  expect(body).not.toMatch(/(?:src|href)="(?:https?:)?\/\//)
})

test('the documentation is that of the Stipend API', async () => {
  expect((await server.inject('/docs')).body).toContain('<title>Stipend API</title>')
  expect((await server.inject('/openapi.json')).body).toBe(openApiText())
})

test('every code has its place on the page that problems point to', async () => {
  const { body } = await server.inject('/docs/errors')
  for (const code of ERROR_CODES) {
    expect(body).toContain(`<section id="${code}">`)
    expect(body).toContain(`${ERRORS[code].title}.`)
  }
})
