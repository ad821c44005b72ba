import { writeFileSync } from 'node:fs'
import path from 'node:path'
import postgres from 'postgres'
import { dumpSchema } from './dump.ts'
import { TEMPLATE_DATABASE } from './testing.ts'
import { startTestCluster } from './testing-setup.ts'

const { adminUrl, stop } = await startTestCluster()
const template = new URL(adminUrl)
template.pathname = `/${TEMPLATE_DATABASE}`
const client = postgres(template.href, { max: 1 })
try {
  writeFileSync(path.join(import.meta.dirname, '../schema.sql'), await dumpSchema(client))
} finally {
  await client.end()
  await stop()
}
