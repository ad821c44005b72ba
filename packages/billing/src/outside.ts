import type { Actor, Outside } from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import { connectStripe, type StripePort } from './stripe.ts'

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

/** As the environment gives them: without a key there are no payments. */
export type PaymentSettings = {
  secret_key: string | null
  webhook_secret: string | null
  /** Where Stripe is; null: where it always is. */
  api_url: string | null
  console_url: string
}

export function createPayments({
  secret_key,
  webhook_secret,
  api_url,
  console_url,
}: PaymentSettings): Payments | undefined {
  if (secret_key === null) return undefined
  const stripe = connectStripe({ secret_key, webhook_secret: webhook_secret ?? '', api_url: api_url ?? undefined })
  return { stripe, console_url: console_url.replace(/\/$/, '') }
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
  if (actor.kind === 'anonymous' || actor.tenant_id === null) {
    throw new DomainError('unauthenticated', 'Sign in, or send a service token.')
  }
  return actor.tenant_id
}
