import { chunked } from './chat.ts'
import { textIn } from './json.ts'

/** The older completions of plain text. */
export const completions = chunked({
  object: 'text_completion',
  prefix: 'cmpl',
  openings: [],
  textOf: (choice) => textIn(choice.text),
  lastChoice: (index) => ({ index, text: '', logprobs: null, finish_reason: 'length' }),
})
