import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AnswerHead, AnswerParser, HEAD_BYTES_MAX, UnreadableAnswerError } from './answer.ts'

type Read = { heads: AnswerHead[]; body: string; ended: number; keepsAlive: boolean; kept: number | undefined }

/** What is read of an answer that comes in these pieces; `closes`: the other side closes the connection then. */
function read(pieces: readonly Buffer[], { closes = false } = {}): Read {
  const heads: AnswerHead[] = []
  const parts: Buffer[] = []
  let ended = 0
  const parser = new AnswerParser({
    onHead: (head) => heads.push(head),
    onData: (bytes) => parts.push(bytes),
    onEnd: () => ended++,
  })
  parser.expect()
  for (const piece of pieces) {
    // What was read from is overwritten at once, as on a connection.
    const scratch = Buffer.from(piece)
    parser.feed(scratch)
    scratch.fill(0x21)
  }
  if (closes) parser.close()
  const body = Buffer.concat(parts).toString('latin1')
  return { heads, body, ended, keepsAlive: parser.keepsAlive, kept: parser.keptSeconds }
}

const readText = (text: string, how?: { closes: boolean }) => read([Buffer.from(text, 'latin1')], how)

const OK = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`

/** Answers as servers write them, whole. */
const GOOD: Record<string, { wire: string; body: string; closes?: boolean; keepsAlive?: boolean }> = {
  'of a known length': { wire: `${OK}Content-Length: 5\r\n\r\nhello`, body: 'hello' },
  'of no length': { wire: `${OK}content-length: 0\r\n\r\n`, body: '' },
  'without words beside its status': { wire: 'HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok', body: 'ok' },
  'in chunks': { wire: `${CHUNKED}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`, body: 'hello world' },
  'in chunks of many spellings': {
    wire: `${OK}Transfer-Encoding:  Chunked \r\n\r\n00a;name="v"\r\n0123456789\r\nB ; x\r\n0123456789a\r\n000\r\n\r\n`,
    body: '01234567890123456789a',
  },
  'in chunks with a trailer': { wire: `${CHUNKED}1\r\nx\r\n0\r\nExpires: never\r\nA: b\r\n\r\n`, body: 'x' },
  'with line ends in its body': { wire: `${CHUNKED}7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n`, body: '\r\n0\r\n\r\n' },
  'until the connection closes': { wire: `${OK}\r\nall of it`, body: 'all of it', closes: true, keepsAlive: false },
  'after others that only announce it': {
    wire: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${OK}content-length: 1\r\n\r\nx`,
    body: 'x',
  },
  'without a body by its status': { wire: 'HTTP/1.1 204 No Content\r\ndate: now\r\n\r\n', body: '' },
  'not modified, with the length it would have': {
    wire: 'HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n',
    body: '',
    keepsAlive: false,
  },
  'that says goodbye': {
    wire: `${OK}connection: x, Close\r\ncontent-length: 1\r\n\r\nx`,
    body: 'x',
    keepsAlive: false,
  },
  'of an old server': { wire: 'HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx', body: 'x', keepsAlive: false },
  'of an old server that stays': {
    wire: 'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\nx',
    body: 'x',
  },
}

describe('an answer', () => {
  it.each(Object.entries(GOOD))(
    '%s is read, however it comes',
    (_, { wire, body, closes = false, keepsAlive = true }) => {
      const bytes = Buffer.from(wire, 'latin1')
      const whole = read([bytes], { closes })
      expect(whole).toMatchObject({ body, ended: 1, keepsAlive })
      expect(whole.heads).toHaveLength(1)
      expect(
        read(
          Array.from(bytes, (byte) => Buffer.of(byte)),
          { closes },
        ),
      ).toEqual(whole)
      fc.assert(
        fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
          const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
          const pieces = places.slice(1).map((end, i) => bytes.subarray(places[i], end))
          expect(read(pieces, { closes })).toEqual(whole)
        }),
      )
    },
  )

  it('of any bytes in any chunks is what was sent', () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes))
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 20 }), fc.array(fc.nat(5_000), { maxLength: 20 }), (chunks, cuts) => {
        const framed = chunks.flatMap((bytes) => [
          Buffer.from(`${bytes.length.toString(16)}\r\n`),
          bytes,
          Buffer.from('\r\n'),
        ])
        const wire = Buffer.concat([Buffer.from(CHUNKED), ...framed, Buffer.from('0\r\n\r\n')])
        const places = [0, ...cuts.map((cut) => cut % wire.length).sort((a, b) => a - b), wire.length]
        const { body, ended } = read(places.slice(1).map((end, i) => wire.subarray(places[i], end)))
        expect(ended).toBe(1)
        expect(body).toBe(Buffer.concat(chunks).toString('latin1'))
      }),
    )
  })

  it('tells what matters of its head', () => {
    const head = 'HTTP/1.1 429 Too Many\r\nContent-Type:application/json \r\nRETRY-AFTER: 7\r\nretry-after: 8\r\n'
    const more =
      'content-encoding: gzip\r\nContent-Encoding: br\r\nkeep-alive: max=9, timeout=30\r\ncontent-length: 0\r\n\r\n'
    expect(readText(head + more)).toMatchObject({
      heads: [{ status: 429, contentType: 'application/json', retryAfter: '7', contentEncoding: 'gzip, br' }],
      kept: 30,
    })
  })

  it('leaves in one piece what came in one', () => {
    const pieces: string[] = []
    const parser = new AnswerParser({ onHead() {}, onEnd() {}, onData: (bytes) => pieces.push(bytes.toString()) })
    parser.expect()
    parser.feed(Buffer.from(`${CHUNKED}1\r\na\r\n2\r\nbc\r\n`))
    parser.feed(Buffer.from('1\r\nd\r\n0\r\n\r\n'))
    expect(pieces).toEqual(['abc', 'd'])
  })
})

/** What two readers could understand in two ways, or what isn't HTTP. */
const BAD: Record<string, string> = {
  'a length and a coding': `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  'two lengths': `${OK}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!`,
  'the same length twice': `${OK}content-length: 5\r\ncontent-length: 5\r\n\r\nhello`,
  'a list of lengths': `${OK}content-length: 5, 5\r\n\r\nhello`,
  'a negative length': `${OK}content-length: -5\r\n\r\nhello`,
  'a length with a sign': `${OK}content-length: +5\r\n\r\nhello`,
  'a length in hexadecimal': `${OK}content-length: 0x5\r\n\r\nhello`,
  'an empty length': `${OK}content-length:\r\n\r\n`,
  'a length beyond any': `${OK}content-length: 99999999999999999999\r\n\r\n`,
  'two codings': `${OK}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  'a coding twice': `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  'a coding nobody knows': `${OK}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n`,
  'a coding of an old server': 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  'a chunk without a size': `${CHUNKED}\r\nhello\r\n0\r\n\r\n`,
  'a chunk of a negative size': `${CHUNKED}-5\r\nhello\r\n0\r\n\r\n`,
  'a chunk size with 0x': `${CHUNKED}0x5\r\nhello\r\n0\r\n\r\n`,
  'a chunk size beyond any': `${CHUNKED}ffffffffffffffff\r\n`,
  'a chunk larger than it says': `${CHUNKED}4\r\nhello\r\n0\r\n\r\n`,
  'a chunk smaller than it says': `${CHUNKED}6\r\nhello\r\n0\r\n\r\n`,
  'a chunk size that ends in a bare line feed': `${CHUNKED}5\nhello\r\n0\r\n\r\n`,
  'a bare line feed beside a chunk size': `${CHUNKED}5;a\nhello\r\n0\r\n\r\n`,
  'a chunk that ends in a bare line feed': `${CHUNKED}5\r\nhello\n0\r\n\r\n`,
  'a trailer that ends in a bare line feed': `${CHUNKED}0\r\nA: b\n\r\n`,
  'a bare line feed in its head': 'HTTP/1.1 200 OK\ncontent-length: 5\r\n\r\nhello',
  'a bare carriage return in its head': `${OK}a: b\rcontent-length: 5\r\n\r\nhello`,
  'a zero byte in its head': `${OK}a: b\0\r\n\r\n`,
  'a folded header': `${OK}a: b\r\n content-length: 5\r\n\r\nhello`,
  'a space before a colon': `${OK}content-length : 5\r\n\r\nhello`,
  'a header without a colon': `${OK}content-length\r\n\r\n`,
  'a header without a name': `${OK}: 5\r\n\r\nhello`,
  'another version': 'HTTP/2 200\r\n\r\n',
  'no status': 'HTTP/1.1 OK\r\n\r\n',
  'a status of two digits': 'HTTP/1.1 20 OK\r\n\r\n',
  'a status below all': 'HTTP/1.1 099 X\r\n\r\n',
  'another protocol': 'SSH-2.0-OpenSSH_9.0\r\n\r\n',
  'an empty line first': `\r\n${OK}content-length: 0\r\n\r\n`,
  'a change of protocol': 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n',
  'a body of an announcement': 'HTTP/1.1 100 Continue\r\ncontent-length: 5\r\n\r\nhello',
  'announcements without end': 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20),
  'a head beyond all measure': `${OK}a: ${'x'.repeat(HEAD_BYTES_MAX)}\r\n\r\n`,
  'a head that never ends': `${OK}${'a: b\r\n'.repeat(HEAD_BYTES_MAX / 5)}`,
  'words without end beside a chunk': `${CHUNKED}1;${'x'.repeat(HEAD_BYTES_MAX + 1)}`,
  'a trailer without end': `${CHUNKED}0\r\n${'a: b\r\n'.repeat(HEAD_BYTES_MAX / 4)}`,
}

describe('an answer with', () => {
  it.each(Object.entries(BAD))('%s is refused, however it comes', (_, wire) => {
    expect(() => readText(wire)).toThrow(UnreadableAnswerError)
    expect(() => read(Array.from(Buffer.from(wire, 'latin1'), (byte) => Buffer.of(byte)))).toThrow(
      UnreadableAnswerError,
    )
  })

  it.each([
    ['its head', OK],
    ['its body', `${OK}content-length: 5\r\n\r\nhell`],
    ['a chunk', `${CHUNKED}5\r\nhel`],
    ['the last chunk', `${CHUNKED}5\r\nhello\r\n0\r\n`],
  ])('an end in the middle of %s is cut off', (_, wire) => {
    expect(() => readText(wire, { closes: true })).toThrow(UnreadableAnswerError)
  })

  it('more after it is complete all the same, and the last on its connection', () => {
    const next = `${OK}content-length: 6\r\n\r\nforged`
    for (const wire of [`${OK}content-length: 5\r\n\r\nhello`, `${CHUNKED}5\r\nhello\r\n0\r\n\r\n`]) {
      expect(readText(wire + next)).toMatchObject({ body: 'hello', ended: 1, keepsAlive: false })
      expect(() => read([Buffer.from(wire), Buffer.from(next)])).toThrow(UnreadableAnswerError)
    }
  })

  it('any bytes at all ends, or is refused', () => {
    const line = fc.constantFrom(
      OK,
      'content-length: 3\r\n',
      'transfer-encoding: chunked\r\n',
      '\r\n',
      '3\r\n',
      'abc',
      '0\r\n',
      '\n',
      ':',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(line, fc.string({ unit: 'binary', maxLength: 8 })), { maxLength: 15 }), (parts) => {
        try {
          expect(readText(OK + parts.join('')).ended).toBeLessThanOrEqual(1)
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableAnswerError)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
