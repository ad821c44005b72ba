import type { TenantTx } from '@stipend/db'
import { rules, tenants } from '@stipend/db/schema'
import { eq, sql } from 'drizzle-orm'
import { z } from 'zod'
import { DomainError, invalidField, notFound } from '../errors.ts'
import { command, query } from '../operation.ts'
import { checkTerms } from './check.ts'
import { CreateRule, DeletedRule, ReorderRules, RULES_MAX, Rule, RuleList, RuleRef, UpdateRule } from './rule.ts'
import { readRules, viewRule, viewRules } from './view.ts'

export { tryOut as try } from './trying.ts'

export const list = query({
  name: 'rules.list',
  permission: 'rules:read',
  summary:
    'Rules in the order they are asked in: the first that matches a request decides, and where none does it is allowed.',
  input: z.strictObject({}),
  output: RuleList,
  errors: [],
  handle: async ({ tx, actor, now }) => ({ data: await viewRules(tx, actor, now), next_cursor: null }),
})

export const get = query({
  name: 'rules.get',
  permission: 'rules:read',
  summary: 'One rule.',
  input: RuleRef,
  output: Rule,
  errors: ['not_found'],
  handle: ({ tx, actor, input, now }) => viewRule(tx, actor, now, input.id),
})

export const create = command({
  name: 'rules.create',
  permission: 'rules:write',
  summary: 'Make a rule. It holds in all gateways within a second, for requests that begin from then on.',
  input: CreateRule,
  output: Rule,
  errors: ['conflict', 'not_found'],
  handle: async ({ tx, actor, input, now, newId }) => {
    const { position = RULES_MAX, ...terms } = input
    await checkTerms(tx, terms)
    const { ids } = await lockOrder(tx)
    if (ids.length >= RULES_MAX) {
      throw new DomainError('conflict', `There are ${RULES_MAX} rules already. Delete one that is no longer needed.`)
    }
    const id = newId('rule')
    const at = now.toISOString()
    await tx.insert(rules).values({ id, ...terms, position: ids.length + 1, created_at: at, updated_at: at })
    await setOrder(tx, ids.toSpliced(position - 1, 0, id))
    const rule = await viewRule(tx, actor, now, id)
    return { output: rule, audit: { target_id: id, after: rule } }
  },
})

export const update = command({
  name: 'rules.update',
  permission: 'rules:write',
  summary: 'Change a rule, or switch it off and on. Only the fields given are changed.',
  input: UpdateRule,
  output: Rule,
  errors: ['not_found'],
  handle: async ({ tx, actor, input, now }) => {
    const { id, ...changes } = input
    const [row] = await tx.select().from(rules).where(eq(rules.id, id)).for('update')
    if (row === undefined) throw notFound('rule')
    const before = await viewRule(tx, actor, now, id)
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
    await checkTerms(tx, { ...row, ...given }, row)
    await tx
      .update(rules)
      .set({ ...given, updated_at: now.toISOString() })
      .where(eq(rules.id, id))
    const after = await viewRule(tx, actor, now, id)
    return { output: after, audit: { target_id: id, before, after } }
  },
})

export const reorder = command({
  name: 'rules.reorder',
  permission: 'rules:write',
  summary: 'Say in which order rules are asked: all of them, each once.',
  input: ReorderRules,
  output: RuleList,
  errors: ['not_found', 'conflict'],
  handle: async ({ tx, actor, input, now }) => {
    const { tenant_id, ids: before } = await lockOrder(tx)
    const wanted = new Set(input.ids)
    if (wanted.size < input.ids.length) throw invalidField('ids', 'Name each rule once.')
    if (input.ids.some((id) => !before.includes(id))) throw notFound('rule')
    if (wanted.size < before.length) {
      throw new DomainError('conflict', 'There are other rules than these by now. Look at them, and order all of them.')
    }
    await setOrder(tx, input.ids)
    return {
      output: { data: await viewRules(tx, actor, now), next_cursor: null },
      audit: { target_id: tenant_id, before: { ids: before }, after: { ids: input.ids } },
    }
  },
})

export { remove as delete }

const remove = command({
  name: 'rules.delete',
  permission: 'rules:write',
  summary: 'Delete a rule, with what was counted of it. The audit log keeps what it said.',
  input: RuleRef,
  output: DeletedRule,
  errors: ['not_found'],
  handle: async ({ tx, actor, input, now }) => {
    await lockOrder(tx)
    const before = await viewRule(tx, actor, now, input.id)
    await tx.delete(rules).where(eq(rules.id, input.id))
    return { output: { id: input.id }, audit: { target_id: input.id, before, after: null } }
  },
})

/** The ids of all rules in their order. Whoever else wants to change it waits until this transaction is over. */
async function lockOrder(tx: TenantTx): Promise<{ tenant_id: string; ids: string[] }> {
  const [tenant] = await tx.select({ id: tenants.id }).from(tenants).for('no key update')
  if (tenant === undefined) throw notFound('organisation')
  return { tenant_id: tenant.id, ids: (await readRules(tx)).map(({ id }) => id) }
}

async function setOrder(tx: TenantTx, ids: string[]): Promise<void> {
  await tx.execute(sql`update rules set position = wanted.position
    from unnest(${sql.param(ids)}::text[]) with ordinality wanted (id, position)
    where rules.id = wanted.id and rules.position <> wanted.position`)
}
