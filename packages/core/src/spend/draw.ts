import { type Database, type DrawRefusal, type DrawRow, drawLease } from '@stipend/db'
import { displayUsd, type Nanodollars } from '@stipend/money'
import { momentInWords } from '../clock.ts'
import { DomainError } from '../errors.ts'

/** Whose key it is and when it may be used, as the database had it at a moment. */
export type KeyFacts = {
  tenant_id: string
  key_id: string
  member_id: string
  allocation_id: string | null
  valid_from: Date | null
  valid_until: Date | null
  disabled_at: Date | null
  revoked_at: Date | null
  time_zone: string
  /** The one provider the key is linked to, the models and the addresses it may be used with; null: any. */
  provider_id: string | null
  allowed_models: string[] | null
  allowed_ips: string[] | null
  /** How many requests it may make in any sixty seconds; null: as many as it likes. */
  requests_per_minute: number | null
  /** The groups its member is in, and what else rules ask about them. */
  group_ids: string[]
  member_kind: DrawRow['member_kind']
  member_role: DrawRow['member_role']
  location_id: string | null
}

export type Draw =
  | {
      outcome: 'granted'
      facts: KeyFacts
      /** 0 where only the key was asked for. */
      granted_nanos: Nanodollars
      /** When the first of the periods drawn from ends: the lease is not for use beyond. */
      ends_at: Date | null
      /** The database's clock. */
      at: Date
    }
  /** A renewal has come since the lease was drawn: ask again with a new one. */
  | { outcome: 'outdated' }
  /** The key may not be used, or there is none: `facts` is null then. */
  | { outcome: 'refused'; facts: KeyFacts | null; error: DomainError; at: Date }
  | {
      outcome: 'short'
      facts: KeyFacts
      error: DomainError
      /** The account that is short, what it still has, and what is leased from it, here or elsewhere. */
      account_id: string
      available_nanos: Nanodollars
      leased_nanos: Nanodollars
      at: Date
    }

/**
 * Sets money aside for a key: at most `want_nanos`, at least `least_nanos`, out of its whole account chain (the key, its
 * allocation if any, the balance if `uses_balance`), into the lease `lease_id`, which is made or added to; in one transaction and
 * one round trip. With `want_nanos` 0 it only looks the key up. Anything but `granted` changes nothing.
 */
export async function draw(
  database: Database,
  args: {
    secret_hash: Buffer
    gateway_id: string
    lease_id: string
    want_nanos: Nanodollars
    least_nanos: Nanodollars
    uses_balance: boolean
    /** For tests: the moment it happens. The database's clock otherwise. */
    at?: Date
  },
): Promise<Draw> {
  const row = await drawLease(database, args)
  if (row.refusal === 'lease_outdated') return { outcome: 'outdated' }
  const { at } = row
  if (row.refusal === 'invalid_api_key') {
    return { outcome: 'refused', facts: null, error: unknownKey(), at }
  }
  const facts: KeyFacts = {
    tenant_id: row.tenant_id,
    key_id: row.key_id,
    member_id: row.member_id,
    allocation_id: row.allocation_id,
    valid_from: row.valid_from,
    valid_until: row.valid_until,
    disabled_at: row.disabled_at,
    revoked_at: row.revoked_at,
    time_zone: row.time_zone,
    provider_id: row.provider_id,
    allowed_models: row.allowed_models,
    allowed_ips: row.allowed_ips,
    requests_per_minute: row.requests_per_minute,
    group_ids: row.group_ids,
    member_kind: row.member_kind,
    member_role: row.member_role,
    location_id: row.location_id,
  }
  if (row.refusal === null) {
    return { outcome: 'granted', facts, granted_nanos: row.granted_nanos ?? 0n, ends_at: row.ends_at, at }
  }
  if (row.available_nanos === null) {
    return { outcome: 'refused', facts, error: keyRefusal(facts, at) ?? unknownKey(), at }
  }
  return {
    outcome: 'short',
    facts,
    error: shortage(row.refusal, row),
    account_id: shortAccount(row.refusal, facts),
    available_nanos: row.available_nanos,
    leased_nanos: row.leased_nanos ?? 0n,
    at,
  }
}

function shortAccount(code: DrawRefusal, facts: KeyFacts): string {
  if (code === 'balance_exhausted') return facts.tenant_id
  return code === 'allocation_exhausted' ? (facts.allocation_id ?? facts.key_id) : facts.key_id
}

function unknownKey(): DomainError {
  return new DomainError(
    'invalid_api_key',
    'This API key is not known here. Check that you pasted all of it, or ask for a new key.',
  )
}

/** Why a key may not be used at a moment, or null: the rule that `app.draw` follows too. */
export function keyRefusal(facts: KeyFacts, at: Date): DomainError | null {
  const when = (date: Date) => momentInWords(date, facts.time_zone)
  if (facts.revoked_at !== null) {
    return new DomainError('key_revoked', 'This API key was revoked and works no more. Ask for a new key.')
  }
  if (facts.disabled_at !== null) {
    const words = 'This API key is disabled at the moment. Ask whoever gave it to you to enable it.'
    return new DomainError('key_disabled', words)
  }
  if (facts.valid_until !== null && facts.valid_until <= at) {
    return new DomainError('key_expired', `This API key ended on ${when(facts.valid_until)}. Ask for a new key.`)
  }
  if (facts.valid_from !== null && facts.valid_from > at) {
    return new DomainError('key_not_yet_valid', `This API key works from ${when(facts.valid_from)} on. Try again then.`)
  }
  return null
}

type ShortageFacts = { time_zone: string; renews_at: Date | null; available_nanos: bigint | null }

/** The sentence a student reads in their tool: what is wrong, and what to do. */
function shortage(code: DrawRefusal, facts: ShortageFacts): DomainError {
  const left = facts.available_nanos === null ? '' : ` ${displayUsd(facts.available_nanos)} is left.`
  const renews = facts.renews_at === null ? '' : ` It renews on ${momentInWords(facts.renews_at, facts.time_zone)}.`
  switch (code) {
    case 'allocation_exhausted':
      return new DomainError(
        code,
        `The allocation that this API key draws from has spent its budget.${renews} Ask whoever gave you the key.`,
      )
    case 'balance_exhausted':
      return new DomainError(code, 'The balance of your organisation is used up. Ask an administrator to top it up.')
    default:
      return new DomainError(
        'budget_exhausted',
        `This API key has spent its budget.${left}${renews} Ask whoever gave it to you for more.`,
      )
  }
}
