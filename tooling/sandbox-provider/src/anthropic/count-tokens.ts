import { type Dialect, noFrames } from '../dialect.ts'
import { inputTokens } from '../prompt.ts'
import { messages, readPrompt } from './messages.ts'

/** `POST /v1/messages/count_tokens`: what a message would be billed for its input. */
export const countTokensDialect: Dialect = {
  ...messages,
  path: '/v1/messages/count_tokens',
  isFree: true,
  read: (body) => ({ ...readPrompt(body), stream: false, choices: 0 }),
  whole: ({ prompt }) => JSON.stringify({ input_tokens: inputTokens(prompt) }),
  frames: noFrames,
}
