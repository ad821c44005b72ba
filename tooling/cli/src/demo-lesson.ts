import { setTimeout as sleep } from 'node:timers/promises'
import { DEMO_MODELS } from './demo-data.ts'
import type { DemoTenant } from './demo-file.ts'

const PAUSE_MS_MIN = 1_500
const PAUSE_MS_MAX = 5_000
/** Some sit and think: these many of the class ask nothing. */
const IDLE = 4
const QUESTIONS = [
  'Why does my flexbox not center this card?',
  'Make the navigation stick to the top when I scroll.',
  'Explain what a media query is, with an example.',
  'Write a form with a name and an e-mail address, and check both.',
  'My image is wider than the phone. What do I do?',
]

/**
 * Lets the pupils of the demo's lesson ask something now and then, through the gateway as their tools would, so that who watches the
 * lesson sees a class at work. Ends with the lesson or by the signal; what is refused is part of it.
 */
export async function keepLessonGoing(
  { gateway_url, lesson }: { gateway_url: string; lesson: NonNullable<DemoTenant['lesson']> },
  signal: AbortSignal,
): Promise<void> {
  const pupils = lesson.secrets.slice(0, Math.max(lesson.secrets.length - IDLE, 1))
  const endsAt = Date.parse(lesson.ends_at)
  while (!signal.aborted && Date.now() < endsAt) {
    await ask(gateway_url, chosen(pupils), signal).catch(() => {})
    const pause = PAUSE_MS_MIN + Math.random() * (PAUSE_MS_MAX - PAUSE_MS_MIN)
    await sleep(pause, undefined, { signal, ref: false }).catch(() => {})
  }
}

async function ask(gateway_url: string, secret: string, signal: AbortSignal): Promise<void> {
  const content = chosen(QUESTIONS)
  const body = { model: DEMO_MODELS[1].name, max_tokens: 400, messages: [{ role: 'user', content }] }
  const answer = await fetch(`${gateway_url}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  })
  await answer.arrayBuffer()
}

function chosen<Item>(items: readonly Item[]): Item {
  const item = items[Math.floor(Math.random() * items.length)]
  if (item === undefined) throw new Error('nothing to choose from')
  return item
}
