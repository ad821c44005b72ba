import type { Database } from '@stipend/db'
import type { Log } from '@stipend/runtime'
import type { BodyLimits } from './body.ts'
import type { Catalogue } from './catalogue.ts'
import type { Journal } from './journal.ts'
import type { Settler } from './settler.ts'
import type { Upstreams } from './upstream.ts'

/** What a request needs of the process that serves it. */
export type Gateway = {
  gatewayId: string
  database: Database
  catalogue: Catalogue
  journal: Journal
  settler: Settler
  upstreams: Upstreams
  limits: BodyLimits
  log: Log
  /** Aborts when running requests must end. */
  draining: AbortSignal
}
