import { z } from 'zod'
import { ApiError } from './errors.ts'
import type { Payments } from './payments.ts'
import type { ApiFault, SeenCall } from './server.ts'
import type { Event } from './store.ts'
import type { Mishaps, Webhooks } from './webhooks.ts'

/** What one does here that one does elsewhere in Stripe's dashboard, or that happens by itself. */
export type Controls = {
  payments: Payments
  webhooks: Webhooks
  events(): Event[]
  calls(): SeenCall[]
  /** The next so many calls go wrong. */
  fail(fault: ApiFault, next: number): void
}

const Instruction = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('refund'), payment_intent: z.string(), amount: z.int().positive().optional() }),
  z.strictObject({ do: z.literal('fail_refund'), refund: z.string() }),
  z.strictObject({
    do: z.literal('dispute'),
    payment_intent: z.string(),
    status: z.enum(['warning_needs_response', 'needs_response']).default('needs_response'),
    amount: z.int().positive().optional(),
  }),
  z.strictObject({
    do: z.literal('change_dispute'),
    dispute: z.string(),
    status: z.enum(['needs_response', 'under_review', 'won', 'lost']),
  }),
  z.strictObject({ do: z.literal('arrive'), payment_intent: z.string(), paid: z.boolean() }),
  z.strictObject({
    do: z.literal('webhooks'),
    delay_ms: z.int().min(0).optional(),
    repeat: z.int().min(1).max(100).optional(),
    drop: z.boolean().optional(),
    reorder: z.int().min(1).max(100).optional(),
  }),
  z.strictObject({
    do: z.literal('fail'),
    next: z.int().min(1).default(1),
    status: z.int().min(400).max(599).optional(),
    hang_up: z.boolean().optional(),
    delay_ms: z.int().min(0).optional(),
    when: z.enum(['before', 'after']).optional(),
    path: z.string().optional(),
  }),
  z.strictObject({ do: z.literal('deliver'), event: z.string() }),
])
export type Instruction = z.input<typeof Instruction>

/** Answers `/healthz` and what is under `/sandbox`; undefined for any other path. */
export async function control(controls: Controls, method: string, path: string, body: string): Promise<unknown> {
  switch (`${method} ${path}`) {
    case 'GET /healthz':
      return { status: 'ok' }
    case 'GET /sandbox/events':
      return controls.events()
    case 'GET /sandbox/calls':
      return controls.calls()
    case 'GET /sandbox/deliveries':
      return controls.webhooks.deliveries()
    case 'POST /sandbox': {
      const parsed = Instruction.safeParse(JSON.parse(body))
      if (!parsed.success) return { error: z.prettifyError(parsed.error) }
      try {
        return (await act(controls, parsed.data)) ?? { done: true }
      } catch (error) {
        if (error instanceof ApiError) return { error: error.message }
        throw error
      }
    }
    default:
      return undefined
  }
}

/** Does what it says. Throws an `ApiError` where that can't be. */
export async function act(
  { payments, webhooks, events, fail }: Controls,
  given: z.output<typeof Instruction>,
): Promise<unknown> {
  switch (given.do) {
    case 'refund':
      return payments.refund(given.payment_intent, given.amount)
    case 'fail_refund':
      return payments.failRefund(given.refund)
    case 'dispute':
      return payments.dispute(given.payment_intent, given.status, given.amount)
    case 'change_dispute':
      return payments.changeDispute(given.dispute, given.status)
    case 'arrive':
      return payments.arrive(given.payment_intent, given.paid)
    case 'webhooks': {
      const { do: _, ...mishaps } = given
      return webhooks.configure(mishaps as Mishaps)
    }
    case 'fail': {
      const { do: _, next, ...fault } = given
      return fail(fault as ApiFault, next)
    }
    case 'deliver': {
      const event = events().find((one) => one.id === given.event)
      return event === undefined ? { error: 'There is no such event.' } : { status: await webhooks.deliver(event) }
    }
  }
}
