import { createQueue, type Payments, receiveEvent } from '@stipend/billing'
import type { Database } from '@stipend/db'
import type { Log } from '@stipend/runtime'
import type { FastifyInstance } from 'fastify'

/**
 * Where Stripe tells us that something happened. It is answered as soon as the event is written down: what is to be done about it is
 * done afterwards, here or, should this process end, by the worker.
 */
export function mountStripeWebhook(
  server: FastifyInstance,
  { database, log, payments }: { database: Database; log: Log; payments: Payments },
): void {
  const deps = { database, stripe: payments.stripe, log }
  const queue = createQueue(deps)
  server.addHook('onClose', () => queue.stop())
  server.register(async (scope) => {
    // The signature is over the body as it came.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => body)
    scope.post('/webhooks/stripe', async (request, reply) => {
      const signature = request.headers['stripe-signature']
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
      const id = await receiveEvent(deps, body, typeof signature === 'string' ? signature : '')
      if (id !== null) queue.add(id)
      return reply.code(200).send({ received: true })
    })
  })
}
