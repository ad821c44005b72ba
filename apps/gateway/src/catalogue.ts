import { loadCatalogue, type ServedModel } from '@stipend/core'
import type { Database } from '@stipend/db'
import type { Log } from '@stipend/runtime'

const REFRESH_MS = 30_000

/** The models this gateway serves and what they cost, kept in memory. Read again when it has changed, when a model is
 * missed, and every half a minute to be sure. */
export class Catalogue {
  readonly #load: () => Promise<Map<string, ServedModel>>
  readonly #log: Log
  readonly #timer: NodeJS.Timeout
  #models = new Map<string, ServedModel>()
  #loading: Promise<void> | null = null

  constructor(args: { database: Database; masterKey: Buffer; log: Log }) {
    this.#load = () => loadCatalogue(args.database, args.masterKey)
    this.#log = args.log
    this.#timer = setInterval(() => void this.refresh().catch(() => {}), REFRESH_MS)
    this.#timer.unref()
  }

  get(name: string): ServedModel | undefined {
    return this.#models.get(name)
  }

  /** A model that has just been added is found too. */
  async find(name: string): Promise<ServedModel | undefined> {
    const known = this.#models.get(name)
    if (known !== undefined) return known
    await this.refresh()
    return this.#models.get(name)
  }

  list(): ServedModel[] {
    return [...this.#models.values()]
  }

  refresh(): Promise<void> {
    this.#loading ??= this.#load()
      .then(
        (models) => {
          this.#models = models
        },
        (error: unknown) => {
          this.#log.warn({ err: error }, 'the catalogue could not be read')
          throw error
        },
      )
      .finally(() => {
        this.#loading = null
      })
    return this.#loading
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
