import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ToolDialect } from '@stipend/setups'
import { CLIENTS, type Client } from './clients.ts'
import { install } from './install.ts'
import { type Ran, run } from './run.ts'
import { providerOnly, type World, wholeHouse } from './world.ts'

export type ToolsOptions = {
  root: string
  /** The environment of the programs that are started. */
  surroundings: Record<string, string>
  /** Ids of clients; all if there are none. */
  only: readonly string[]
  /** Without a gateway: each client talks to the sandbox provider itself. */
  direct: boolean
  tell(line: string): void
}

/** What one client did in one way to be told no, or yes. */
type Row = { client: string; how: string; case: Case; requests: number; seconds: number; wrong: string | undefined }
type Case = 'creates a file' | 'told to wait' | 'wrong key' | 'empty budget' | 'too fast'

const PROGRAMS = fileURLToPath(new URL('../programs', import.meta.url))
/** What the gateway says where a provider has too many requests. */
const BUSY = 'The model provider has too many requests.'
/** How many wait for their minute at once. */
const TOGETHER = 6
/** Machines are busy, and starting a program takes a while. */
const SLACK = { times: 3, seconds: 12 }

/**
 * Installs coding tools outside of the project and has each create a file through the gateway, also where it is told to wait at first, then
 * be refused: it must stop, and show the gateway's sentence. Answers what went wrong, in sentences; a tool that can't be had is told, and not taken for one that works.
 */
export async function testTools({ root, surroundings, only, direct, tell }: ToolsOptions): Promise<string[]> {
  const chosen = CLIENTS.filter(({ id }) => only.length === 0 || only.includes(id))
  const world = direct ? await providerOnly() : await wholeHouse(root, surroundings)
  const wrong: string[] = []
  const missing: string[] = []
  const rows: Row[] = []
  const waiting: { tried: Tried; limit: number }[] = []
  try {
    for (const client of chosen) {
      const folder = await installed(client, surroundings).catch((error: Error) => {
        missing.push(`${client.name} can’t be installed: ${error.message.split('\n')[0]}`)
        return undefined
      })
      if (folder === undefined) continue
      for (const dialect of client.dialects) {
        for (const model of client.models ?? [MODEL_OF[dialect]]) {
          const tried: Tried = { client, folder, dialect, model, world, env: surroundings }
          for await (const row of cases(tried)) {
            rows.push(row)
            tell(lineOf(row))
            // One request less than it takes, so that it meets the limit once.
            if (row.case === 'creates a file' && row.wrong === undefined)
              waiting.push({ tried, limit: row.requests - 1 })
          }
        }
      }
    }
    // Each of them waits for a minute, so several at once.
    for (let first = 0; first < waiting.length; first += TOGETHER) {
      const together = waiting.slice(first, first + TOGETHER)
      for (const row of await Promise.all(together.map(({ tried, limit }) => tooFast(tried, limit)))) {
        if (row === undefined) continue
        rows.push(row)
        tell(lineOf(row))
      }
    }
    wrong.push(
      ...rows.flatMap((row) =>
        row.wrong === undefined ? [] : [`${row.client}, ${row.how}, ${row.case}: ${row.wrong}`],
      ),
    )
    wrong.push(...(await world.audit()))
  } finally {
    await world.close()
  }
  tell('')
  for (const line of table(rows)) tell(line)
  for (const sentence of missing) tell(`NOT TESTED  ${sentence}`)
  return wrong
}

async function installed(client: Client, surroundings: Record<string, string>): Promise<string> {
  const folder = await install(client, surroundings)
  // Where they find the libraries they import.
  mkdirSync(path.join(folder, 'programs'), { recursive: true })
  for (const name of readdirSync(PROGRAMS)) copyFileSync(path.join(PROGRAMS, name), path.join(folder, 'programs', name))
  return folder
}

/** A name that tools know, in the dialect of its maker. */
const MODEL_OF: Record<ToolDialect, string> = {
  chat: 'sandbox-small',
  responses: 'gpt-5.5',
  messages: 'claude-sonnet-5',
}

type Tried = {
  client: Client
  folder: string
  dialect: ToolDialect
  model: string
  world: World
  env: Record<string, string>
}

const howOf = ({ models }: Client, dialect: ToolDialect, model: string) =>
  models === undefined ? dialect : `${dialect}, ${model}`

/**
 * With a key that makes a tool wait for up to a minute: it does so and creates its file, or gives up and says why. Whether it has that much
 * patience is for the tool to say.
 */
async function tooFast({ client, folder, dialect, model, world, env }: Tried, limit: number): Promise<Row | undefined> {
  const limited = await world.limited?.(limit)
  if (limited === undefined) return undefined
  const connection = { base_url: world.baseUrl, key: limited.key, model }
  const ran = await run(client, folder, { dialect, connection, env })
  const requests = await limited.requests()
  const isToldWhy = plain(ran.output).includes(plain(`This API key may make ${limit} request`))
  const isDone = ran.file !== undefined && ran.code === 0
  const gaveUp = ran.code !== null && ran.code !== 0 && isToldWhy
  const told = isDone ? requests > limit : gaveUp
  const found = told
    ? undefined
    : `${ran.file === undefined ? 'no file' : 'a file'}, ended with ${ran.code} after ${requests} requests`
  const wrong = found === undefined ? undefined : `${found}\n${ran.output.slice(-1_500)}`
  return {
    client: client.name,
    how: howOf(client, dialect, model),
    case: 'too fast',
    requests,
    seconds: ran.seconds,
    wrong,
  }
}

async function* cases({ client, folder, dialect, model, world, env }: Tried): AsyncIterable<Row> {
  const how = howOf(client, dialect, model)
  const attempt = async (kind: Case, key: string, judge: (ran: Ran, requests: number) => string | undefined) => {
    const before = await world.requests()
    const ran = await run(client, folder, { dialect, connection: { base_url: world.baseUrl, key, model }, env })
    const requests = (await world.requests()) - before
    const found = judge(ran, requests)
    const wrong = found === undefined ? undefined : `${found}\n${ran.output.slice(-1_500)}`
    return { client: client.name, how, case: kind, requests, seconds: ran.seconds, wrong }
  }
  yield await attempt('creates a file', world.keys.good, (ran, requests) => judgeWork(ran, requests, 2))
  if (world.hesitate !== undefined) {
    world.hesitate()
    const isPatient = client.impatient?.includes(dialect) !== true
    yield await attempt('told to wait', world.keys.good, (ran, requests) =>
      isPatient ? judgeWork(ran, requests, 3) : judgeRefusal(client, dialect, 'told to wait', ran, requests, BUSY),
    )
  }
  const { wrong, empty } = world.keys
  for (const [kind, key] of [
    ['wrong key', wrong],
    ['empty budget', empty],
  ] as const) {
    if (key === undefined) continue
    const sentence = await refusalOf(world.baseUrl, dialect, key, model)
    yield await attempt(kind, key, (ran, requests) => judgeRefusal(client, dialect, kind, ran, requests, sentence))
  }
}

/** `least`: it asks, tells the model what became of its call, and where it was told to wait, asks again. */
function judgeWork({ code, file }: Ran, requests: number, least: number): string | undefined {
  if (file === undefined) return `no file, after ${requests} requests, ended with ${code}`
  if (!file.includes('Hello from the sandbox model.')) return `another file than it was told: ${file}`
  if (code !== 0) return `a file, but ended with ${code}`
  return requests < least ? `only ${requests} requests, where it takes ${least}` : undefined
}

function judgeRefusal(
  { refused }: Client,
  dialect: ToolDialect,
  kind: Case,
  { code, output, seconds }: Ran,
  requests: number,
  sentence: string,
): string | undefined {
  const most = refused[dialect] ?? refused.usual
  if (code === null) return 'did not stop'
  if (code === 0) return 'ended as if nothing were wrong'
  if (requests > most.requests) return `${requests} requests, where it is known to make ${most.requests}`
  const patience = most.seconds * SLACK.times + SLACK.seconds
  if (seconds > patience) return `${seconds.toFixed()} s, where it is known to take ${most.seconds}`
  if (most.isReworded && kind === 'wrong key') return undefined
  return plain(output).includes(plain(sentence)) ? undefined : `did not show “${sentence}”`
}

/** As tools print it: broken into lines, framed, or inside of JSON. */
function plain(text: string): string {
  return text
    .replaceAll(/\\u([0-9a-f]{4})/gi, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))
    .replaceAll(/[^\p{L}\p{N}]+/gu, '')
}

const ASKED: Record<ToolDialect, { path: string; body: object }> = {
  chat: { path: '/chat/completions', body: { messages: [{ role: 'user', content: 'Hi' }] } },
  responses: { path: '/responses', body: { input: 'Hi' } },
  messages: { path: '/messages', body: { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1_000 } },
}

/** What the gateway says to this key. */
async function refusalOf(baseUrl: string, dialect: ToolDialect, key: string, model: string): Promise<string> {
  const { path: where, body } = ASKED[dialect]
  const answer = await fetch(baseUrl + where, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, ...body }),
  })
  const said = (await answer.json()) as { error?: { message?: string } }
  return said.error?.message ?? `nothing, with status ${answer.status}`
}

function lineOf({ client, how, case: kind, requests, seconds, wrong }: Row): string {
  const figures = `${requests} requests, ${seconds.toFixed(1)} s`
  return `${wrong === undefined ? 'ok    ' : 'WRONG '} ${client}, ${how}: ${kind} (${figures})${wrong === undefined ? '' : `\n        ${wrong.split('\n')[0]}`}`
}

/** One line for each client and dialect, one column for each case. */
function table(rows: readonly Row[]): string[] {
  const kinds = [...new Set(rows.map((row) => row.case))]
  const lines = [...new Set(rows.map((row) => `${row.client} | ${row.how}`))]
  const cell = (line: string, kind: Case) => {
    const row = rows.find((one) => `${one.client} | ${one.how}` === line && one.case === kind)
    if (row === undefined) return ''
    return `${row.wrong === undefined ? 'ok' : 'WRONG'}, ${row.requests}, ${row.seconds.toFixed(1)} s`
  }
  return [
    `| client | dialect | ${kinds.join(' | ')} |`,
    `| --- | --- |${' --- |'.repeat(kinds.length)}`,
    ...lines.map((line) => `| ${line} | ${kinds.map((kind) => cell(line, kind)).join(' | ')} |`),
  ]
}
