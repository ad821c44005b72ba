import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SseEvent, SseSplitter } from './sse.ts'

function split(parts: readonly Buffer[]): { events: SseEvent[]; rest: Buffer } {
  const splitter = new SseSplitter()
  const events = parts.flatMap((part) =>
    splitter.feed(part).map((event) => ({ ...event, raw: Buffer.from(event.raw) })),
  )
  return { events, rest: splitter.rest() }
}

const dataOf = (text: string) => split([Buffer.from(text)]).events.map((event) => event.data)
const joined = ({ events, rest }: ReturnType<typeof split>) => Buffer.concat([...events.map((one) => one.raw), rest])

/** The same bytes, cut at these places. */
function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return sorted.slice(1).map((end, i) => bytes.subarray(sorted[i], end))
}

/** Lines as streams have them, and as they don't. */
const line = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom('data: {"a":1}', 'data:x', 'data:  two blanks', 'data', 'data:', ': comment'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('event: error', 'id: 7', 'retry: 1', 'nonsense', 'data\u00a0: no', ' data: no'),
  },
  { weight: 3, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme' }).map((text) => `data: ${text}`) },
)
const ending = fc.constantFrom('\n', '\r\n')
const stream = fc
  .array(fc.tuple(line, ending), { maxLength: 40 })
  .map((lines) => Buffer.from(lines.map((parts) => parts.join('')).join('')))
const anything = fc.oneof(
  { weight: 3, arbitrary: stream },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc.array(fc.constantFrom(0x0a, 0x0d, 0x64, 0x3a), { maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  },
)
const places = fc.array(fc.nat(2_000), { maxLength: 60 })

describe('an event stream', () => {
  it('keeps every byte, however it is cut', () => {
    fc.assert(
      fc.property(anything, places, (bytes, at) => {
        expect(joined(split(cutAt(bytes, at))).equals(bytes)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('has the same events, however it is cut', () => {
    fc.assert(
      fc.property(anything, places, (bytes, at) => {
        expect(split(cutAt(bytes, at))).toEqual(split([bytes]))
      }),
      { numRuns: 500 },
    )
  })

  it('has the same events byte by byte', () => {
    fc.assert(
      fc.property(anything, (bytes) => {
        expect(split([...bytes].map((byte) => Buffer.from([byte])))).toEqual(split([bytes]))
      }),
    )
  })

  it('has the events that the standard says, but for lone CRs', () => {
    fc.assert(
      fc.property(stream, (bytes) => {
        const text = bytes.toString().replaceAll('\r\n', '\n')
        const events: (string | null)[] = []
        let data: string[] = []
        for (const one of text.split('\n').slice(0, -1)) {
          if (one === '') {
            events.push(data.length === 0 ? null : data.join('\n'))
            data = []
          } else if (one === 'data') data.push('')
          else if (one.startsWith('data:')) data.push(one.slice(5).replace(/^ /, ''))
        }
        expect(split([bytes]).events.map((event) => event.data)).toEqual(events)
      }),
    )
  })
})

describe('an event', () => {
  it('ends with an empty line, after LF or CR LF', () => {
    expect(dataOf('data: a\n\ndata: b\r\n\r\ndata: c\n\r\ndata: d\r\n\n')).toEqual(['a', 'b', 'c', 'd'])
  })

  it('may have data in several lines, or a comment and none', () => {
    expect(dataOf('data: a\ndata: b\n\n: keep-alive\n\nevent: x\n\n')).toEqual(['a\nb', null, null])
  })

  it('loses one blank after the colon and no more', () => {
    expect(dataOf('data:a\n\ndata: a\n\ndata:  a\n\ndata\n\ndata:\n\n')).toEqual(['a', 'a', ' a', '', ''])
  })

  it('that is not finished is kept for later', () => {
    const splitter = new SseSplitter()
    expect(splitter.feed(Buffer.from('data: a\n\ndata: b'))).toHaveLength(1)
    expect(splitter.rest().toString()).toBe('data: b')
    expect(splitter.feed(Buffer.from('\n'))).toHaveLength(0)
    expect(splitter.feed(Buffer.from('\n')).map((event) => event.data)).toEqual(['b'])
    expect(splitter.rest()).toHaveLength(0)
  })

  it('without end is given up', () => {
    const splitter = new SseSplitter()
    const megabyte = Buffer.alloc(1024 * 1024, 'a')
    expect(() => {
      for (let i = 0; i < 17; i++) splitter.feed(megabyte)
    }).toThrow(/without end/)
  })
})
