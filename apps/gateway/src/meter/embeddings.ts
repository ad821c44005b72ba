import { completions } from './completions.ts'
import type { DialectRules } from './dialect.ts'
import { readOpenAI } from './figures.ts'

/** Embeddings have no output to pay for, and never stream. */
export const embeddings: DialectRules = {
  ...completions,
  read: (figures) => readOpenAI(figures, { hasOutput: false }),
}
