import type { Caller } from '../../../backend.ts'

export type Provider = Awaited<ReturnType<Caller['providers']['get']>>
export type Verdict = Awaited<ReturnType<Caller['providers']['tryNew']>>
export type Kind = Awaited<ReturnType<Caller['providers']['listKinds']>>['data'][number]
export type Price = NonNullable<Verdict['found'][number]['price']>
