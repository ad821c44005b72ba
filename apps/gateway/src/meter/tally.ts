import { countText } from '../tokens.ts'

/** Text longer than this is counted once, and only what came after it again. */
const PIECE_LENGTH = 2_048

/** Text that grows, and how many tokens it has. */
export class Tally {
  #text = ''
  #counted = 0
  #tokens = 0

  get text(): string {
    return this.#text
  }

  add(text: string): void {
    this.#text += text
  }

  tokens(): number {
    const text = this.#text
    // Tokens don't reach across a space: what is before the last one is counted for good.
    const space = text.lastIndexOf(' ')
    if (space - this.#counted > PIECE_LENGTH) {
      this.#tokens += countText(text.slice(this.#counted, space))
      this.#counted = space
    }
    return this.#tokens + countText(text.slice(this.#counted))
  }
}
