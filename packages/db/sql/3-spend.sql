-- The ledger. Each function does one step of spending in one statement, so in one transaction and one round trip, with rows
-- locked in one order everywhere: lease, then the periods of key, allocation, balance. They run as the caller: policies apply.

-- When the period that holds p_at began. Periods that no clock ends begin at the epoch.
create or replace function app.period_start(p_renewal text, p_zone text, p_at timestamptz) returns timestamptz
language sql stable as $$
  select case p_renewal
    when 'daily' then date_trunc('day', p_at, p_zone)
    when 'weekly' then date_trunc('week', p_at, p_zone)
    when 'monthly' then date_trunc('month', p_at, p_zone)
    else 'epoch'::timestamptz
  end
$$;

-- When the next period begins; null where no clock decides it. By the wall clock of the zone, so a day may have 23 or 25 hours.
create or replace function app.period_end(p_renewal text, p_zone text, p_at timestamptz) returns timestamptz
language sql stable as $$
  select case p_renewal
    when 'daily' then (date_trunc('day', p_at at time zone p_zone) + interval '1 day') at time zone p_zone
    when 'weekly' then (date_trunc('week', p_at at time zone p_zone) + interval '1 week') at time zone p_zone
    when 'monthly' then (date_trunc('month', p_at at time zone p_zone) + interval '1 month') at time zone p_zone
  end
$$;

-- Finds a key by the hash of its secret, checks it, and draws a lease of p_least to p_want nanodollars from its whole account
-- chain. With p_want = 0 it only says who the key is. `refusal` is an error code, or null; a refused draw changes nothing.
create or replace function app.draw(
  p_secret_hash bytea, p_gateway_id text, p_lease_id text, p_want bigint, p_least bigint, p_uses_balance boolean,
  p_at timestamptz default null,
  out refusal text, out tenant_id text, out key_id text, out member_id text, out allocation_id text,
  out granted_nanos bigint, out available_nanos bigint,
  out valid_from timestamptz, out valid_until timestamptz, out time_zone text, out renews_at timestamptz
) language plpgsql as $$
#variable_conflict use_column
declare
  at timestamptz := coalesce(p_at, clock_timestamp());
  hit record;
  subject record;
  chain text[];
  account accounts%rowtype;
  period account_periods%rowtype;
  starts timestamptz[] := '{}';
  raises int[] := '{}';
  raise_by int;
  left_nanos bigint;
  i int;
begin
  select * into hit from app.find_key(p_secret_hash);
  if hit.id is null then
    refusal := 'invalid_api_key';
    return;
  end if;
  perform set_config('app.tenant_id', hit.tenant_id, true);
  tenant_id := hit.tenant_id;
  key_id := hit.id;

  select k.member_id, k.allocation_id, k.valid_from, k.valid_until, k.disabled_at, k.revoked_at,
         m.deactivated_at, t.time_zone
    into subject
    from keys k
    join members m on m.tenant_id = k.tenant_id and m.id = k.member_id
    join tenants t on t.id = k.tenant_id
   where k.tenant_id = hit.tenant_id and k.id = hit.id;
  member_id := subject.member_id;
  allocation_id := subject.allocation_id;
  valid_from := subject.valid_from;
  valid_until := subject.valid_until;
  time_zone := subject.time_zone;

  refusal := case
    when subject.revoked_at is not null then 'key_revoked'
    when subject.disabled_at is not null or subject.deactivated_at is not null then 'key_disabled'
    when subject.valid_until <= at then 'key_expired'
    when subject.valid_from > at then 'key_not_yet_valid'
  end;
  if refusal is not null or p_want <= 0 then
    return;
  end if;

  chain := array_remove(array[key_id, allocation_id, case when p_uses_balance then tenant_id end], null);
  granted_nanos := p_want;
  for i in 1 .. array_length(chain, 1) loop
    select a.* into account from accounts a where a.tenant_id = draw.tenant_id and a.id = chain[i];
    starts := starts || app.period_start(account.renewal, time_zone, at);
    insert into account_periods (account_id, starts_at, limit_nanos)
      values (account.id, starts[i], account.limit_nanos) on conflict do nothing;
    select p.* into period from account_periods p
     where p.tenant_id = draw.tenant_id and p.account_id = account.id and p.starts_at = starts[i]
       for update;
    raise_by := 0;
    if period.limit_nanos is null then
      left_nanos := p_want;
    else
      left_nanos := period.limit_nanos - period.spent_nanos - period.leased_nanos;
      if account.renewal = 'when_used_up' and account.limit_nanos > 0 and left_nanos < p_least then
        -- Used up: give as many further budgets as this request needs and the key may still have.
        raise_by := least(
          (p_least - left_nanos + account.limit_nanos - 1) / account.limit_nanos,
          coalesce(account.renewals_max - period.renewals, 2147483647));
        left_nanos := left_nanos + raise_by * account.limit_nanos;
      end if;
    end if;
    raises := raises || raise_by;
    if left_nanos < p_least then
      refusal := case account.kind
        when 'key' then 'budget_exhausted' when 'allocation' then 'allocation_exhausted' else 'balance_exhausted' end;
      available_nanos := greatest(left_nanos, 0);
      granted_nanos := null;
      renews_at := app.period_end(account.renewal, time_zone, at);
      return;
    end if;
    granted_nanos := least(granted_nanos, left_nanos);
  end loop;

  insert into leases (id, gateway_id, key_id, amount_nanos) values (p_lease_id, p_gateway_id, key_id, granted_nanos);
  for i in 1 .. array_length(chain, 1) loop
    update account_periods p
       set leased_nanos = p.leased_nanos + granted_nanos,
           renewals = p.renewals + raises[i],
           limit_nanos = p.limit_nanos + raises[i] * (select a.limit_nanos from accounts a where a.tenant_id = p.tenant_id and a.id = p.account_id)
     where p.tenant_id = draw.tenant_id and p.account_id = chain[i] and p.starts_at = starts[i];
    insert into lease_periods (lease_id, position, account_id, starts_at)
      values (p_lease_id,
              case when chain[i] = key_id then 1 when chain[i] = allocation_id then 2 else 3 end,
              chain[i], starts[i]);
  end loop;
end $$;

-- Takes p_charge and p_release out of a lease: the first becomes spent, the second is free again. An emptied lease is removed.
create or replace function app.take_from_lease(p_lease_id text, p_charge bigint, p_release bigint) returns void
language plpgsql as $$
declare one record;
begin
  for one in
    select lp.account_id, lp.starts_at from lease_periods lp
     where lp.tenant_id = (select app.current_tenant()) and lp.lease_id = p_lease_id order by lp.position
  loop
    update account_periods p
       set spent_nanos = p.spent_nanos + p_charge, leased_nanos = p.leased_nanos - p_charge - p_release
     where p.tenant_id = (select app.current_tenant()) and p.account_id = one.account_id and p.starts_at = one.starts_at;
  end loop;
  update leases l set amount_nanos = l.amount_nanos - p_charge - p_release
   where l.tenant_id = (select app.current_tenant()) and l.id = p_lease_id;
  delete from lease_periods lp using leases l
   where l.tenant_id = (select app.current_tenant()) and l.id = p_lease_id and l.amount_nanos = 0
     and lp.tenant_id = l.tenant_id and lp.lease_id = l.id;
  delete from leases l where l.tenant_id = (select app.current_tenant()) and l.id = p_lease_id and l.amount_nanos = 0;
end $$;

-- Records what a request cost, once however often it is told, and moves that money from leased to spent. `p_event` has the
-- fields of usage_events and `lease_id`, `release_nanos`. Says 'settled' or 'duplicate'.
--
-- Where the lease is gone (its gateway was given up for dead and came back), the request is charged what its accounts still
-- have, and the rest is recorded as excess: a limit holds even then.
create or replace function app.settle(p_event jsonb) returns text language plpgsql as $$
declare
  event usage_events := jsonb_populate_record(null::usage_events, p_event);
  lease leases%rowtype;
  charge bigint;
  chain text[];
  one record;
  left_nanos bigint;
begin
  perform set_config('app.tenant_id', event.tenant_id, true);
  select l.* into lease from leases l where l.tenant_id = event.tenant_id and l.id = p_event ->> 'lease_id' for update;
  if lease.id is null then
    if exists (select from usage_events u where u.tenant_id = event.tenant_id and u.started_at = event.started_at and u.id = event.id) then
      return 'duplicate';
    end if;
    charge := event.cost_nanos;
    for one in
      select p.* from app.periods_of(event) p
    loop
      charge := least(charge, one.left_nanos);
    end loop;
    charge := greatest(charge, 0);
  else
    charge := least(event.cost_nanos, lease.amount_nanos);
  end if;

  event.excess_nanos := event.excess_nanos + event.cost_nanos - charge;
  event.cost_nanos := charge;
  event.settled_at := clock_timestamp();
  insert into usage_events select event.* on conflict do nothing;
  if not found then
    return 'duplicate';
  end if;

  if lease.id is null then
    for one in
      select p.* from app.periods_of(event) p
    loop
      update account_periods p set spent_nanos = p.spent_nanos + charge
       where p.tenant_id = event.tenant_id and p.account_id = one.account_id and p.starts_at = one.starts_at;
    end loop;
  else
    perform app.take_from_lease(lease.id, charge, least((p_event ->> 'release_nanos')::bigint, lease.amount_nanos - charge));
  end if;

  update keys k set last_used_at = greatest(k.last_used_at, event.started_at)
   where k.tenant_id = event.tenant_id and k.id = event.key_id;
  -- Hours of the tenant's wall clock, which don't begin with those of UTC everywhere: a day is then made of whole ones.
  insert into usage_hours as h (hour, key_id, member_id, model, requests, failed_requests, input_tokens, output_tokens, cost_nanos)
    values (date_trunc('hour', event.started_at, coalesce((select t.time_zone from tenants t where t.id = event.tenant_id), 'UTC')), event.key_id, event.member_id, event.model, 1,
            case when event.status = 'failed' then 1 else 0 end, event.input_tokens, event.output_tokens, charge)
    on conflict on constraint usage_hours_tenant_id_hour_key_id_model_pk do update set
      requests = h.requests + 1,
      failed_requests = h.failed_requests + excluded.failed_requests,
      input_tokens = h.input_tokens + excluded.input_tokens,
      output_tokens = h.output_tokens + excluded.output_tokens,
      cost_nanos = h.cost_nanos + excluded.cost_nanos;
  return 'settled';
end $$;

-- The periods a usage event without a lease is charged to, made where missing and locked, with what is left in each.
create or replace function app.periods_of(p_event usage_events)
returns table (account_id text, starts_at timestamptz, left_nanos bigint) language plpgsql as $$
declare
  chain text[] := array_remove(
    array[p_event.key_id, p_event.allocation_id, case when p_event.draws_on_balance then p_event.tenant_id end], null);
  zone text := (select t.time_zone from tenants t where t.id = p_event.tenant_id);
  account accounts%rowtype;
begin
  for i in 1 .. array_length(chain, 1) loop
    select a.* into account from accounts a where a.tenant_id = p_event.tenant_id and a.id = chain[i];
    continue when account.id is null;
    periods_of.account_id := account.id;
    periods_of.starts_at := app.period_start(account.renewal, zone, p_event.started_at);
    insert into account_periods (account_id, starts_at, limit_nanos)
      values (account.id, periods_of.starts_at, account.limit_nanos) on conflict do nothing;
    select coalesce(p.limit_nanos - p.spent_nanos - p.leased_nanos, 9223372036854775807) into periods_of.left_nanos
      from account_periods p
     where p.tenant_id = p_event.tenant_id and p.account_id = account.id and p.starts_at = periods_of.starts_at
       for update;
    return next;
  end loop;
end $$;

-- Gives every lease of a gateway back whole, but for those it still knows to be in use. For a gateway that has replayed its
-- journal, that lost an answer of ours, or that is given up for dead.
create or replace function app.give_back_all(p_gateway_id text, p_in_use text[] default '{}') returns int language plpgsql as $$
declare
  one record;
  amount bigint;
  given int := 0;
begin
  for one in
    select l.tenant_id, l.id from app.leases_of_gateway(p_gateway_id) l where l.id <> all (p_in_use)
  loop
    perform set_config('app.tenant_id', one.tenant_id, true);
    select l.amount_nanos into amount from leases l where l.tenant_id = one.tenant_id and l.id = one.id for update;
    continue when amount is null;
    perform app.take_from_lease(one.id, 0, amount);
    given := given + 1;
  end loop;
  return given;
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
