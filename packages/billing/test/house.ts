import * as core from '@stipend/core'
import { auditLedger } from '@stipend/core/spend'
import { createScene, type Scene } from '@stipend/core/testing'
import type { TestDatabase } from '@stipend/db/testing'
import { type SandboxStripe, sign, startSandboxStripe } from '@stipend/sandbox-stripe'
import { expect } from 'vitest'
import { topUpShort } from '../src/automatic.ts'
import { type InboxDeps, processEvent, processWaiting, receiveEvent } from '../src/inbox.ts'
import { billing, topUps } from '../src/index.ts'
import type { TopUp } from '../src/payment.ts'
import { connectStripe } from '../src/stripe.ts'

export const WEBHOOK_SECRET = 'whsec_only_for_tests'
export const CONSOLE_URL = 'https://console.example'

type Event = ReturnType<SandboxStripe['events']>[number]
export type House = Awaited<ReturnType<typeof createHouse>>

/** One tenant, a Stripe of its own, and what stands between them, without a server: events are delivered by hand. */
export async function createHouse(test: TestDatabase, options: { balance_usd?: string | null } = {}) {
  const sandbox = await startSandboxStripe()
  const stripe = connectStripe({ secret_key: 'sk_test_x', webhook_secret: WEBHOOK_SECRET, api_url: sandbox.url })
  const scene: Scene = await createScene(test.database, { balance_usd: null, ...options })
  const lines: { message: string; fields: object }[] = []
  const keep = (fields: object, message: string) => void lines.push({ message, fields })
  const deps: InboxDeps = { database: test.database, stripe, log: { info: keep, warn: keep, error: keep } }
  const outside = { billing: { stripe, console_url: CONSOLE_URL } }
  const owner = await scene.owner()

  const run = async <O extends core.AnyOperation>(operation: O, input: object, actor: core.Actor = owner) => {
    const request = { request_id: core.newId('request'), ip: null }
    return (await core.execute(operation, { database: test.database, outside }, actor, input, { request })).output
  }
  const receive = (event: Event, secret = WEBHOOK_SECRET, at?: number) => {
    const { body, signature } = sign(event, secret, at)
    return receiveEvent(deps, Buffer.from(body), signature)
  }
  return {
    ...{ sandbox, stripe, scene, deps, outside, owner, lines, run, receive },
    tenant_id: scene.tenant_id,
    /** Takes an event in and does what it asks for. */
    async deliver(event: Event): Promise<string> {
      const id = await receive(event)
      return id === null ? 'nothing to do' : processEvent(deps, id)
    },
    worker: (now = new Date(Date.now() + 3_600_000)) => processWaiting(deps, now),
    /** Begins a top-up and pays it on Stripe's page. */
    async paid(amount_usd: string, card = '4242424242424242', more: object = {}): Promise<TopUp> {
      const topUp = (await run(topUps.create, { amount_usd, ...more })) as TopUp
      sandbox.pay((topUp.checkout_url ?? '').split('/').at(-1) ?? '', { card })
      return topUp
    },
    check: async (id: string) => (await run(topUps.check, { id })) as TopUp,
    /** The payment intent of the last payment at Stripe. */
    intent: () => {
      const event = sandbox.events().findLast((one) => one.type === 'payment_intent.created')
      return String(event?.data.object.id)
    },
    available: async () => ((await run(core.balance.get, {})) as { available_usd: string }).available_usd,
    settings: async () => (await run(billing.get, {})) as billing.Billing,
    async saveCard(card = '4242424242424242') {
      const { url } = (await run(billing.saveMethod, {})) as { url: string }
      sandbox.pay(url.split('/').at(-1) ?? '', { card })
      return (await run(billing.checkMethod, {})) as billing.Billing
    },
    topUpShort: (now = new Date()) =>
      topUpShort({ database: test.database, stripe, log: deps.log }, scene.tenant_id, now),
    async sound() {
      const { violations } = await auditLedger(test.database)
      expect(violations.filter((one) => one.tenant_id === scene.tenant_id)).toEqual([])
    },
    close: () => sandbox.close(),
  }
}
