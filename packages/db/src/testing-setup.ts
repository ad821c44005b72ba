import { mkdtempSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import postgres from 'postgres'
import type { TestProject } from 'vitest/node'
import { prepareDatabase } from './admin.ts'
import { removeEmbedded, startEmbedded } from './embedded.ts'
import { TEMPLATE_DATABASE } from './testing.ts'

/** One server for the whole test run, with a migrated template that each test file clones. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await startTestCluster()
  project.provide('testCluster', { adminUrl: cluster.adminUrl, appPassword: cluster.appPassword })
  return cluster.stop
}

/** Not for data that matters: it doesn't wait for the disk. */
export async function startTestCluster() {
  const dataDir = path.join(mkdtempSync(path.join(os.tmpdir(), 'stipend-test-')), 'postgres')
  const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
  const { url: adminUrl } = await startEmbedded({ dataDir, port: 0, settings })
  const appPassword = 'only-for-tests'
  const admin = postgres(adminUrl, { max: 1, onnotice: () => {} })
  await admin.unsafe(`create database ${TEMPLATE_DATABASE}`)
  await admin.end()
  const template = new URL(adminUrl)
  template.pathname = `/${TEMPLATE_DATABASE}`
  await prepareDatabase(template.href, { appPassword })
  return { adminUrl, appPassword, stop: () => removeEmbedded({ dataDir }) }
}
