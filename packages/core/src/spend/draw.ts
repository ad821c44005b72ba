import { type Database, type DrawRefusal, drawLease } from '@stipend/db'
import { displayUsd, type Nanodollars } from '@stipend/money'
import { DomainError } from '../errors.ts'

export type KeyFacts = {
  tenant_id: string
  key_id: string
  member_id: string
  allocation_id: string | null
}

export type DrawnLease = KeyFacts & { lease_id: string; amount_nanos: Nanodollars }

/** A key that may not be used, or accounts that are short. `available_nanos` is what the shortest account still has. */
export type Refusal = { error: DomainError; code: DrawRefusal; available_nanos: Nanodollars | null }

export type Draw = { ok: true; lease: DrawnLease } | { ok: false; refusal: Refusal }

/**
 * Sets money aside for a key: at most `want_nanos`, at least `least_nanos`, out of its whole account chain (the key, its
 * allocation if any, the balance if `uses_balance`), in one transaction and one round trip. With `want_nanos` 0 it only checks
 * the key. A refusal changes nothing.
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
  if (row.refusal !== null) {
    const error = refusalError(row.refusal, row)
    return { ok: false, refusal: { error, code: row.refusal, available_nanos: row.available_nanos } }
  }
  const { tenant_id, key_id, member_id, allocation_id } = row
  const amount_nanos = row.granted_nanos ?? 0n
  return {
    ok: true,
    lease: { tenant_id, key_id, member_id, allocation_id, lease_id: args.lease_id, amount_nanos },
  }
}

type RefusalFacts = {
  valid_from: Date | null
  valid_until: Date | null
  time_zone: string
  renews_at: Date | null
  available_nanos: bigint | null
}

/** The sentence a student reads in their tool: what is wrong, and what to do. */
function refusalError(code: DrawRefusal, facts: RefusalFacts): DomainError {
  const when = (date: Date | null) => (date === null ? '' : wallClock(date, facts.time_zone))
  const left = facts.available_nanos === null ? '' : ` ${displayUsd(facts.available_nanos)} is left.`
  const renews = facts.renews_at === null ? '' : ` It renews on ${when(facts.renews_at)}.`
  switch (code) {
    case 'invalid_api_key':
      return new DomainError(
        code,
        'This API key is not known here. Check that you pasted all of it, or ask for a new key.',
      )
    case 'key_revoked':
      return new DomainError(code, 'This API key was revoked and works no more. Ask for a new key.')
    case 'key_disabled':
      return new DomainError(code, 'This API key is disabled at the moment. Ask whoever gave it to you to enable it.')
    case 'key_expired':
      return new DomainError(code, `This API key ended on ${when(facts.valid_until)}. Ask for a new key.`)
    case 'key_not_yet_valid':
      return new DomainError(code, `This API key works from ${when(facts.valid_from)} on. Try again then.`)
    case 'budget_exhausted':
      return new DomainError(
        code,
        `This API key has spent its budget.${left}${renews} Ask whoever gave it to you for more.`,
      )
    case 'allocation_exhausted':
      return new DomainError(
        code,
        `The allocation that this API key draws from has spent its budget.${renews} Ask whoever gave you the key.`,
      )
    case 'balance_exhausted':
      return new DomainError(code, 'The balance of your organisation is used up. Ask an administrator to top it up.')
  }
}

/** A moment as people of that zone read it: `21 November 2026 at 10:00 (Europe/Amsterdam)`. */
function wallClock(date: Date, timeZone: string): string {
  const text = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    dateStyle: 'long',
    timeStyle: date.getUTCSeconds() === 0 ? 'short' : 'medium',
  }).format(date)
  return `${text} (${timeZone})`
}
