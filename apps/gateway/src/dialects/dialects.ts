import type { Dialect } from '@stipend/core'
import type { AskDialect } from './ask.ts'
import { chat } from './chat.ts'
import { completions } from './completions.ts'
import { embeddings } from './embeddings.ts'
import { messages } from './messages.ts'
import { responses } from './responses.ts'

export const ASKS: Record<Dialect, AskDialect> = { chat, completions, embeddings, responses, messages }

/** How people know a dialect: by where it is. */
export const PATH_OF: Record<Dialect, string> = {
  chat: '/v1/chat/completions',
  completions: '/v1/completions',
  embeddings: '/v1/embeddings',
  responses: '/v1/responses',
  messages: '/v1/messages',
}
