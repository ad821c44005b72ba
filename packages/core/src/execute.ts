import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { allTenants, type Database, withPlatform, withTenant } from '@stipend/db'
import { audit_entries, idempotency_keys } from '@stipend/db/schema'
import { and, eq, lt } from 'drizzle-orm'
import type { z } from 'zod'
import { type Actor, actorId, may, ownerOf } from './actor.ts'
import { DomainError, type FieldError } from './errors.ts'
import { newId } from './id.ts'
import type { AnyOperation, AuditNote, Given, Outside, OwnerTx, Reach, RequestFacts } from './operation.ts'
import type { MasterKeys } from './providers/credential.ts'

/** What executing an operation needs. `given` holds chance and time still in tests. */
export type Dependencies = {
  database: Database
  given?: Partial<Given>
  /** For operations that seal or open credentials. */
  masterKeys?: MasterKeys
  /** For operations that ask the network. */
  reach?: Reach
  /** For operations that carry something out beyond the database. */
  outside?: Outside | undefined
}

export type ExecuteOptions = {
  request: RequestFacts
  /** The caller's Idempotency-Key. The same key with the same input answers as the first time, without doing it again. */
  idempotency_key?: string | undefined
}

export type Executed<Output> = { output: Output; replayed: boolean }

/**
 * The one way to run an operation, whatever door it came through: permission, input, one transaction with its tenant, audit,
 * idempotency, output, and then what is to be done outside of the database. Throws DomainError; anything else that went wrong becomes `internal` with the truth in `cause`.
 */
export async function execute<O extends AnyOperation>(
  operation: O,
  dependencies: Dependencies,
  actor: Actor,
  input: unknown,
  options: ExecuteOptions,
): Promise<Executed<z.output<O['output']>>> {
  if (!may(actor, operation.permission)) throw refusal(actor)
  const parsed = operation.input.safeParse(input)
  if (!parsed.success) throw invalid(parsed.error)

  const masterKeys = () => {
    if (dependencies.masterKeys === undefined) throw new Error('this process has no master key')
    return dependencies.masterKeys
  }
  const given: Given = { now: new Date(), newId, randomBytes, masterKeys, ...dependencies.given }
  const { database, outside } = dependencies
  const call = { ...given, actor, input: parsed.data, request: options.request, outside }
  try {
    const owner = ownerIn(operation, actor)
    const before = await beforehand(operation, dependencies, { ...call, owner })
    // Answers are kept for repeated requests where they are a tenant's.
    const key = owner === null ? undefined : options.idempotency_key
    const work = async (tx: OwnerTx) => perform(operation, { ...call, before, tx }, key)
    const done = await tried(() => within(database, owner, operation.kind === 'query', work))
    if (operation.kind === 'query' || operation.carry_out === undefined) return done
    const output = await operation.carry_out({ ...call, database, output: done.output })
    return { ...done, output: parseOutput(operation, output) as z.output<O['output']> }
  } catch (error) {
    throw asDomainError(error)
  }
}

/** Whose rows an operation sees: a tenant's, by its id, or the platform's, null. */
function ownerIn(operation: AnyOperation, actor: Actor): string | null {
  if (operation.scope === 'platform') return null
  const owner = ownerOf(actor)
  if (actor.kind === 'anonymous' || (owner === null && operation.scope === 'tenant')) throw refusal(actor)
  return owner
}

function within<T>(database: Database, owner: string | null, isReadOnly: boolean, work: (tx: OwnerTx) => Promise<T>) {
  const config = isReadOnly ? ({ accessMode: 'read only' } as const) : undefined
  return owner === null ? withPlatform(database, work, config) : withTenant(database, owner, work, config)
}

/** Two transactions that wait for each other, or that can't have happened one after the other: one is undone, and may be done again. */
const IN_CONFLICT = new Set(['40P01', '40001'])
const TRIES_MAX = 4
const PAUSE_MS = 20

/** Does a whole transaction again if another one stood in its way: nothing of it has happened. */
async function tried<T>(transact: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await transact()
    } catch (error) {
      if (tries === TRIES_MAX || !IN_CONFLICT.has(databaseCode(error) ?? '')) throw error
      await sleep(PAUSE_MS * tries)
    }
  }
}

/** What a command does before its transaction. Nothing of it is done again when the transaction is. */
async function beforehand(
  operation: AnyOperation,
  { database, reach }: Dependencies,
  { owner, ...call }: Given & { actor: Actor; owner: string | null; input: unknown },
): Promise<unknown> {
  if (operation.kind === 'query' || operation.before === undefined) return undefined
  if (reach === undefined) throw new Error('this process may not ask the network')
  const read = <T>(work: (tx: OwnerTx) => Promise<T>) => within(database, owner, true, work)
  return operation.before({ ...call, read, reach })
}

// biome-ignore lint/suspicious/noExplicitAny: one path for operations of every shape; input and output are parsed by them
async function perform(operation: AnyOperation, call: any, key: string | undefined): Promise<Executed<any>> {
  if (operation.kind === 'query') {
    return { output: parseOutput(operation, await operation.handle(call)), replayed: false }
  }
  // What a command asks beforehand is asked anew each time, and its answer is not kept.
  const slot = key === undefined || operation.before !== undefined ? null : await claim(operation, call, key)
  if (slot?.output !== undefined && slot.output !== null) {
    return { output: parseOutput(operation, slot.output), replayed: true }
  }
  const { output, audit } = await operation.handle(call)
  const parsed = parseOutput(operation, output)
  await record(operation, call, Array.isArray(audit) ? audit : [audit])
  if (slot !== null) await slot.keep(withoutSecrets(operation, parsed as object))
  return { output: parsed, replayed: false }
}

// A mistake here is ours, not the caller's: it must undo the transaction and not leak the row.
function parseOutput(operation: AnyOperation, output: unknown): unknown {
  const parsed = operation.output.safeParse(output)
  if (!parsed.success) throw new Error(`${operation.name} answered what it doesn't declare`, { cause: parsed.error })
  return parsed.data
}

type CommandCall = Given & { tx: OwnerTx; actor: Actor; input: unknown; request: RequestFacts }

async function record(operation: AnyOperation, call: CommandCall, notes: AuditNote[]): Promise<void> {
  // A statement takes 65,535 parameters at most.
  for (let from = 0; from < notes.length; from += 1000)
    await insertNotes(operation, call, notes.slice(from, from + 1000))
}

async function insertNotes(operation: AnyOperation, call: CommandCall, notes: AuditNote[]): Promise<void> {
  await call.tx.insert(audit_entries).values(
    notes.map((note) => ({
      id: call.newId('audit'),
      actor_kind: call.actor.kind,
      actor_id: actorId(call.actor),
      operation: operation.name,
      target_id: note.target_id,
      before: note.before ?? null,
      after: note.after ?? null,
      ip: call.request.ip,
      request_id: call.request.request_id,
    })),
  )
}

/**
 * Takes an idempotency key in the transaction of the command itself. Two requests at once with one key wait for each other on
 * the inserted row; the second then finds the first one's answer.
 */
async function claim(operation: AnyOperation, call: CommandCall, key: string) {
  const actor_id = actorId(call.actor)
  const input_hash = createHash('sha256').update(canonical(call.input)).digest()
  const mine = and(eq(idempotency_keys.actor_id, actor_id), eq(idempotency_keys.key, key))
  const inserted = await call.tx
    .insert(idempotency_keys)
    .values({ actor_id, key, operation: operation.name, input_hash })
    .onConflictDoNothing()
    .returning({ key: idempotency_keys.key })
  const keep = async (output: object) => {
    await call.tx.update(idempotency_keys).set({ output }).where(mine)
  }
  if (inserted.length > 0) return { output: null, keep }

  const [earlier] = await call.tx.select().from(idempotency_keys).where(mine)
  if (earlier === undefined || earlier.operation !== operation.name || !earlier.input_hash.equals(input_hash)) {
    throw new DomainError(
      'idempotency_key_reused',
      'This Idempotency-Key was used for another request. Use a new one for each request, and the same only to repeat one.',
    )
  }
  return { output: earlier.output, keep }
}

/** How long a request may be repeated with its Idempotency-Key: a day, and an hour for whoever is on the way. */
const ANSWERS_KEPT_MS = 25 * 60 * 60 * 1000

/** Forgets the answers that were kept for repeated requests, once nobody may count on them any more. */
export async function forgetAnswers(database: Database, now: Date): Promise<void> {
  const before = new Date(now.getTime() - ANSWERS_KEPT_MS).toISOString()
  for (const { id } of await allTenants(database)) {
    await withTenant(database, id, (tx) => tx.delete(idempotency_keys).where(lt(idempotency_keys.created_at, before)))
  }
}

/** Wherever in the output such a field stands, its value becomes null. */
function withoutSecrets(operation: AnyOperation, output: object): object {
  const hidden = new Set(operation.kind === 'command' ? (operation.secret_fields ?? []) : [])
  return JSON.parse(JSON.stringify(output, (field, value: unknown) => (hidden.has(field) ? null : value)))
}

/** JSON with sorted keys, so that the order in which a client writes its fields doesn't matter. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}

function refusal(actor: Actor): DomainError {
  return actor.kind === 'anonymous'
    ? new DomainError('unauthenticated', 'Sign in, or send a service token.')
    : new DomainError('forbidden', 'You are not allowed to do this. Ask an owner of your organisation.')
}

function invalid(error: z.ZodError): DomainError {
  const fields: FieldError[] = error.issues.flatMap((issue) => {
    const path = issue.path.join('.')
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: path === '' ? key : `${path}.${key}`,
        message: 'There is no such field. Check its spelling.',
      }))
    }
    return [{ path, message: issue.message }]
  })
  const first = fields[0]
  const where = first === undefined || first.path === '' ? '' : `${first.path}: `
  const details = { fields, ...(first === undefined || first.path === '' ? {} : { param: first.path }) }
  return new DomainError('invalid_request', `${where}${first?.message ?? 'The request is not valid.'}`, details)
}

const UNIQUE_VIOLATION = '23505'
/** A text with a NUL in it, a time or a number that doesn't exist: what no schema thought of, in a cursor or a search. */
const UNREADABLE = new Set(['22021', '22P05', '22007', '22008', '22P02', '22003'])
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'CONNECT_TIMEOUT',
  // Shut down, crashed, starting, full.
  '57P01',
  '57P02',
  '57P03',
  '53300',
])

/** What the database said goes into `cause`, for the log alone. */
export function asDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error
  const code = databaseCode(error)
  if (code === UNIQUE_VIOLATION) {
    return new DomainError('conflict', 'Something with these values exists already.', {}, error)
  }
  if (code !== undefined && UNREADABLE.has(code)) {
    return new DomainError(
      'invalid_request',
      'Something in the request can’t be read as text, as a number or as a time.',
      {},
      error,
    )
  }
  if (code !== undefined && UNREACHABLE.has(code)) {
    return new DomainError(
      'unavailable',
      'The database can’t be reached. Try again in a moment.',
      { retry_after_seconds: 2 },
      error,
    )
  }
  if (code !== undefined && IN_CONFLICT.has(code)) {
    return new DomainError(
      'unavailable',
      'Others are changing the same at this moment. Try again.',
      { retry_after_seconds: 1 },
      error,
    )
  }
  return new DomainError(
    'internal',
    'Something went wrong on our side. Try again; if it stays, give us the request id.',
    {},
    error,
  )
}

/** SQLSTATE or socket code of an error; Drizzle wraps the driver's. */
function databaseCode(error: unknown): string | undefined {
  for (let one = error, depth = 0; one instanceof Error && depth < 5; one = one.cause, depth++) {
    const { code } = one as { code?: unknown }
    if (typeof code === 'string') return code
  }
  return undefined
}
