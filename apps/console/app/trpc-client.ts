import type { AppRouter } from '@stipend/wire/trpc'
import { createTRPCClient, httpBatchLink } from '@trpc/client'
import { paths } from './paths.ts'

const clients = new Map<string, ReturnType<typeof create>>()

/** The browser's way to a tenant's operations, for views that refresh themselves. */
export function trpcFor(slug: string) {
  let client = clients.get(slug)
  if (client === undefined) {
    client = create(slug)
    clients.set(slug, client)
  }
  return client
}

function create(slug: string) {
  return createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: paths.trpc(slug) })] })
}
