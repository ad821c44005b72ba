import {
  candidates,
  catalogueOf,
  type Dialect,
  loadPlatformCatalogue,
  loadTenantCatalogue,
  type MasterKeys,
  type Catalogue as Names,
  type PricedModel,
  type ServedModel,
  usableModels,
} from '@stipend/core'
import { DomainError } from '@stipend/core/errors'
import type { KeyFacts } from '@stipend/core/spend'
import type { Database } from '@stipend/db'
import type { ModelPrice } from '@stipend/money'
import type { Log } from '@stipend/runtime'
import { unavailable } from './in-time.ts'

const REFRESH_MS = 30_000
/** Names that nobody has cost a reading of everything, at most one in this time for each tenant. */
const MISS_MS = 5_000

/** What one tenant is served, and which models its keys' names came to. */
type Tenant = { names: Names; picks: WeakMap<KeyFacts, Map<string, readonly PricedModel[]>> }
type Wanted = { name: string; dialect: Dialect }

/**
 * The models this gateway serves and what they cost, kept in memory: the platform's, and each tenant's once one of its keys is used.
 * Read again when something has changed, when a model is missed (now and then), and every half a minute to be sure.
 */
export class Catalogue {
  readonly #database: Database
  readonly #masterKeys: MasterKeys
  readonly #log: Log
  readonly #timer: NodeJS.Timeout
  #platform: readonly ServedModel[] = []
  #tenants = new Map<string, Tenant | Promise<Tenant>>()
  /** When something was last looked for in vain, by tenant. */
  readonly #missed = new Map<string, number>()
  #loading: Promise<void> | null = null
  #isOutdated = false

  constructor(args: { database: Database; masterKeys: MasterKeys; log: Log }) {
    this.#database = args.database
    this.#masterKeys = args.masterKeys
    this.#log = args.log
    this.#timer = setInterval(() => {
      this.#missed.clear()
      void this.refresh().catch(() => {})
    }, REFRESH_MS)
    this.#timer.unref()
  }

  /**
   * The models a request of this key may go to, in the order to try: at once where they are known. Throws why there is none; a model
   * that has just been added is found too.
   */
  candidates(facts: KeyFacts, wanted: Wanted): readonly PricedModel[] | Promise<readonly PricedModel[]> {
    const tenant = this.#tenants.get(facts.tenant_id)
    const found = tenant === undefined || tenant instanceof Promise ? null : this.#pick(tenant, facts, wanted)
    return Array.isArray(found) ? found : this.#look(facts, wanted)
  }

  async #look(facts: KeyFacts, wanted: Wanted): Promise<readonly PricedModel[]> {
    const found = this.#pick(await this.#tenant(facts.tenant_id), facts, wanted)
    if (!(found instanceof DomainError)) return found
    const now = performance.now()
    const missedAt = this.#missed.get(facts.tenant_id)
    if (this.#loading === null && missedAt !== undefined && now < missedAt + MISS_MS) throw found
    this.#missed.set(facts.tenant_id, now)
    await this.refresh().catch((error: unknown) => {
      throw unavailable(error)
    })
    const again = this.#pick(await this.#tenant(facts.tenant_id), facts, wanted)
    if (again instanceof DomainError) throw again
    return again
  }

  #pick({ names, picks }: Tenant, facts: KeyFacts, wanted: Wanted): readonly PricedModel[] | DomainError {
    let known = picks.get(facts)
    if (known === undefined) {
      known = new Map()
      picks.set(facts, known)
    }
    const name = `${wanted.dialect} ${wanted.name}`
    const pick = known.get(name)
    if (pick !== undefined) return pick
    const found = candidates(names, facts, wanted, Math.random)
    if (!found.ok) return found.error
    // Where chance decides the order, it is asked each time.
    if (isInFixedOrder(found.models)) known.set(name, found.models)
    return found.models
  }

  /** What a key may use. */
  async usable(facts: KeyFacts): Promise<PricedModel[]> {
    return usableModels((await this.#tenant(facts.tenant_id)).names, facts)
  }

  /** What another model of the same provider costs, which that one called in: by the name it has there. */
  priceBeside(model: PricedModel, upstream_name: string): ModelPrice {
    const tenant = this.#tenants.get(model.provider.tenant_id ?? '')
    const models = tenant === undefined || tenant instanceof Promise ? this.#platform : tenant.names.models
    const other = models.find((one) => one.provider.id === model.provider.id && one.upstream_name === upstream_name)
    if (other?.price) return other.price
    this.#log.warn({ provider: model.provider.name, model: upstream_name }, 'a model without a price was called in')
    return model.price
  }

  async #tenant(tenantId: string): Promise<Tenant> {
    const known = this.#tenants.get(tenantId)
    if (known !== undefined) return known
    const tenants = this.#tenants
    // Only what is still wanted is kept: it may have changed while it was read.
    const isWanted = () => tenants.get(tenantId) === loading
    const loading: Promise<Tenant> = loadTenantCatalogue(
      this.#database,
      this.#masterKeys,
      tenantId,
      this.#platform,
      this.#onUnreadable,
    ).then(
      (models) => {
        const tenant: Tenant = { names: catalogueOf(models), picks: new WeakMap() }
        if (isWanted()) tenants.set(tenantId, tenant)
        return tenant
      },
      (error: unknown) => {
        if (isWanted()) tenants.delete(tenantId)
        throw unavailable(error)
      },
    )
    tenants.set(tenantId, loading)
    return loading
  }

  /** One provider that can't be asked is no reason to ask none. */
  readonly #onUnreadable = (provider: { id: string; name: string }, error: unknown): void =>
    this.#log.error({ err: error, provider_id: provider.id, provider: provider.name }, 'a provider is left out')

  /** Something of a tenant has changed, or of the platform. */
  changed(tenantId: string | undefined): void {
    if (tenantId !== undefined) this.#tenants.delete(tenantId)
    // What is being read may be what it was before.
    else if (this.#loading !== null) this.#isOutdated = true
    else void this.refresh().catch(() => {})
  }

  refresh(): Promise<void> {
    this.#loading ??= loadPlatformCatalogue(this.#database, this.#masterKeys, this.#onUnreadable)
      .then(
        (models) => {
          this.#platform = models
          // Those who are being read for the old ones are read for nobody.
          this.#tenants = new Map()
        },
        (error: unknown) => {
          this.#log.warn({ err: error }, 'the catalogue could not be read')
          throw error
        },
      )
      .finally(() => {
        this.#loading = null
        if (!this.#isOutdated) return
        this.#isOutdated = false
        void this.refresh().catch(() => {})
      })
    return this.#loading
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

function isInFixedOrder(models: readonly PricedModel[]): boolean {
  return new Set(models.map((model) => model.provider.priority)).size === models.length
}
