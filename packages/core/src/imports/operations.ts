import type { TenantTx } from '@stipend/db'
import { imports, tenants } from '@stipend/db/schema'
import { and, eq } from 'drizzle-orm'
import type { z } from 'zod'
import { type Actor, actorId, may } from '../actor.ts'
import { DomainError, invalidField, notFound } from '../errors.ts'
import { requireLocation, seesEverything } from '../members/scope.ts'
import { type Call, command, query } from '../operation.ts'
import { decodeCursor, encodeCursor, pageOf } from '../page.ts'
import { applyPlan } from './apply.ts'
import { readUploads } from './decode.ts'
import { forgetOldDrafts } from './drafts.ts'
import {
  CreateImport,
  Import,
  ImportRef,
  ImportRow,
  ListImportRows,
  RunImport,
  type Settings,
  type Summary,
  UpdateImport,
} from './import.ts'
import { guessMapping, looksLikeHeader } from './mapping.ts'
import { type Plan, planImport } from './plan.ts'
import { type Context, formatOf, rosterOfCsv, rosterOfSdsV1, rosterOfSdsV2 } from './roster.ts'
import { readState } from './state.ts'
import { readTable, type Table } from './table.ts'

type Row = typeof imports.$inferSelect
type Asked = Pick<Call<'tenant', unknown>, 'tx' | 'actor' | 'newId' | 'now'>
/** What is kept of an applied import: what came of it, and who was left out. */
type Result = { summary: Summary; fingerprint: string; skipped: ImportRow[]; files: Import['files'] }

const SAMPLES = 4

/** How far an import has come, while it is written: what its transaction has done is seen by nobody else until it is over. */
const PROGRESS = new Map<string, { done: number; total: number }>()

export const create = command({
  name: 'imports.create',
  permission: 'members:write',
  summary: 'Add and change many people from CSV files. Says first, row by row, what it would do.',
  input: CreateImport,
  output: Import,
  errors: ['not_found', 'conflict'],
  handle: async (call) => {
    const { tx, input, now, newId, actor } = call
    const tables = readUploads(
      input.files.map(({ name, content_base64 }) => ({ name, bytes: Buffer.from(content_base64, 'base64') })),
    ).map(readTable)
    const settings = await checkedSettings(call, {
      ...guessed(tables, await kindOfTenant(tx)),
      ...defined(input.settings),
    })
    await forgetOldDrafts(tx, now)
    const id = newId('import')
    const [row] = await tx
      .insert(imports)
      .values({ id, created_by: actorId(actor), created_at: now.toISOString(), files: tables, settings })
      .returning()
    if (row === undefined) throw new Error('the import just made is not there')
    if (!input.dry_run) return applyRow(call, row, undefined)
    const output = await viewOf(call, row)
    return { output, audit: { target_id: id, after: { files: output.files, summary: counted(output.summary) } } }
  },
})

export const get = query({
  name: 'imports.get',
  permission: 'members:read',
  summary: 'An import: how its files are read, and what it would do now or did.',
  input: ImportRef,
  output: Import,
  errors: ['not_found'],
  handle: async (call) => viewOf(call, await findImport(call.tx, call.actor, call.input.id)),
})

export const listRows = query({
  name: 'imports.list_rows',
  permission: 'members:read',
  summary: 'The rows of an import with what happens to each and why; of an applied one, those that were left out.',
  input: ListImportRows,
  output: pageOf(ImportRow),
  errors: ['not_found'],
  handle: async (call) => {
    const { tx, actor, input } = call
    const row = await findImport(tx, actor, input.id)
    const all = row.status === 'applied' ? (row.result as Result).skipped : (await planOf(call, row)).rows
    const rows = input.outcome === undefined ? all : all.filter((one) => one.outcome === input.outcome)
    const from = input.cursor === undefined ? 0 : Number(decodeCursor(input.cursor, 1)[0])
    if (!Number.isSafeInteger(from) || from < 0) throw invalidField('cursor', 'This cursor is not one of ours.')
    const to = from + input.limit
    return { data: rows.slice(from, to), next_cursor: to < rows.length ? encodeCursor([String(to)]) : null }
  },
})

export const update = command({
  name: 'imports.update',
  permission: 'members:write',
  summary: 'Correct how the files of an import are read, and what it may do.',
  input: UpdateImport,
  output: Import,
  errors: ['not_found', 'conflict'],
  handle: async (call) => {
    const { tx, actor, input } = call
    const row = await findImport(tx, actor, input.id, 'update')
    refuseApplied(row)
    const settings = await checkedSettings(call, { ...(row.settings as Settings), ...defined(input.settings) })
    await tx.update(imports).set({ settings }).where(eq(imports.id, row.id))
    return { output: await viewOf(call, { ...row, settings }), audit: [] }
  },
})

export const run = command({
  name: 'imports.run',
  permission: 'members:write',
  summary: 'Do what an import says, all of it or nothing. The same file once more changes nothing.',
  input: RunImport,
  output: Import,
  errors: ['not_found', 'conflict'],
  handle: async (call) => {
    const row = await findImport(call.tx, call.actor, call.input.id, 'update')
    // A second click finds it done.
    if (row.status === 'applied') return { output: await viewOf(call, row), audit: [] }
    return applyRow(call, row, call.input.fingerprint)
  },
})

async function applyRow(call: Asked, row: Row, fingerprint: string | undefined) {
  const { tx, now } = call
  // One import of a tenant at a time: two with the same people would both add them.
  await tx.select({ id: tenants.id }).from(tenants).for('no key update')
  const plan = await planOf(call, row)
  if (fingerprint !== undefined && fingerprint !== plan.fingerprint) {
    throw new DomainError('conflict', 'People have changed since this preview. Look at it once more.')
  }
  try {
    await applyPlan(tx, plan, now, (done, total) => PROGRESS.set(row.id, { done, total }))
  } finally {
    PROGRESS.delete(row.id)
  }
  const skipped = plan.rows.filter((one) => one.outcome === 'skip')
  const files = filesOf(row.files as Table[])
  const result: Result = { summary: plan.summary, fingerprint: plan.fingerprint, skipped, files }
  const done = { ...row, files: null, status: 'applied' as const, result, applied_at: now.toISOString() }
  await tx
    .update(imports)
    .set({ files: null, status: done.status, result, applied_at: done.applied_at })
    .where(eq(imports.id, row.id))
  const after = {
    ...counted(plan.summary),
    files: files.map((one) => one.name),
    added: plan.added.map((one) => one.id),
    changed: plan.rows.flatMap((one) =>
      one.outcome === 'change' ? [{ id: one.member_id, changes: one.changes }] : [],
    ),
    deactivated: plan.deactivated,
  }
  return { output: await viewOf(call, done), audit: { target_id: row.id, after } }
}

function refuseApplied(row: Row): void {
  if (row.status === 'applied') throw new DomainError('conflict', 'This import is done. Start a new one.')
}

/** Of those who don't see everything, each sees their own. */
async function findImport(tx: TenantTx, actor: Actor, id: string, lock?: 'update'): Promise<Row> {
  const mine = seesEverything(actor) ? undefined : eq(imports.created_by, actorId(actor))
  const found = tx
    .select()
    .from(imports)
    .where(and(eq(imports.id, id), mine))
  const [row] = await (lock === undefined ? found : found.for(lock))
  if (row === undefined) throw notFound('import')
  return row
}

async function kindOfTenant(tx: TenantTx): Promise<'school' | 'company'> {
  const [tenant] = await tx.select({ kind: tenants.kind }).from(tenants)
  return tenant?.kind ?? 'school'
}

function guessed(tables: readonly Table[], kind: 'school' | 'company'): Settings {
  const rows = tables[0]?.rows ?? []
  const has_header = looksLikeHeader(rows[0] ?? [])
  return {
    has_header,
    mapping: formatOf(tables) === 'csv' ? guessMapping(rows, has_header) : {},
    default_kind: kind === 'company' ? 'employee' : 'student',
    default_location_id: null,
    email_domain: null,
    deactivate_missing: false,
    reactivate: false,
    replace_groups: false,
  }
}

async function checkedSettings({ tx, actor }: Asked, settings: Settings): Promise<Settings> {
  const isCompany = (await kindOfTenant(tx)) === 'company'
  if (isCompany !== (settings.default_kind === 'employee')) {
    throw invalidField(
      'settings.default_kind',
      isCompany ? 'A company has employees.' : 'A school has students and staff.',
    )
  }
  if (settings.default_location_id !== null) await requireLocation(tx, actor, settings.default_location_id)
  return settings
}

async function planOf({ tx, actor, newId }: Asked, row: Row): Promise<Plan> {
  const tables = (row.files ?? []) as Table[]
  const settings = row.settings as Settings
  const context: Context = { tenantKind: await kindOfTenant(tx), settings }
  const format = formatOf(tables)
  const roster =
    format === 'csv'
      ? rosterOfCsv(tables, settings.mapping, context)
      : (format === 'sds_v1' ? rosterOfSdsV1 : rosterOfSdsV2)(tables, context)
  const state = await readState(tx, actor, roster, settings.deactivate_missing)
  return planImport(roster, state, context, {
    newLocations: may(actor, 'locations:write'),
    newGroups: may(actor, 'groups:write'),
    isConfined: !seesEverything(actor),
    newId,
  })
}

async function viewOf(call: Asked, row: Row): Promise<z.input<typeof Import>> {
  const { id, created_at, applied_at, status } = row
  const settings = row.settings as Settings
  const common = { id, status, settings, created_at, applied_at, progress: PROGRESS.get(id) ?? null }
  if (row.status === 'applied') {
    const { summary, fingerprint, files } = row.result as Result
    return { ...common, format: 'csv', files, columns: [], summary, fingerprint }
  }
  const tables = (row.files ?? []) as Table[]
  const plan = await planOf(call, row)
  const first = tables[0]?.rows ?? []
  const body = settings.has_header ? first.slice(1) : first
  const columns = Array.from({ length: Math.max(0, ...first.slice(0, 50).map((one) => one.length)) }, (_, index) => ({
    index,
    header: settings.has_header ? (first[0]?.[index] ?? '') : '',
    samples: body.slice(0, SAMPLES).map((one) => one[index] ?? ''),
  }))
  return {
    ...common,
    format: formatOf(tables),
    files: filesOf(tables),
    columns,
    summary: plan.summary,
    fingerprint: plan.fingerprint,
  }
}

function filesOf(tables: readonly Table[]): Import['files'] {
  return tables.map(({ name, encoding, delimiter, rows }) => ({ name, encoding, delimiter, rows: rows.length }))
}

function counted({ new_locations, new_groups: _, ...counts }: Summary) {
  return { ...counts, new_locations: new_locations.length }
}

function defined<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}
