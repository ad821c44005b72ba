import fs from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { type DataDir, parseJson, writePrivately } from './data-dir.ts'

const DemoTenant = z.strictObject({
  id: z.string(),
  slug: z.string(),
  kind: z.enum(['school', 'company']),
  owner: z.strictObject({ email: z.string(), password: z.string() }),
  service_token: z.string(),
  members: z.array(z.strictObject({ id: z.string(), email: z.string(), password: z.string().optional() })),
  keys: z.array(z.strictObject({ id: z.string(), secret: z.string(), budget_usd: z.string().nullable() })),
  /** A class that was at work when the demo was made. */
  lesson: z.strictObject({ group_id: z.string(), ends_at: z.iso.datetime(), secrets: z.array(z.string()) }).optional(),
})
export type DemoTenant = z.infer<typeof DemoTenant>

/** What a program needs to drive the demo, and the only place its secrets can be read back from. */
export const DemoFile = z.strictObject({
  console_url: z.url(),
  /** Ends in `/v1`. */
  gateway_url: z.url(),
  api_url: z.url(),
  /** Of a role that may look at everything. */
  database_url: z.url(),
  sandbox_provider_url: z.url(),
  tenants: z.array(DemoTenant),
})
export type DemoFile = z.infer<typeof DemoFile>

const draftFile = (dir: DataDir) => path.join(dir.root, 'demo.draft.json')
const previousFile = (dir: DataDir) => path.join(dir.root, 'demo.previous.json')

/**
 * The demo whose tenants are in the database, or null. A data folder may have been used with another database before: that one's
 * demo is set aside, not lost.
 */
export function findDemo(dir: DataDir, tenantIds: readonly string[]): DemoFile | null {
  for (const file of [dir.demo_file, draftFile(dir), previousFile(dir)]) {
    const demo = readDemo(file)
    if (demo !== null && isOf(demo, tenantIds)) return demo
  }
  return null
}

/** Before the demo is made. Found empty at the next start, it was cut off: its passwords are known to nobody. */
export function beginDraft(dir: DataDir): void {
  writePrivately(draftFile(dir), '')
}

/** Once the demo is made: its secrets are safe, but nothing runs yet that the file could be used with. */
export function keepDraft(dir: DataDir, demo: DemoFile): void {
  writePrivately(draftFile(dir), JSON.stringify(demo))
}

export function wasCutOff(dir: DataDir): boolean {
  return fs.existsSync(draftFile(dir)) && readDemo(draftFile(dir)) === null
}

/** Once everything runs. */
export function writeDemo(dir: DataDir, demo: DemoFile): void {
  const before = readDemo(dir.demo_file)
  const isAnother = before !== null && before.tenants.length > 0 && before.tenants[0]?.id !== demo.tenants[0]?.id
  if (isAnother) fs.renameSync(dir.demo_file, previousFile(dir))
  writePrivately(dir.demo_file, `${JSON.stringify(DemoFile.parse(demo), null, 2)}\n`)
  fs.rmSync(draftFile(dir), { force: true })
}

function readDemo(file: string): DemoFile | null {
  if (!fs.existsSync(file)) return null
  return DemoFile.safeParse(parseJson(fs.readFileSync(file, 'utf8'))).data ?? null
}

function isOf(demo: DemoFile, tenantIds: readonly string[]): boolean {
  return demo.tenants.length > 0 && demo.tenants.every((tenant) => tenantIds.includes(tenant.id))
}
