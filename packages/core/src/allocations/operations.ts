import type { TenantTx } from '@stipend/db'
import { account_periods, accounts, allocations, tenants } from '@stipend/db/schema'
import { and, desc, eq, sql } from 'drizzle-orm'
import { DomainError } from '../errors.ts'
import { toNanos } from '../fields.ts'
import { budgetColumns, budgetView, currentPeriod } from '../keys/operations.ts'
import { command, query } from '../operation.ts'
import { decodeCursor, pageOf, toPage } from '../page.ts'
import { Allocation, CreateAllocation, ListAllocations } from './allocation.ts'

function selectAllocations(tx: TenantTx) {
  return tx
    .select({
      id: allocations.id,
      name: allocations.name,
      created_at: allocations.created_at,
      keys_count: sql<number>`(select count(*)::int from keys k
        where k.tenant_id = allocations.tenant_id and k.allocation_id = allocations.id)`,
      ...budgetColumns,
    })
    .from(allocations)
    .innerJoin(accounts, and(eq(accounts.tenant_id, allocations.tenant_id), eq(accounts.id, allocations.id)))
    .innerJoin(tenants, eq(tenants.id, allocations.tenant_id))
    .leftJoin(account_periods, currentPeriod)
}

type Row = Awaited<ReturnType<ReturnType<typeof selectAllocations>['execute']>>[number]

function view(row: Row): Allocation {
  const { id, name, created_at, keys_count } = row
  return { id, name, created_at, keys_count, budget: budgetView(row) }
}

export const list = query({
  name: 'allocations.list',
  permission: 'allocations:read',
  summary: 'Pots of money that several keys draw from, newest first.',
  input: ListAllocations,
  output: pageOf(Allocation),
  errors: [],
  handle: async ({ tx, input }) => {
    const after = input.cursor === undefined ? undefined : decodeCursor(input.cursor, 2)
    const rows = await selectAllocations(tx)
      .where(after && sql`(${allocations.created_at}, ${allocations.id}) < (${after[0]}::timestamptz, ${after[1]})`)
      .orderBy(desc(allocations.created_at), desc(allocations.id))
      .limit(input.limit + 1)
    return toPage(rows, input.limit, view, (row) => [row.created_at, row.id])
  },
})

export const create = command({
  name: 'allocations.create',
  permission: 'allocations:write',
  summary: 'Create a pot of money for several keys.',
  input: CreateAllocation,
  output: Allocation,
  errors: ['conflict'],
  handle: async ({ tx, input, now, newId }) => {
    const [taken] = await tx.select({ id: allocations.id }).from(allocations).where(eq(allocations.name, input.name))
    if (taken !== undefined) throw new DomainError('conflict', 'There is an allocation with this name already.')
    const id = newId('allocation')
    const limit_nanos = toNanos(input.budget_usd)
    await tx.insert(accounts).values({ id, kind: 'allocation', limit_nanos, renewal: input.renewal })
    await tx.insert(allocations).values({ id, name: input.name, created_at: now.toISOString() })
    const [row] = await selectAllocations(tx).where(eq(allocations.id, id))
    if (row === undefined) throw new Error('the allocation just made is not there')
    return { output: view(row), audit: { target_id: id, after: view(row) } }
  },
})
