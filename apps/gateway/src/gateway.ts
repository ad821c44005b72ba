import type { DomainError } from '@stipend/core/errors'
import type { Database } from '@stipend/db'
import type { Log } from '@stipend/runtime'
import type { BodyLimits } from './body.ts'
import type { Catalogues } from './catalogue.ts'
import type { Journal } from './journal.ts'
import type { Purses } from './purses.ts'
import type { Upstreams } from './upstream.ts'

/** What a request needs of the process that serves it. */
export type Gateway = {
  gatewayId: string
  database: Database
  catalogues: Catalogues
  journal: Journal
  purses: Purses
  upstreams: Upstreams
  limits: BodyLimits
  log: Log
  /** Requests that are being answered. */
  running: Set<{ cut(error: DomainError): void }>
}
