import type { Database, PlatformTx, TenantTx } from '@stipend/db'
import type { z } from 'zod'
import type { Actor, Permission } from './actor.ts'
import type { ErrorCode } from './errors.ts'
import type { IdKind } from './id.ts'
import type { MasterKeys } from './providers/credential.ts'

/** What a command leaves in the audit log: on what, and how it was before and after. Never a secret. */
export type AuditNote = { target_id: string; before?: object | null; after?: object | null }

/** A request to an address that somebody named, such as a provider's. Redirects are not followed. Throws where nothing answers. */
export type Reach = (
  url: string,
  how: { headers: Record<string, string>; isTrusted: boolean; timeoutMs: number; bytesMax: number },
) => Promise<{ status: number; body: Buffer }>

/** Chance and time are given, so that a test can hold them still. */
export type Given = {
  now: Date
  newId: (kind: IdKind) => string
  randomBytes: (size: number) => Buffer
  /** The keys that credentials are sealed with. Throws where the process has none. */
  masterKeys: () => MasterKeys
}

/** Of a tenant, or of the platform where its operator asks. */
export type OwnerTx = TenantTx | PlatformTx

type TxOf = { tenant: TenantTx; platform: PlatformTx; owner: OwnerTx }
export type Scope = keyof TxOf

export type Call<S extends Scope, Input> = Given & {
  tx: TxOf[S]
  actor: Actor
  input: Input
  request: RequestFacts
  outside: Outside | undefined
}

/** What there is beyond the database. Each package that reaches for something declares it here, where it is; core doesn't look. */
// biome-ignore lint/suspicious/noEmptyInterface: it is filled from elsewhere
export interface Outside {}

/** What a command does once its transaction is over: no database is held while something outside is asked. */
export type Aftermath<Input, Output> = Omit<Call<Scope, Input>, 'tx'> & { database: Database; output: Output }

/** What a command may do before its transaction: look something up in one of its own, and ask the network. */
export type BeforeCall<S extends Scope, Input> = Given & {
  actor: Actor
  input: Input
  read: <T>(work: (tx: TxOf[S]) => Promise<T>) => Promise<T>
  reach: Reach
}

/** Where a call came from: for the audit log and for limits on sign-in. */
export type RequestFacts = { request_id: string; ip: string | null }

type Common<S extends Scope, I extends z.ZodType, O extends z.ZodType> = {
  /** `noun.verb` */
  name: string
  scope: S
  permission: Permission
  /** One sentence for people who read the API's documentation. */
  summary: string
  input: I
  output: O
  /** Codes it may fail with beyond those any operation may. */
  errors: readonly ErrorCode[]
}

export type Query<S extends Scope, I extends z.ZodType, O extends z.ZodType> = Common<S, I, O> & {
  kind: 'query'
  handle(call: Call<S, z.output<I>>): Promise<z.input<O>>
}

export type Command<S extends Scope, I extends z.ZodType, O extends z.ZodType, P = unknown> = Common<S, I, O> & {
  kind: 'command'
  /** What needs the network, done outside of any transaction. The handler finds its answer in `before`. */
  before?: (call: BeforeCall<S, z.output<I>>) => Promise<P>
  /** Fields of the output, at any depth, that are shown once: left out (null) of what is kept for a repeated request. */
  secret_fields?: readonly string[]
  handle(call: Call<S, z.output<I>> & { before: P }): Promise<{ output: z.input<O>; audit: AuditNote | AuditNote[] }>
  /**
   * What is to be done outside of the database, once what `handle` wrote is kept; answers what the caller gets. It is done again when
   * a request is repeated, and must be safe to be cut off anywhere.
   */
  carry_out?(call: Aftermath<z.output<I>, z.output<O>>): Promise<z.input<O>>
}

export type Operation<S extends Scope = Scope, I extends z.ZodType = z.ZodType, O extends z.ZodType = z.ZodType> =
  | Query<S, I, O>
  | Command<S, I, O>

// biome-ignore lint/suspicious/noExplicitAny: the registry holds operations of every shape; execute() parses at both ends
export type AnyOperation = Query<any, any, any> | Command<any, any, any, any>

type Definition<T> = Omit<T, 'kind' | 'scope'>

/** Reads, in a read-only transaction of the caller's tenant. */
export function query<I extends z.ZodType, O extends z.ZodType>(
  definition: Definition<Query<'tenant', I, O>>,
): Query<'tenant', I, O> {
  return { kind: 'query', scope: 'tenant', ...definition }
}

/** Changes something of the caller's tenant, in one transaction together with its audit entry. */
export function command<I extends z.ZodType, O extends z.ZodType, P>(
  definition: Definition<Command<'tenant', I, O, P>>,
): Command<'tenant', I, O, P> {
  return { kind: 'command', scope: 'tenant', ...definition }
}

/** Reads what a tenant or the platform may own: the caller's tenant's or, for an operator of the platform itself, the platform's. */
export function ownerQuery<I extends z.ZodType, O extends z.ZodType>(
  definition: Definition<Query<'owner', I, O>>,
): Query<'owner', I, O> {
  return { kind: 'query', scope: 'owner', ...definition }
}

/** Changes what a tenant or the platform may own. */
export function ownerCommand<I extends z.ZodType, O extends z.ZodType, P>(
  definition: Definition<Command<'owner', I, O, P>>,
): Command<'owner', I, O, P> {
  return { kind: 'command', scope: 'owner', ...definition }
}

/** Reads what only the platform has. */
export function platformQuery<I extends z.ZodType, O extends z.ZodType>(
  definition: Definition<Query<'platform', I, O>>,
): Query<'platform', I, O> {
  return { kind: 'query', scope: 'platform', ...definition }
}

/** Changes what only the platform has. */
export function platformCommand<I extends z.ZodType, O extends z.ZodType>(
  definition: Definition<Command<'platform', I, O>>,
): Command<'platform', I, O> {
  return { kind: 'command', scope: 'platform', ...definition }
}
