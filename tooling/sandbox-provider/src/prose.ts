import { withoutMarkers } from './behaviour.ts'
import { memo } from './memo.ts'

/** What a question is about, and how long an answer it asks for. All that a sandbox model understands of it. */
export type Topic = { readonly about: string; readonly words: number | undefined; readonly tokens: number | undefined }

const ABOUT_MAX = 80
const LENGTH_MIN = 16
const LENGTH_MAX = 30_000

export const topicOf = memo(8_000_000, (question): Topic => {
  const asked = plainPart(question)
  const about = [...asked].slice(0, ABOUT_MAX).join('').trim()
  const length = (unit: RegExp) => {
    const found = Number(unit.exec(asked)?.[1]?.replaceAll(/[,.']/g, ''))
    // "These two words" doesn't ask for an answer of two words.
    return found >= LENGTH_MIN ? Math.min(LENGTH_MAX, found) : undefined
  }
  return {
    about: about.length < asked.length ? `${about}…` : about,
    words: length(/\b(\d[\d,.']{0,6})[\s-]+words?\b/i),
    tokens: length(/\b(\d[\d,.']{0,6})[\s-]+tokens?\b/i),
  }
})

const LOOKED_AT = 4_000

/** The beginning and end of what a person wrote, without the blocks that coding tools wrap around it. Long pastes aren't read. */
export function plainPart(question: string): string {
  const bare = withoutMarkers(question)
  const part = bare.length <= 2 * LOOKED_AT ? bare : `${bare.slice(0, LOOKED_AT)} ${bare.slice(-LOOKED_AT)}`
  return part
    .replaceAll(/<([a-z][\w-]*)>[\s\S]*?<\/\1>/g, ' ')
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .toWellFormed()
    .trim()
}

/** A text about the topic with at least so many words. The same topic and variant give the same text. */
export function prose({ about }: Topic, wordsMin: number, variant: number): string {
  const opening =
    about === ''
      ? 'This is the sandbox model. There was no question, so here is some general advice.'
      : `This is the sandbox model, answering “${about}”.`
  const start = (seedOf(about) + variant * 5) % ADVICE.length
  const paragraphs: string[] = []
  let words = wordCount(opening)
  for (let next = 0; next < SENTENCES_MIN || words < wordsMin; next += 1) {
    const sentence = ADVICE[(start + next) % ADVICE.length] as string
    if (next % 4 === 0) paragraphs.push(sentence)
    else paragraphs[paragraphs.length - 1] += ` ${sentence}`
    words += wordCount(sentence)
  }
  return `${opening}\n\n${paragraphs.join('\n\n')}`
}

/** The first so many words of `text`, as a sentence. */
export function firstWords(text: string, words: number): string {
  const found = [...text.matchAll(/\S+/g)]
  const last = found[words - 1]
  if (last === undefined || found.length === words) return text
  return `${text.slice(0, last.index + last[0].length).replace(/[.,;:]$/, '')}.`
}

/** What a reasoning model thinks before it answers; at least so many words. */
export function reasoning({ about }: Topic, wordsMin: number): string {
  const thought = `The user asks about “${about}”. I look at what is known, what is missing, and what would help most. `
  return thought.repeat(Math.ceil(wordsMin / wordCount(thought)) || 1).trimEnd()
}

export function seedOf(text: string): number {
  let seed = 0
  for (let at = 0; at < text.length; at += 1) seed = (Math.imul(seed, 31) + text.charCodeAt(at)) >>> 0
  return seed
}

function wordCount(text: string): number {
  return text.match(/\S+/g)?.length ?? 0
}

const SENTENCES_MIN = 3
const ADVICE: readonly string[] = [
  'Start with the part you understand best and write down what it should do.',
  'A small example that runs is worth more than a long plan.',
  'Change one thing at a time, and look at the result before the next step.',
  'Name things after what they mean, so that the next reader needs no explanation.',
  'If two parts disagree, find out which one is right before you make them equal.',
  'Give every number a unit and every date a time zone.',
  'Read the error message to its end; the last line often says what to do.',
  'Write the test first when you already know what the answer should be.',
  'When a sentence needs three commas, it is usually two sentences.',
  'Draw the data before you draw the boxes around it.',
  'Keep what you measured apart from what you guessed.',
  'A good summary says what changed, why it changed, and what is still open.',
  'Ask what happens when the list is empty, and when it has a million entries.',
  'Explain it to someone who was not there, and note where you had to stop.',
  'Prefer the boring solution; save your cleverness for the problem itself.',
  'Check the first and the last element, because that is where mistakes live.',
  'Compare at least two sources before you repeat a fact.',
  'If you copy it a third time, give it a name and a place of its own.',
  'Leave out every step that would not be missed.',
  'Estimate the result before you calculate it, then compare the two.',
  'Save your work before you try the idea that might not work.',
  'Say what the code is for; what it does can be read.',
  'Take a break when the same line has been wrong three times.',
]
