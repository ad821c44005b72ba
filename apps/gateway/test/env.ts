import { fileURLToPath } from 'node:url'

/** The folder of what was recorded of real providers, and of their own documents. It may be absent. */
export const FIXTURES =
  process.env.STIPEND_FIXTURES ?? fileURLToPath(new URL('../../../../shared/fixtures', import.meta.url))
