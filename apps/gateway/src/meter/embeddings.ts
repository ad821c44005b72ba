import { chunked } from './chat.ts'
import type { DialectRules } from './dialect.ts'
import { readOpenAI } from './figures.ts'

/** Embeddings have no output to pay for, and never stream. */
export const embeddings: DialectRules = {
  ...chunked({ object: 'list', prefix: 'embd', openings: [], textOf: () => '', lastChoice: (index) => ({ index }) }),
  read: (figures) => readOpenAI(figures, { hasOutput: false }),
}
