import fc from 'fast-check'
import { expect, it } from 'vitest'
import { dataOf, endOfEvents, eventsOf } from './sse.ts'

const bytes = (text: string) => Buffer.from(text)

it.each([
  ['data: a\n\ndata: b', 9],
  ['data: a\r\n\r\ndata: b', 11],
  ['data: a\r\rdata: b', 9],
  ['data: a\n\r\ndata: b', 10],
  ['data: a\n\n', 9],
  ['data: a\n', 0],
  ['data: a\r\n\r', 0],
  ['', 0],
])('finds where the last whole event of %j ends', (text, end) => {
  expect(endOfEvents(bytes(text))).toBe(end)
})

it('finds an end across the seam of what was searched before', () => {
  expect(endOfEvents(bytes('data: a\r\n\r\nda'), 7)).toBe(11)
  expect(endOfEvents(bytes('data: a\r\n\r\nda'), 8)).toBe(11)
  expect(endOfEvents(bytes('data: a\n\nda'), 6)).toBe(9)
})

it('cuts a stream into events, whatever its lines end in', () => {
  const events = ['event: x\ndata: a\n\n', ': comment\n\n', 'data: b\n\n', 'data: unfinished']
  for (const end of ['\n', '\r\n', '\r']) {
    const wire = events.map((event) => event.replaceAll('\n', end))
    expect(eventsOf(bytes(wire.join(''))).map(String)).toEqual(wire)
    expect(eventsOf(bytes(wire.join(''))).map(dataOf)).toEqual(['a', null, 'b', 'unfinished'])
  }
})

it.each([
  ['data:no space\n\n', 'no space'],
  ['data:  two spaces\n\n', ' two spaces'],
  ['data: one\ndata: two\n\n', 'one\ntwo'],
  ['data\n\n', ''],
  ['database: x\n\n', null],
  ['id: 1\nretry: 5\n\n', null],
  ['event: x\r\ndata: y\r\n\r\n', 'y'],
])('reads the data of %j', (event, data) => {
  expect(dataOf(bytes(event))).toBe(data)
})

it('loses no byte of anything', () => {
  const piece = fc.oneof(
    fc.constantFrom('\n', '\r', '\r\n', 'data: ', ':'),
    fc.string({ unit: 'binary', maxLength: 5 }),
  )
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const whole = bytes(pieces.join(''))
      expect(Buffer.concat(eventsOf(whole)).equals(whole)).toBe(true)
      const end = endOfEvents(whole)
      expect(end <= whole.length).toBe(true)
      expect(end === 0 || [0x0a, 0x0d].includes(whole[end - 1] ?? 0)).toBe(true)
    }),
    { seed: 3, numRuns: 500 },
  )
})
