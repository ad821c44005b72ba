import { useRouteLoaderData } from '@remix-run/react'
import type { loader } from '../routes/t.$slug.tsx'
import { WORDS, type Words } from '../words.ts'

/** The tenant whose page this is, and who looks at it. */
export function useTenant() {
  const frame = useRouteLoaderData<typeof loader>('routes/t.$slug')
  if (frame === undefined) throw new Error('not inside a tenant’s page')
  const words: Words = WORDS[frame.kind]
  return {
    ...frame,
    words,
    may: (permission: (typeof frame.permissions)[number]) => frame.permissions.includes(permission),
  }
}
