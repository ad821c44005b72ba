import type { Dialect } from '@stipend/core'
import type { AskDialect } from './ask.ts'
import { chat } from './chat.ts'
import { completions } from './completions.ts'
import { embeddings } from './embeddings.ts'
import { messages } from './messages.ts'
import { responses } from './responses.ts'

export const ASKS: Record<Dialect, AskDialect> = { chat, completions, embeddings, responses, messages }
