import {
  type Catalogue,
  catalogueOf,
  loadPlatformCatalogue,
  loadTenantCatalogue,
  type MasterKeys,
  type ServedModel,
} from '@stipend/core'
import type { Database } from '@stipend/db'
import type { Log } from '@stipend/runtime'

const REFRESH_MS = 30_000

/** The models this gateway serves and what they cost, kept in memory: those of the platform, and of each tenant that asks. Read
 * again when they have changed, when a model is missed, and every half a minute to be sure. */
export class Catalogues {
  readonly #database: Database
  readonly #keys: MasterKeys
  readonly #log: Log
  readonly #timer: NodeJS.Timeout
  #platform: ServedModel[] = []
  readonly #tenants = new Map<string, Catalogue>()
  readonly #loading = new Map<string, Promise<Catalogue>>()

  constructor(args: { database: Database; masterKeys: MasterKeys; log: Log }) {
    this.#database = args.database
    this.#keys = args.masterKeys
    this.#log = args.log
    this.#timer = setInterval(() => void this.refresh().catch(() => {}), REFRESH_MS)
    this.#timer.unref()
  }

  /** What a tenant is served, if it is known already. */
  known(tenantId: string): Catalogue | undefined {
    return this.#tenants.get(tenantId)
  }

  /** Reads what a tenant is served. Many who ask at once share one reading. */
  load(tenantId: string): Promise<Catalogue> {
    const running = this.#loading.get(tenantId)
    if (running !== undefined) return running
    const loading = loadTenantCatalogue(this.#database, this.#keys, tenantId, this.#platform)
      .then((models) => {
        const catalogue = catalogueOf(models)
        this.#tenants.set(tenantId, catalogue)
        return catalogue
      })
      .finally(() => this.#loading.delete(tenantId))
    this.#loading.set(tenantId, loading)
    return loading
  }

  /** What a tenant is served at this moment: for a model that may have just been added. */
  async fresh(tenantId: string): Promise<Catalogue> {
    this.#platform = await loadPlatformCatalogue(this.#database, this.#keys)
    return this.load(tenantId)
  }

  /** Reads all of it again, or what one tenant has. */
  async refresh(tenantId?: string): Promise<void> {
    try {
      if (tenantId === undefined) this.#platform = await loadPlatformCatalogue(this.#database, this.#keys)
      const known =
        tenantId === undefined ? [...this.#tenants.keys()] : [tenantId].filter((id) => this.#tenants.has(id))
      for (const id of known) {
        // One that is being read may have been read too early.
        await this.#loading.get(id)?.catch(() => {})
        await this.load(id)
      }
    } catch (error) {
      this.#log.warn({ err: error }, 'the catalogue could not be read')
      throw error
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
