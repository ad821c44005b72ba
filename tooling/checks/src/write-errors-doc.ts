import fs from 'node:fs'
import path from 'node:path'
import { errorsDoc } from './docs.ts'
import { ROOT } from './tree.ts'

fs.writeFileSync(path.join(ROOT, 'docs/errors.md'), errorsDoc())
