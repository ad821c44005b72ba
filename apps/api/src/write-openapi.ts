import { writeFileSync } from 'node:fs'
import { openApiText } from './docs.ts'

// `openapi.json` is committed so that a change of the API is seen in a diff. A test fails until this has been run again.
writeFileSync(new URL('../openapi.json', import.meta.url), openApiText())
