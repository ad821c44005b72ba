import { allTenants, type Database, type TenantTx, withTenant } from '@stipend/db'
import { type SQL, sql } from 'drizzle-orm'

export type Violation = { tenant_id: string; check: string; subject: string; detail: string }
export type AuditReport = {
  tenants: number
  accounts: number
  usage_events: number
  leases: number
  /** What each check looked for, as shown to the operator. */
  checks: string[]
  violations: Violation[]
}

/** Each answers the rows that break it, as (subject, detail). None of them on a sound ledger, at any moment. */
const CHECKS: { name: string; broken: SQL }[] = [
  {
    name: 'spent + leased never exceeds the limit (or what was gone when it was lowered)',
    broken: sql`
      select account_id as subject,
             format('%s spent + %s leased > %s + %s', spent_nanos, leased_nanos, limit_nanos, overhang_nanos) as detail
        from account_periods where spent_nanos + leased_nanos > limit_nanos + overhang_nanos`,
  },
  {
    name: 'what an account has leased is what its leases hold',
    broken: sql`
      select p.account_id as subject, format('%s leased, its leases hold %s', p.leased_nanos, coalesce(sum(l.amount_nanos), 0)) as detail
        from account_periods p
        left join lease_periods lp on lp.tenant_id = p.tenant_id and lp.account_id = p.account_id and lp.starts_at = p.starts_at
        left join leases l on l.tenant_id = lp.tenant_id and l.id = lp.lease_id
       group by p.tenant_id, p.account_id, p.starts_at, p.leased_nanos
      having p.leased_nanos <> coalesce(sum(l.amount_nanos), 0)`,
  },
  {
    name: 'what an account has spent is the sum of its usage events',
    broken: sql`
      with charged as (
        select account_id, sum(cost_nanos) as cost_nanos
          from usage_events u,
               lateral unnest(array[u.key_id, u.allocation_id, case when u.draws_on_balance then u.tenant_id end]) as account_id
         where account_id is not null group by account_id),
      spent as (select account_id, sum(spent_nanos) as spent_nanos from account_periods group by account_id)
      select coalesce(s.account_id, c.account_id) as subject,
             format('%s spent, usage events sum to %s', coalesce(s.spent_nanos, 0), coalesce(c.cost_nanos, 0)) as detail
        from spent s full join charged c on c.account_id = s.account_id
       where coalesce(s.spent_nanos, 0) <> coalesce(c.cost_nanos, 0)`,
  },
  {
    name: 'every ledger transaction has two sides that sum to zero',
    broken: sql`
      select t.id as subject, format('%s entries sum to %s', count(e.account), coalesce(sum(e.amount_nanos), 0)) as detail
        from ledger_transactions t
        left join ledger_entries e on e.tenant_id = t.tenant_id and e.transaction_id = t.id
       group by t.tenant_id, t.id having count(e.account) < 2 or sum(e.amount_nanos) <> 0`,
  },
  {
    name: 'ledger transactions are numbered without gaps, and each says the balance after it',
    broken: sql`
      select id as subject, format('number %s, balance %s; it is the %sth, and they sum to %s', number, balance_after_nanos, place, total) as detail
        from (select t.id, t.number, t.balance_after_nanos, row_number() over (order by t.number) as place,
                     sum(coalesce(e.amount_nanos, 0)) over (order by t.number) as total
                from ledger_transactions t
                left join ledger_entries e on e.tenant_id = t.tenant_id and e.transaction_id = t.id and e.account = 'balance') counted
       where number <> place or balance_after_nanos <> total`,
  },
  {
    name: 'a balance’s credit is the sum of its ledger entries, usage apart',
    broken: sql`
      select a.id as subject, format('%s credited, ledger entries sum to %s', a.limit_nanos, coalesce(e.total, 0)) as detail
        from accounts a
        left join (select t.tenant_id, sum(e.amount_nanos) as total
                     from ledger_transactions t
                     join ledger_entries e on e.tenant_id = t.tenant_id and e.transaction_id = t.id
                    where e.account = 'balance' and t.kind <> 'usage' group by t.tenant_id) e on e.tenant_id = a.tenant_id
       where a.kind = 'balance' and a.limit_nanos <> coalesce(e.total, 0)`,
  },
  {
    // Of the last three hours something may still be on its way; never may more be charged than was used.
    name: 'what the ledger charged for usage is what usage events of those hours cost',
    broken: sql`
      with charged as (
        select t.covers_from as hour, -sum(e.amount_nanos) as cost
          from ledger_transactions t join ledger_entries e on e.tenant_id = t.tenant_id and e.transaction_id = t.id
         where t.kind = 'usage' and e.account = 'balance' group by 1),
      used as (
        select date_trunc('hour', settled_at, 'UTC') as hour, sum(cost_nanos) as cost
          from usage_events where draws_on_balance group by 1),
      last as (select max(covers_until) as at from ledger_transactions where kind = 'usage')
      select coalesce(c.hour, u.hour)::text as subject,
             format('%s charged, usage events cost %s', coalesce(c.cost, 0), coalesce(u.cost, 0)) as detail
        from charged c full join used u on u.hour = c.hour cross join last
       where coalesce(c.cost, 0) > coalesce(u.cost, 0)
          or (coalesce(c.cost, 0) < coalesce(u.cost, 0) and coalesce(c.hour, u.hour) < last.at - interval '3 hours')`,
  },
  {
    name: 'what a payment was credited, refunded and disputed is what the ledger has of it',
    broken: sql`
      with posted as (
        select t.payment_id,
               coalesce(sum(e.amount_nanos) filter (where t.kind = 'top_up'), 0) as credited,
               coalesce(-sum(e.amount_nanos) filter (where t.kind in ('refund', 'refund_reversal')), 0) as refunded,
               coalesce(-sum(e.amount_nanos) filter (where t.kind in ('dispute', 'dispute_reversal')), 0) as disputed
          from ledger_transactions t join ledger_entries e on e.tenant_id = t.tenant_id and e.transaction_id = t.id
         where t.payment_id is not null and e.account = 'balance' group by 1)
      select coalesce(p.id, l.payment_id) as subject,
             format('credited %s, refunded %s, disputed %s; the ledger has %s, %s, %s', p.credited_nanos, p.refunded_nanos,
                    p.disputed_nanos, l.credited, l.refunded, l.disputed) as detail
        from payments p full join posted l on l.payment_id = p.id
       where (coalesce(p.credited_nanos, 0), coalesce(p.refunded_nanos, 0), coalesce(p.disputed_nanos, 0))
          <> (coalesce(l.credited, 0), coalesce(l.refunded, 0), coalesce(l.disputed, 0))`,
  },
  {
    name: 'of promotional money, what was used and taken back is no more than was given, and is in the ledger',
    broken: sql`
      select p.id as subject, format('%s given, %s taken back; the ledger has %s and %s', p.amount_nanos, p.taken_nanos, l.given, l.taken) as detail
        from promotions p cross join lateral (
          select coalesce(sum(e.amount_nanos) filter (where t.kind = 'promotion' and t.external_id = p.id), 0) as given,
                 coalesce(-sum(e.amount_nanos) filter (where t.kind = 'promotion_expiry' and t.external_id like p.id || ':%'), 0) as taken
            from ledger_transactions t join ledger_entries e on e.tenant_id = t.tenant_id and e.transaction_id = t.id
           where t.kind in ('promotion', 'promotion_expiry') and e.account = 'balance') l
       where (p.amount_nanos, p.taken_nanos) <> (l.given, l.taken)`,
  },
  {
    name: 'hourly sums agree with the usage events',
    broken: sql`
      with hours as (select key_id, model, sum(requests) as requests, sum(cost_nanos) as cost, sum(input_tokens) as input, sum(output_tokens) as output
                       from usage_hours group by key_id, model),
      events as (select key_id, model, count(*) as requests, sum(cost_nanos) as cost, sum(input_tokens) as input, sum(output_tokens) as output
                   from usage_events group by key_id, model)
      select coalesce(h.key_id, e.key_id) as subject,
             format('%s: %s requests for %s by the hour, %s for %s as events', coalesce(h.model, e.model), h.requests, h.cost, e.requests, e.cost) as detail
        from hours h full join events e on e.key_id = h.key_id and e.model = h.model
       where (h.requests, h.cost, h.input, h.output) is distinct from (e.requests, e.cost, e.input, e.output)`,
  },
  {
    name: 'every lease is drawn from its key’s own account',
    broken: sql`
      select l.id as subject, 'drawn from no account of its key' as detail
        from leases l
       where not exists (select from lease_periods lp
                          where lp.tenant_id = l.tenant_id and lp.lease_id = l.id and lp.account_id = l.key_id)`,
  },
]

/**
 * Proves the ledger's invariants on a live database: each tenant in one snapshot, while requests go on. Reads everything, so it
 * takes time on a large one; it blocks nobody.
 */
export async function auditLedger(database: Database): Promise<AuditReport> {
  const tenants = await allTenants(database)
  const report: AuditReport = {
    tenants: tenants.length,
    accounts: 0,
    usage_events: 0,
    leases: 0,
    checks: CHECKS.map((check) => check.name),
    violations: [],
  }
  for (const tenant of tenants) {
    await withTenant(database, tenant.id, (tx) => auditTenant(tx, tenant.id, report), {
      isolationLevel: 'repeatable read',
      accessMode: 'read only',
    })
  }
  return report
}

async function auditTenant(tx: TenantTx, tenant_id: string, report: AuditReport): Promise<void> {
  await tx.execute(sql`set local statement_timeout = 0`)
  const [counts] = await tx.execute<{ accounts: number; usage_events: number; leases: number }>(sql`
    select (select count(*)::int from accounts) as accounts, (select count(*)::int from usage_events) as usage_events,
           (select count(*)::int from leases) as leases`)
  report.accounts += counts?.accounts ?? 0
  report.usage_events += counts?.usage_events ?? 0
  report.leases += counts?.leases ?? 0
  for (const { name, broken } of CHECKS) {
    const rows = await tx.execute<{ subject: string; detail: string }>(broken)
    report.violations.push(...rows.map((row) => ({ tenant_id, check: name, ...row })))
  }
}
