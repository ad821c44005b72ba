import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { mailTransport } from '../src/mail.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A mail server that takes what it is sent, or answers a recipient with `refusal`. */
async function startSmtp(refusal?: string): Promise<{ url: string; taken: { to: string; data: string }[] }> {
  const taken: { to: string; data: string }[] = []
  const serve = (socket: Socket) => {
    let to = ''
    let data: string | null = null
    let rest = ''
    const say = (line: string) => socket.write(`${line}\r\n`)
    const hear = (line: string) => {
      if (data !== null) {
        if (line !== '.') data += `${line}\n`
        else {
          taken.push({ to, data })
          data = null
          say('250 taken')
        }
        return
      }
      const verb = line.slice(0, 4).toUpperCase()
      if (verb === 'RCPT') {
        to = /<(.*)>/.exec(line)?.[1] ?? ''
        say(refusal ?? '250 ok')
      } else if (verb === 'DATA') {
        data = ''
        say('354 go on')
      } else say(verb === 'QUIT' ? '221 bye' : '250 ok')
    }
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('utf8')).split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) hear(line)
    })
    socket.on('error', () => undefined)
    ends.push(() => socket.destroy())
    say('220 here')
  }
  const server = createServer(serve).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  ends.push(() => server.close())
  return { url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`, taken }
}

const mail = {
  to: 'zoë@school.example',
  subject: 'Zoë, choose a password',
  text: 'Hello Zoë,\n\nhttps://x.example/?token=abc\n',
}
const from = 'Stipend <stipend@school.example>'

test('a mail goes to the server as it was written', async () => {
  const { url, taken } = await startSmtp()
  const send = mailTransport({ smtp_url: url, from, keep: false })
  if (typeof send !== 'function') throw new Error('no transport')
  await send({ ...mail, to: 'zoe@school.example' })
  expect(taken).toHaveLength(1)
  expect(taken[0]?.to).toBe('zoe@school.example')
  expect(taken[0]?.data).toMatch(/^From: Stipend <stipend@school.example>$/m)
  // Letters beyond ASCII are encoded; what they say is still what was said.
  expect(taken[0]?.data).toMatch(/^Subject: =\?UTF-8\?/m)
  expect(taken[0]?.data).toContain('token=3Dabc')
})

test('what the server refuses is an error, for the mail to be tried again', async () => {
  const { url } = await startSmtp('450 mailbox busy')
  const send = mailTransport({ smtp_url: url, from, keep: false })
  if (typeof send !== 'function') throw new Error('no transport')
  await expect(send({ ...mail, to: 'zoe@school.example' })).rejects.toThrow('450')
})

test('without a server mails wait, or are kept where that is asked for', () => {
  expect(mailTransport({ smtp_url: null, from, keep: false })).toBeNull()
  expect(mailTransport({ smtp_url: null, from, keep: true })).toBe('keep')
  expect(mailTransport({ smtp_url: 'smtp://127.0.0.1:1', from, keep: true })).toBeTypeOf('function')
})
