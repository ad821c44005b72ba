import { clockAt, momentInWords } from '../clock.ts'
import { DomainError } from '../errors.ts'
import { namesOf } from '../providers/candidates.ts'
import type { ServedModel } from '../providers/catalogue.ts'
import { decide, opensAt, type RuleTerms, type Subject, type Target } from './decide.ts'

export type Judgement<Model, Rule> = {
  /** Each model with what was decided about it, and by which rule. */
  decided: { model: Model; effect: 'allow' | 'block'; rule: Rule | null }[]
  /** Why none of them may be used; null where one may. */
  refusal: DomainError | null
  /** Of a refusal for want of the right time: from when on it is allowed. */
  opens_at: Date | null
}

/**
 * What the rules of a tenant say of the models that a request may go to: the one place where that is decided. `asked` is the name of
 * the model as the request has it.
 */
export function judge<Model extends ServedModel, Rule extends RuleTerms>(
  rules: readonly Rule[],
  subject: Subject,
  models: readonly Model[],
  how: { asked: string; at: Date; time_zone: string },
): Judgement<Model, Rule> {
  const { at, time_zone } = how
  const clock = clockAt(at, time_zone)
  const decided = models.map((model) => ({ model, ...decide(rules, subject, targetOf(model), clock) }))
  const blocking = decided[0]?.rule ?? null
  if (blocking === null || decided.some(({ effect }) => effect === 'allow')) {
    return { decided, refusal: null, opens_at: null }
  }
  const opens_at = opensAt(rules, subject, models.map(targetOf), at, time_zone)
  return { decided, refusal: refusalBy(blocking, how, opens_at), opens_at }
}

const targets = new WeakMap<ServedModel, Target>()

function targetOf(model: ServedModel): Target {
  let target = targets.get(model)
  if (target === undefined) {
    target = { provider_id: model.provider.id, names: namesOf(model).map(({ name }) => name) }
    targets.set(model, target)
  }
  return target
}

/** The sentence that somebody reads in their tool: which rule it is, and what to do. */
function refusalBy(rule: RuleTerms, how: { asked: string; time_zone: string }, opens_at: Date | null): DomainError {
  const isAboutModels = rule.models !== null || rule.provider_ids !== null
  const what = isAboutModels ? `the model "${how.asked.slice(0, 100)}"` : 'this API key'
  const details = isAboutModels ? { param: 'model' } : {}
  if (opens_at !== null) {
    const words = `The rule "${rule.name}" of your organisation blocks ${what} at this time. It works again on ${momentInWords(opens_at, how.time_zone)}.`
    return new DomainError('outside_schedule', words, details)
  }
  const words = `The rule "${rule.name}" of your organisation blocks ${what}. Ask an administrator of your organisation.`
  return new DomainError('blocked_by_rule', words, details)
}
