import type { TenantTx } from '@stipend/db'
import { group_members, keys, members, providers, tenants } from '@stipend/db/schema'
import { and, eq, isNull } from 'drizzle-orm'
import type { z } from 'zod'
import type { DomainError } from '../errors.ts'
import { invalidField, notFound } from '../errors.ts'
import { command } from '../operation.ts'
import { type Candidates, candidates, catalogueOf, type ModelTerms } from '../providers/candidates.ts'
import { readTenantCatalogue } from '../providers/catalogue.ts'
import { DIALECTS, type Dialect } from '../providers/kinds.ts'
import { checkTerms } from './check.ts'
import type { RuleTerms, Subject } from './decide.ts'
import { judge } from './judge.ts'
import { RULES_MAX, Trial, TryRules } from './rule.ts'
import { readRules } from './view.ts'

type Tried = RuleTerms & { id: string | null }

export const tryOut = command({
  name: 'rules.try',
  permission: 'rules:write',
  summary:
    'What would happen to a request: who asks for which model, and when. With a draft, as if it were saved already. Changes nothing.',
  input: TryRules,
  output: Trial,
  errors: ['not_found'],
  handle: async ({ tx, input, now }) => {
    const asker = await askerOf(tx, input)
    const rules = await rulesWith(tx, input.draft)
    const models = await modelsFor(tx, asker, input)
    const [tenant] = await tx.select({ time_zone: tenants.time_zone }).from(tenants)
    if (tenant === undefined) throw notFound('organisation')
    const { time_zone } = tenant
    // Nothing was changed, so there is nothing to record.
    const done = (output: Trial) => ({ output, audit: [] })
    if (!models.ok) return done({ ...refused(models.error), rule: null, opens_at: null, candidates: [] })

    const at = input.at === undefined ? now : new Date(input.at)
    const { decided, refusal, opens_at } = judge(rules, asker, models.models, { asked: input.model, at, time_zone })
    const deciding = decided.find(({ effect }) => effect === 'allow') ?? decided[0]
    return done({
      ...(refusal === null ? { effect: 'allow', code: null, sentence: null } : refused(refusal)),
      rule: named(deciding?.rule ?? null),
      opens_at: opens_at?.toISOString() ?? null,
      candidates: decided.map(({ model, effect, rule }) => ({
        model: model.name,
        provider_id: model.provider.id,
        provider: model.provider.name,
        effect,
        rule: named(rule),
      })),
    })
  },
})

const refused = ({ code, message }: DomainError) => ({ effect: 'block' as const, code, sentence: message })
const named = (rule: Tried | null) => rule && { id: rule.id, name: rule.name }

/** Whom the gateway would see, and what their key may be used with. */
async function askerOf(tx: TenantTx, input: z.output<typeof TryRules>): Promise<Subject & ModelTerms> {
  const { member_id, key_id } = input
  if ((member_id === undefined) === (key_id === undefined)) {
    throw invalidField('member_id', 'Say who asks: a person, or the key that is used.')
  }
  const [key] =
    key_id === undefined
      ? []
      : await tx
          .select({
            member_id: keys.member_id,
            provider_id: keys.provider_id,
            allowed_models: keys.allowed_models,
          })
          .from(keys)
          .where(eq(keys.id, key_id))
  if (key_id !== undefined && key === undefined) throw notFound('key')
  const id = key?.member_id ?? member_id ?? ''
  const [member] = await tx
    .select({ kind: members.kind, role: members.role, location_id: members.location_id })
    .from(members)
    .where(and(eq(members.id, id), isNull(members.removed_at)))
  if (member === undefined) throw notFound('member')
  const groups = await tx
    .select({ group_id: group_members.group_id })
    .from(group_members)
    .where(eq(group_members.member_id, id))
  return {
    member_id: id,
    member_kind: member.kind,
    member_role: member.role,
    location_id: member.location_id,
    group_ids: groups.map(({ group_id }) => group_id),
    provider_id: key?.provider_id ?? null,
    allowed_models: key?.allowed_models ?? null,
  }
}

/** The saved rules, with the draft at its place among them. */
async function rulesWith(tx: TenantTx, draft: z.output<typeof TryRules>['draft']): Promise<Tried[]> {
  const saved = await readRules(tx)
  if (draft === undefined) return saved
  const { id, position, ...terms } = draft
  const place = saved.findIndex((rule) => rule.id === id)
  if (id !== undefined && place === -1) throw notFound('rule')
  await checkTerms(tx, terms, saved[place])
  const others: Tried[] = saved.filter((rule) => rule.id !== id)
  const at = position ?? (place === -1 ? RULES_MAX : place + 1)
  return others.toSpliced(at - 1, 0, { ...terms, id: id ?? null })
}

/** The models that the name may mean for this person, as the gateway finds them, by whichever dialect they speak. */
async function modelsFor(
  tx: TenantTx,
  asker: ModelTerms,
  { model: name, provider_id }: z.output<typeof TryRules>,
): Promise<Candidates> {
  if (provider_id !== undefined) {
    const isIt = and(eq(providers.id, provider_id), isNull(providers.deleted_at))
    if ((await tx.$count(providers, isIt)) === 0) throw notFound('provider')
  }
  const catalogue = catalogueOf(await readTenantCatalogue(tx))
  const ask = (dialect: Dialect) => candidates(catalogue, asker, { name, dialect }, () => 0)
  const speaking = DIALECTS.find((dialect) => ask(dialect).ok)
  const found = ask(speaking ?? 'chat')
  if (!found.ok || provider_id === undefined) return found
  const [first, ...rest] = found.models.filter((model) => model.provider.id === provider_id)
  if (first === undefined) throw invalidField('provider_id', 'This provider doesn’t offer that model to this person.')
  return { ok: true, models: [first, ...rest] }
}
