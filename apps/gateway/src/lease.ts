import type { DomainError } from '@stipend/core/errors'
import type { Purse } from './purse.ts'

/** What is drawn at first beyond the need of the moment, as a multiple of it. */
export const APPETITE_START = 4n

/** What a key's money is drawn from: with the balance, or, for requests to a provider of the tenant's own, without it. */
export type Chain = {
  readonly usesBalance: boolean
  /** The lease that is held from. */
  current: Lease | null
  appetite: bigint
  lastDrawAt: number
  /** Less than this is drawn again before it is used up. Nothing where the last draw came to nothing. */
  ahead: bigint
  isDrawingAhead: boolean
  shortage: (Shortage & { until: number; isPatient: boolean }) | null
}

/** Money of one draw or several, of the same periods. What is `free` may be held; `unsettled` is charged but not yet told. */
export type Lease = {
  id: string
  purse: Purse
  chain: Chain
  free: bigint
  held: bigint
  unsettled: bigint
  endsAt: number
  /** The allocation it was drawn from, if any. */
  allocationId: string | null
  /** No longer drawn into or held from: what comes free goes back. */
  isRetired: boolean
  /** An answer of the database was lost: it may hold more than is known here, so it isn't drawn into any more. */
  isDoubtful: boolean
  /** The database is being asked to add to it, or to take from it. Never both: the one would undo the other. */
  isDrawing: boolean
  isReturning: boolean
}

/** Money set aside for one request. Once released nothing can be added to it. */
export type Hold = { lease: Lease; amount: bigint; isOver: boolean }

export type HoldOptions = { usesBalance: boolean; patient: boolean }

/** What a request may be told when money is short: the error, and what there is. */
export type Shortage = { error: DomainError; available: bigint }

export function newChain(usesBalance: boolean): Chain {
  return {
    usesBalance,
    current: null,
    appetite: APPETITE_START,
    lastDrawAt: 0,
    ahead: 0n,
    isDrawingAhead: false,
    shortage: null,
  }
}

export function newLease(id: string, purse: Purse, chain: Chain): Lease {
  const money = { free: 0n, held: 0n, unsettled: 0n }
  const state = { isRetired: false, isDoubtful: false, isDrawing: false, isReturning: false }
  return { id, purse, chain, ...money, endsAt: Number.POSITIVE_INFINITY, allocationId: null, ...state }
}

export const unusedOf = (chain: Chain): bigint => chain.current?.free ?? 0n

/** The shortage that is known of, if it is one for `least` too. What was found without asking others to give back says nothing to one who would. */
export function knownShortage(chain: Chain, least: bigint, patient: boolean): Shortage | null {
  const known = chain.shortage
  if (known === null || performance.now() > known.until || (patient && !known.isPatient)) return null
  return least > known.available + unusedOf(chain) ? known : null
}
