-- The books of a tenant: what came in and where it went, in transactions of two or more entries that sum to zero. What may be spent
-- is decided elsewhere (3-spend.sql); the two agree at every moment, and `npm run audit` proves it.

-- Posts one movement, or nothing where this kind has this external id already. `p_entries` is {"account": nanodollars}. What it does
-- to the balance changes what may be spent, at once; but usage doesn't, which was taken from there when it was settled.
-- Answers what was posted, or null.
create or replace function app.post_to_ledger(
  p_id text, p_kind text, p_external_id text, p_cause text, p_created_by text, p_entries jsonb,
  p_effective_at timestamptz default null, p_covers_from timestamptz default null, p_covers_until timestamptz default null,
  p_payment_id text default null
) returns ledger_transactions language plpgsql as $$
declare
  tenant text := app.current_tenant();
  change bigint := coalesce((p_entries ->> 'balance')::bigint, 0);
  last record;
  posted ledger_transactions;
begin
  -- One at a time: numbers without gaps, and nothing twice.
  perform from accounts a where a.tenant_id = tenant and a.id = tenant for update;
  if not found then
    raise exception 'a tenant has no balance';
  end if;
  if exists (select from ledger_transactions t
              where t.tenant_id = tenant and t.kind = p_kind and t.external_id = p_external_id) then
    return null;
  end if;
  select t.number, t.balance_after_nanos into last
    from ledger_transactions t where t.tenant_id = tenant order by t.number desc limit 1;
  insert into ledger_transactions
    (id, number, kind, external_id, cause, payment_id, covers_from, covers_until, effective_at, balance_after_nanos, created_by,
     created_at)
    values (p_id, coalesce(last.number, 0) + 1, p_kind, p_external_id, p_cause, p_payment_id, p_covers_from, p_covers_until,
            coalesce(p_effective_at, clock_timestamp()), coalesce(last.balance_after_nanos, 0) + change, p_created_by,
            clock_timestamp())
    returning * into posted;
  insert into ledger_entries (transaction_id, account, amount_nanos)
    select p_id, key, value::bigint from jsonb_each_text(p_entries) where value::bigint <> 0;

  if p_kind <> 'usage' and change <> 0 then
    update accounts a set limit_nanos = a.limit_nanos + change where a.tenant_id = tenant and a.id = tenant;
    -- Money that is gone can't be taken back: what spent and leased are above the new limit is an overhang, and nothing more can be
    -- drawn until it is made up for.
    update account_periods p
       set limit_nanos = p.limit_nanos + change,
           overhang_nanos = greatest(0, p.spent_nanos + p.leased_nanos - (p.limit_nanos + change))
     where p.tenant_id = tenant and p.account_id = tenant;
  end if;
  return posted;
end $$;

-- Charges the tenant's settled usage of the platform's providers, an hour of UTC at a time, up to the last whole hour before
-- `p_until`. What was settled into an hour that has been charged already is charged as a further transaction of that hour. Safe to
-- repeat. `p_ids` are ids for what may be posted; answers how many were, at most as many: then it is to be called again.
create or replace function app.charge_usage(p_until timestamptz, p_ids text[]) returns int language plpgsql as $$
declare
  tenant text := app.current_tenant();
  until timestamptz := date_trunc('hour', p_until, 'UTC');
  charged_until timestamptz;
  since timestamptz;
  one record;
  posted int := 0;
begin
  perform from accounts a where a.tenant_id = tenant and a.id = tenant for update;
  -- A batch that took long is committed after its time: the hours before the last one are looked at again.
  select max(t.covers_until) into charged_until from ledger_transactions t where t.tenant_id = tenant and t.kind = 'usage';
  since := coalesce(charged_until - interval '3 hours', '-infinity');
  for one in
    with used as (
      select date_trunc('hour', u.settled_at, 'UTC') as hour, sum(u.cost_nanos)::bigint as cost,
             sum(app.provider_part(u.cost_nanos, u.price_id))::bigint as provider
        from usage_events u
       where u.tenant_id = tenant and u.draws_on_balance and u.settled_at >= since and u.settled_at < until
       group by 1
    ), charged as (
      select t.covers_from as hour, count(distinct t.id) as times,
             sum(e.amount_nanos) filter (where e.account in ('providers', 'markup')) as cost,
             coalesce(sum(e.amount_nanos) filter (where e.account = 'providers'), 0) as provider
        from ledger_transactions t join ledger_entries e on e.tenant_id = tenant and e.transaction_id = t.id
       where t.tenant_id = tenant and t.kind = 'usage' and t.covers_from >= since and t.covers_from < until
       group by 1
    )
    select used.hour, coalesce(charged.times, 0) as times, used.cost - coalesce(charged.cost, 0) as cost,
           used.provider - coalesce(charged.provider, 0) as provider
      from used left join charged on charged.hour = used.hour
     where used.cost <> coalesce(charged.cost, 0) order by used.hour
  loop
    exit when posted >= array_length(p_ids, 1);
    posted := posted + 1;
    perform app.post_to_ledger(
      p_ids[posted], 'usage', to_char(one.hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24') || '#' || (one.times + 1)::text,
      case when one.times = 0 then 'Usage' else 'Usage settled late' end, 'worker',
      jsonb_build_object('balance', -one.cost, 'providers', one.provider, 'markup', one.cost - one.provider),
      -- Late ones count for the hour they are posted in: a month that is over doesn't change.
      case when one.times = 0 and (charged_until is null or one.hour >= charged_until)
           then one.hour + interval '1 hour' - interval '1 millisecond' end,
      one.hour, one.hour + interval '1 hour');
  end loop;
  return posted;
end $$;

-- Of what a request cost, the part that is the provider's; the rest is what the platform puts on top.
create or replace function app.provider_part(p_cost_nanos bigint, p_price_id text) returns bigint language sql stable as $$
  select coalesce(
    (select div(p_cost_nanos::numeric * 10000 + p.markup_bp + 9999, p.markup_bp + 10000)::bigint from prices p where p.id = p_price_id),
    p_cost_nanos)
$$;

-- A transaction of which the entries don't sum to zero is not one.
create or replace function app.require_two_sides() returns trigger language plpgsql as $$
declare
  id text := case tg_table_name when 'ledger_entries' then to_jsonb(new) ->> 'transaction_id' else to_jsonb(new) ->> 'id' end;
  sides record;
begin
  select count(*) as entries, sum(e.amount_nanos) as total into sides
    from ledger_entries e where e.tenant_id = new.tenant_id and e.transaction_id = id;
  if sides.entries < 2 or sides.total <> 0 then
    raise exception 'ledger transaction % has % entries that sum to %', id, sides.entries, sides.total using errcode = '23514';
  end if;
  return null;
end $$;

do $$
declare name text;
begin
  foreach name in array array['ledger_transactions', 'ledger_entries'] loop
    if not exists (select from pg_trigger t where t.tgname = 'two_sides' and t.tgrelid = name::regclass) then
      execute format('create constraint trigger two_sides after insert on %I deferrable initially deferred
                      for each row execute function app.require_two_sides()', name);
    end if;
  end loop;
end $$;

do $$
declare name regprocedure;
begin
  for name in
    select p.oid::regprocedure from pg_proc p join pg_roles r on r.oid = p.proowner
     where p.pronamespace = 'app'::regnamespace and r.rolname = 'stipend_owner'
  loop
    execute format('revoke all on function %s from public', name);
    execute format('grant execute on function %s to stipend_app, stipend_lookup', name);
  end loop;
end $$;
