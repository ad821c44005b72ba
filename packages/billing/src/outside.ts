import type { Actor, Outside } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import type { StripePort } from './stripe.ts'

declare module '@stipend/core' {
  interface Outside {
    billing?: Payments
  }
}

/** How payments are taken, and where people come back to afterwards. */
export type Payments = {
  stripe: StripePort
  /** Where the console is, without a slash at the end. */
  console_url: string
}

/** Throws `conflict` where no payments are set up. */
export function paymentsOf(outside: Outside | undefined): Payments {
  const payments = outside?.billing
  if (payments === undefined) {
    throw new DomainError('conflict', 'Payments are not set up here. Ask the operator for an invoice instead.')
  }
  return payments
}

export function tenantIdOf(actor: Actor): string {
  if (actor.kind === 'anonymous') throw new DomainError('unauthenticated', 'Sign in, or send a service token.')
  return actor.tenant_id
}
