const QUOTE = 0x22
const BACKSLASH = 0x5c
const CLOSING_BRACE = 0x7d
const DELTA = Buffer.from('delta":{')
const NEXT_DELTA = Buffer.from('delta"')

/**
 * Takes the text out of an event in the usual form, `"delta":{"content":"..."}`, without parsing it, which takes several times as
 * long: nearly all events of a long stream are such. Undefined for an event in any other form, or with no text.
 *
 * This can't be fooled by what a text says: within a text every quote has a backslash before it, so `"delta":{` is never in one.
 */
export function skimDelta(event: Buffer, openings: readonly string[]): string | undefined {
  const delta = event.indexOf(DELTA)
  if (delta === -1) return undefined
  const opened = delta + DELTA.length
  const head = event.toString('latin1', opened, opened + OPENING_MAX)
  const opening = openings.find((each) => head.startsWith(each))
  if (opening === undefined) return undefined
  const start = opened + opening.length
  const end = event.indexOf(QUOTE, start)
  if (end <= start || event[end + 1] !== CLOSING_BRACE) return undefined
  const escaped = event.indexOf(BACKSLASH, start)
  if (escaped !== -1 && escaped < end) return undefined
  return event.indexOf(NEXT_DELTA, end) === -1 ? event.toString('utf8', start, end) : undefined
}

/** The longest opening is shorter than this. */
const OPENING_MAX = 48
