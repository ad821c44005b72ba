import { callKey, type Prompt } from './prompt.ts'
import type { Segment } from './prompt-cache.ts'
import { countTokens } from './tokens.ts'

/** What each turn costs beside its parts, and what the answer's beginning costs. */
const TURN_TOKENS = 3
const ANSWER_TOKENS = 3
/** An image, audio or file, whatever its size. */
const ATTACHMENT_TOKENS = 85

export type Conversation = Pick<Prompt, 'segments' | 'extraTokens' | 'question' | 'last' | 'toolResult' | 'called'> & {
  /** How many segments come before the last mark. */
  markedSegments: number | undefined
}

/**
 * Takes a conversation down as a provider reads it, and counts it; README.md has the formula. Every string is counted by itself, special
 * tokens as the plain text they are, long runs as `countTokens` says.
 */
export class Transcript {
  readonly #segments: Segment[] = []
  readonly #called = new Set<string>()
  #question = ''
  #toolResult = ''
  #last: Conversation['last'] = 'other'
  #marked: number | undefined

  /** The tools on offer, as they were sent. */
  offer(tools: readonly unknown[]): void {
    if (tools.length > 0) this.say(JSON.stringify(tools))
  }

  /** A turn begins: a message, or what stands in a message's place. */
  begin(role: string): void {
    this.#segments.push({ text: role, tokens: TURN_TOKENS + countTokens(role) })
    // Instructions amid a conversation don't take a turn.
    if (role === 'assistant') this.#last = 'other'
  }

  say(text: string): void {
    this.#segments.push({ text, tokens: countTokens(text) })
  }

  /** `identity` tells one from another when prompts are compared; it isn't counted. */
  attach(identity: string): void {
    this.#segments.push({ text: identity, tokens: ATTACHMENT_TOKENS })
  }

  call(name: string, input: string): void {
    this.say(name)
    this.say(input)
    this.#called.add(callKey(name, input))
  }

  /** What the user said in this turn is what the model is to answer. */
  asked(question: string): void {
    this.#question = question
    this.#last = 'user'
  }

  /** What a tool gave, in this turn. */
  resulted(text: string): void {
    this.#toolResult = text
    this.#last = 'tool'
  }

  /** Everything so far is to be kept for the next prompt. */
  mark(): void {
    this.#marked = this.#segments.length
  }

  done(): Conversation {
    return {
      segments: this.#segments,
      extraTokens: ANSWER_TOKENS,
      question: this.#question,
      last: this.#last,
      toolResult: this.#toolResult,
      called: this.#called,
      markedSegments: this.#marked,
    }
  }
}
