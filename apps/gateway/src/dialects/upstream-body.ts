import { kindOf, type PricedModel } from '@stipend/core'
import { isObject, type Loose } from '../meter/json.ts'
import { type Ask, NOTHING } from './ask.ts'

/**
 * The body to send on: the very bytes that came, unless something of them must change: the provider's own name of the model, usage
 * asked for in streams (we bill by it), the output limit where the money is short, a name the provider refuses, or a name that
 * stands twice, of which a provider might take the first.
 */
export function upstreamBody(received: Buffer, ask: Ask, model: PricedModel, outputMax: number | undefined): Buffer {
  const kind = kindOf(model.provider.kind)
  const asksUsage = mustAskUsage(ask) && !kind.tells_usage
  const isRenamed = Object.keys(kind.renames).some((name) => ask.json[name] !== undefined)
  const options = ask.json.stream_options
  const bounded = ask.dialect.bounded(ask.json, kind)
  if (
    outputMax === undefined &&
    !isRenamed &&
    bounded === NOTHING &&
    !(asksUsage && options != null) &&
    received[0] === OPEN_BRACE
  ) {
    const front = asksUsage && !('stream_options' in ask.json) ? WITH_USAGE : undefined
    if (asksUsage === (front !== undefined) && !ask.hasTwins) {
      const spliced = splice(received, ask.model, model.upstream_name, front)
      if (spliced !== undefined) return spliced
    }
  }
  const body: Loose = { ...ask.json, ...bounded, model: model.upstream_name }
  if (asksUsage) body.stream_options = { ...(isObject(options) ? options : {}), include_usage: true }
  if (outputMax !== undefined) Object.assign(body, ask.dialect.limited(ask.json, outputMax, kind))
  for (const [name, better] of Object.entries(kind.renames)) {
    if (body[name] === undefined) continue
    if (better !== null) body[better] ??= body[name]
    delete body[name]
  }
  return Buffer.from(JSON.stringify(body))
}

/** Streams of chat and completions tell their usage only when asked to. */
function mustAskUsage({ dialect, isStream, showsUsage }: Ask): boolean {
  return isStream && !showsUsage && (dialect.name === 'chat' || dialect.name === 'completions')
}

const OPEN_BRACE = 0x7b
const QUOTE = 0x22
const COLON = 0x3a
const WITH_USAGE = Buffer.from('{"stream_options":{"include_usage":true},')
const MODEL = Buffer.from('"model"')

/** The same bytes with another name of the model, and with `front` for the opening brace; undefined if they can't be so simply. */
function splice(received: Buffer, from: string, to: string, front: Buffer | undefined): Buffer | undefined {
  const pieces: Buffer[] = []
  let rest = received
  if (front !== undefined) {
    pieces.push(front)
    rest = received.subarray(1)
  }
  if (from !== to) {
    const at = rest.indexOf(MODEL)
    let value = at + MODEL.length
    while (isBlank(rest[value])) value++
    if (at === -1 || rest[value++] !== COLON) return undefined
    while (isBlank(rest[value])) value++
    const name = Buffer.from(JSON.stringify(from))
    if (rest[value] !== QUOTE || !rest.subarray(value, value + name.length).equals(name)) return undefined
    pieces.push(rest.subarray(0, value), Buffer.from(JSON.stringify(to)))
    rest = rest.subarray(value + name.length)
  }
  if (pieces.length === 0) return received
  pieces.push(rest)
  return Buffer.concat(pieces)
}

const isBlank = (byte: number | undefined) => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
