import { countRules, type HeldRule, judge, loadRules, type PricedModel, type RuleCount } from '@stipend/core'
import type { KeyFacts } from '@stipend/core/spend'
import type { Database } from '@stipend/db'
import type { Log } from '@stipend/runtime'
import { inTime, unavailable } from './in-time.ts'

/** How often it is written down how many requests each rule decided. */
const FLUSH_MS = 5_000
const HOUR_MS = 3_600_000

export type RulesContext = {
  database: Database
  log: Log
  /** By the database's clock. */
  now: () => number
  /** Whether changes are being heard of. Where they aren't, what is remembered is asked anew for each request. */
  isChannelUp: () => boolean
  /** Whether the database is known not to answer. */
  isAway: () => boolean
}

/**
 * The rules of each tenant, kept in memory once one of its keys is used, and what they decide. How many requests each decided is
 * counted here and written down in batches: what a gateway that crashes had counted since is lost.
 */
export class Rules {
  readonly #context: RulesContext
  readonly #held = new Map<string, { rules: readonly HeldRule[]; isFresh: boolean }>()
  readonly #loading = new Map<string, Promise<readonly HeldRule[]>>()
  readonly #flusher: NodeJS.Timeout
  #counts = new Map<string, RuleCount>()

  constructor(context: RulesContext) {
    this.#context = context
    this.#flusher = setInterval(() => void this.flush(), FLUSH_MS)
    this.#flusher.unref()
  }

  /**
   * Those of the models that this key may use now, in their order: at once where the rules are in memory. Throws why none of them may
   * be used. `asked` is the name of the model as the request has it.
   */
  admit(
    facts: KeyFacts,
    models: readonly PricedModel[],
    asked: string,
  ): readonly PricedModel[] | Promise<readonly PricedModel[]> {
    const rules = this.#of(facts.tenant_id)
    if (rules instanceof Promise) return rules.then((read) => this.#admitted(read, facts, models, asked))
    return this.#admitted(rules, facts, models, asked)
  }

  /** Those of the models that this key may use now, without counting it as a request. */
  async visible(facts: KeyFacts, models: PricedModel[]): Promise<PricedModel[]> {
    const rules = await this.#of(facts.tenant_id)
    if (rules.length === 0) return models
    const { decided } = judge(rules, facts, models, this.#how(facts, ''))
    return decided.flatMap(({ model, effect }) => (effect === 'allow' ? [model] : []))
  }

  /** Rules of a tenant have changed, or of any may have. */
  changed(tenantId?: string): void {
    for (const id of tenantId === undefined ? this.#held.keys() : [tenantId]) {
      const held = this.#held.get(id)
      if (held !== undefined) held.isFresh = false
    }
    // What is being read may be what it was before.
    if (tenantId === undefined) this.#loading.clear()
    else this.#loading.delete(tenantId)
  }

  /** Writes down what was counted. What can't be written now is kept for the next time. */
  async flush(): Promise<void> {
    const counts = this.#counts
    this.#counts = new Map()
    for (const [tenantId, theirs] of Map.groupBy(counts.values(), (one) => one.tenant_id)) {
      try {
        await countRules(this.#context.database, tenantId, theirs)
      } catch (err) {
        this.#context.log.warn({ err }, 'requests that rules decided were not counted yet')
        for (const { rule_id, hour, requests } of theirs) this.#count(tenantId, rule_id, hour, requests)
      }
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#flusher)
    await this.flush()
  }

  #admitted(
    rules: readonly HeldRule[],
    facts: KeyFacts,
    models: readonly PricedModel[],
    asked: string,
  ): readonly PricedModel[] {
    if (rules.length === 0) return models
    const how = this.#how(facts, asked)
    const { decided, refusal } = judge(rules, facts, models, how)
    const hour = new Date(Math.floor(how.at.getTime() / HOUR_MS) * HOUR_MS)
    const deciding = new Set(decided.flatMap(({ rule }) => rule ?? []))
    for (const { id } of deciding) this.#count(facts.tenant_id, id, hour, 1)
    if (refusal !== null) throw refusal
    return decided.flatMap(({ model, effect }) => (effect === 'allow' ? [model] : []))
  }

  #how({ time_zone }: KeyFacts, asked: string) {
    return { asked, at: new Date(this.#context.now()), time_zone }
  }

  #count(tenant_id: string, rule_id: string, hour: Date, requests: number): void {
    const name = `${rule_id} ${hour.getTime()}`
    const count = this.#counts.get(name)
    if (count === undefined) this.#counts.set(name, { tenant_id, rule_id, hour, requests })
    else count.requests += requests
  }

  #of(tenantId: string): readonly HeldRule[] | Promise<readonly HeldRule[]> {
    if (!this.#context.isChannelUp()) return this.#read(tenantId, () => false)
    const held = this.#held.get(tenantId)
    if (held?.isFresh === true) return held.rules
    const known = this.#loading.get(tenantId)
    if (known !== undefined) return known
    // What changed while it was read is not what was read.
    const isWanted = () => this.#loading.get(tenantId) === loading
    const loading: Promise<readonly HeldRule[]> = this.#read(tenantId, isWanted).finally(() => {
      if (isWanted()) this.#loading.delete(tenantId)
    })
    this.#loading.set(tenantId, loading)
    return loading
  }

  /** As the database has them, or while nobody can be asked, as they were remembered: like the money that was drawn. */
  async #read(tenantId: string, isFresh: () => boolean): Promise<readonly HeldRule[]> {
    const held = this.#held.get(tenantId)
    if (held !== undefined && this.#context.isAway()) return held.rules
    try {
      const rules = await inTime(loadRules(this.#context.database, tenantId))
      this.#held.set(tenantId, { rules, isFresh: isFresh() })
      return rules
    } catch (error) {
      if (held === undefined) throw unavailable(error)
      return held.rules
    }
  }
}
