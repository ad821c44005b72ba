import type { TokenUsage } from '@stipend/money'

/** How the provider is asked to behave, and how often of a hundred. The first is an honest answer. */
const BEHAVIOURS: readonly (readonly [weight: number, marker: string])[] = [
  [46, ''],
  [4, 'status=500'],
  [3, 'status=429'],
  [3, 'hang'],
  [3, 'reset'],
  [4, 'cut=5'],
  [3, 'stall=5'],
  [3, 'error=4'],
  [4, 'omit_usage'],
  [3, 'usage_every_chunk'],
  [2, 'wrong_usage=negative'],
  [3, 'wrong_usage=huge'],
  [2, 'wrong_usage=missing'],
  [2, 'wrong_usage=cached'],
  [2, 'wrong_usage=zero'],
  [3, 'overrun=60'],
  [5, 'delay=200'],
  [5, 'chunk_delay=15'],
]
const PATIENCE_MS = 4_000

export type Outcome = {
  /** Of the answer; null where none came. */
  request_id: string | null
  status: number | null
  code: string | null
  marker: string
  is_streamed: boolean
  /** Everything came, to the proper end. */
  isComplete: boolean
  /** What an honest whole answer says it used. */
  usage: Pick<TokenUsage, 'input_tokens' | 'cached_input_tokens' | 'output_tokens'> | null
}

export type Chance = () => number

/** One request as some client makes it, hanging up in the middle now and then. Never throws. */
export async function sendOne(url: string, secret: string, chance: Chance): Promise<Outcome> {
  const pick = (from: number, to: number) => Math.floor(from + chance() * (to - from))
  const marker = draw(chance)
  const is_streamed = chance() < 0.6
  const hangUpAfter = chance() < 0.1 ? pick(5, 600) : PATIENCE_MS
  const tokens = chance() < 0.1 ? pick(800, 4_000) : pick(5, 200)
  const outcome: Outcome = {
    request_id: null,
    status: null,
    code: null,
    marker,
    is_streamed,
    isComplete: false,
    usage: null,
  }
  const filler = 'word '.repeat(chance() < 0.1 ? pick(500, 4_000) : pick(1, 30))
  const body = JSON.stringify({
    model: 'sandbox-small',
    stream: is_streamed,
    ...(chance() < 0.8 ? { max_tokens: tokens + pick(0, 3_000) } : {}),
    messages: [{ role: 'user', content: `${filler} [[sandbox:tokens=${tokens} ${marker}]]` }],
  })
  try {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(hangUpAfter),
    })
    outcome.request_id = response.headers.get('x-request-id')
    outcome.status = response.status
    const text = await response.text()
    if (response.status !== 200) outcome.code = codeIn(text)
    else if (is_streamed) outcome.isComplete = text.trimEnd().endsWith('data: [DONE]')
    else {
      outcome.isComplete = true
      if (marker === '' || marker === 'delay=200') outcome.usage = usageIn(text)
    }
  } catch {
    // It hung up, or the gateway was killed.
  }
  return outcome
}

type Said = { status: number; retryAfter: string | null }

/** A few words, honestly answered. */
export async function askLittle(
  url: string,
  secret: string,
): Promise<Pick<Outcome, 'request_id' | 'code' | 'usage'> & Said> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'sandbox-small', max_tokens: 20, messages: [{ role: 'user', content: 'Hello' }] }),
  })
  const text = await response.text()
  const { status, headers } = response
  const about = { status, request_id: headers.get('x-request-id'), retryAfter: headers.get('retry-after') }
  return status === 200 ? { ...about, code: null, usage: usageIn(text) } : { ...about, code: codeIn(text), usage: null }
}

/** Whether what the provider reports is not what it did. */
export const isLie = (marker: string): boolean => marker.startsWith('wrong_usage')

function draw(chance: Chance): string {
  let at = chance() * BEHAVIOURS.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, marker] of BEHAVIOURS) {
    at -= weight
    if (at < 0) return marker
  }
  return ''
}

function codeIn(text: string): string {
  try {
    return (JSON.parse(text) as { error: { code: string } }).error.code
  } catch {
    return 'unreadable'
  }
}

function usageIn(text: string): Outcome['usage'] {
  const { usage } = JSON.parse(text) as {
    usage: { prompt_tokens: number; completion_tokens: number; prompt_tokens_details?: { cached_tokens?: number } }
  }
  return {
    input_tokens: usage.prompt_tokens,
    cached_input_tokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    output_tokens: usage.completion_tokens,
  }
}

/** The same sequence for the same seed (mulberry32). */
export function createChance(seed: number): Chance {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000
  }
}
