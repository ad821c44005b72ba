import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Database } from '@stipend/db'
import type { Log } from '@stipend/runtime'
import type { BodyLimits } from './body.ts'
import type { Catalogue } from './catalogue.ts'
import type { Door } from './door.ts'
import type { Providers } from './health.ts'
import type { Journal } from './journal.ts'
import type { KeptResponses } from './kept.ts'
import type { Purses } from './purses.ts'
import type { Family } from './refusal.ts'
import type { Rules } from './rules.ts'
import type { Running } from './running.ts'
import type { Titles } from './titles.ts'
import type { ProviderPatience, Upstreams } from './upstream.ts'

/** What a request needs of the process that serves it. */
export type Gateway = {
  gatewayId: string
  database: Database
  catalogue: Catalogue
  journal: Journal
  purses: Purses
  upstreams: Upstreams
  providers: Providers
  patience: ProviderPatience
  door: Door
  kept: KeptResponses
  titles: Titles
  rules: Rules
  limits: BodyLimits
  log: Log
  /** Requests that are being answered. */
  running: Running
}

/** One request and its answer. `family`: the shape of errors its client reads. */
export type Http = { request: IncomingMessage; response: ServerResponse; id: string; family: Family }

/** What a request came to, for the log. */
export type Handled = { status: number; code: string | null; key_id?: string | undefined }
