import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An answer as a provider is to give it: each piece is written by itself. */
export type Script = { status: number; headers: Record<string, string>; pieces: readonly Buffer[] }

export type ScriptedProvider = {
  /** Without a path. */
  url: string
  /** Answers what to name as `user` in a request that is to be answered so. */
  say(script: Script): string
  close(): Promise<void>
}

/** A provider that says what it is told to, to whoever names it. */
export async function startScriptedProvider(): Promise<ScriptedProvider> {
  const scripts = new Map<string, Script>()
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (part) => (body += part))
    request.on('end', () => {
      const { user } = JSON.parse(body) as { user?: string }
      const script = scripts.get(user ?? '')
      if (script === undefined) response.writeHead(404).end('{"error":{"message":"no such script"}}')
      else void speak(response, script)
    })
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    say(script) {
      const name = `script ${scripts.size}`
      scripts.set(name, script)
      return name
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function speak(response: ServerResponse, { status, headers, pieces }: Script): Promise<void> {
  response.writeHead(status, headers)
  for (const [index, piece] of pieces.entries()) {
    if (!response.write(piece)) await once(response, 'drain')
    // Some pieces arrive by themselves, others with those beside them, as on a network.
    if (index % 16 === 0) await new Promise(setImmediate)
  }
  response.end()
}
