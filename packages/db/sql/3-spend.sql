-- The ledger. Each function does one step of spending in one statement, so in one transaction and one round trip. Rows are locked
-- in one order everywhere: leases by id, then periods of keys, of allocations, of balances, each by account. They run as the
-- caller: policies apply.

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

-- Finds a key by the hash of its secret, checks it, and draws p_least to p_want nanodollars for it from its whole account chain,
-- into the lease p_lease_id, which is made or added to. With p_want = 0 it only says who the key is.
--
-- `refusal` is an error code, or null; a refused draw changes nothing. 'lease_outdated': a renewal has come since the lease was
-- drawn; it is to be asked again with a new one. Beyond p_least at most an eighth of what is left is given, so that no lease
-- ties up an account that others need.
drop function if exists app.draw(bytea, text, text, bigint, bigint, boolean, timestamptz);
create or replace function app.draw(
  p_secret_hash bytea, p_gateway_id text, p_lease_id text, p_want bigint, p_least bigint, p_uses_balance boolean,
  p_at timestamptz default null,
  out refusal text, out tenant_id text, out key_id text, out member_id text, out allocation_id text,
  out granted_nanos bigint, out available_nanos bigint, out leased_nanos bigint,
  out valid_from timestamptz, out valid_until timestamptz, out disabled_at timestamptz, out revoked_at timestamptz,
  out time_zone text, out renews_at timestamptz, out ends_at timestamptz, out at timestamptz,
  out provider_id text, out allowed_models text[], out allowed_ips text[], out requests_per_minute int, out group_ids text[],
  out member_kind text, out member_role text, out location_id text
) language plpgsql as $$
#variable_conflict use_column
declare
  hit record;
  subject record;
  chain text[];
  account accounts%rowtype;
  period account_periods%rowtype;
  starts timestamptz[] := '{}';
  raises int[] := '{}';
  raise_by int;
  left_nanos bigint;
  share_nanos bigint := p_want;
  i int;
begin
  at := coalesce(p_at, clock_timestamp());
  select * into hit from app.find_key(p_secret_hash);
  if hit.id is null then
    refusal := 'invalid_api_key';
    return;
  end if;
  perform set_config('app.tenant_id', hit.tenant_id, true);
  tenant_id := hit.tenant_id;
  key_id := hit.id;

  select k.member_id, k.allocation_id, k.valid_from, k.valid_until, k.revoked_at,
         coalesce(k.disabled_at, m.deactivated_at) as disabled_at, t.time_zone,
         k.provider_id, k.allowed_models, k.allowed_ips, k.requests_per_minute, m.kind, m.role, m.location_id,
         array(select g.group_id from group_members g
                where g.tenant_id = k.tenant_id and g.member_id = k.member_id order by 1) as group_ids
    into subject
    from keys k
    join members m on m.tenant_id = k.tenant_id and m.id = k.member_id
    join tenants t on t.id = k.tenant_id
   where k.tenant_id = hit.tenant_id and k.id = hit.id;
  member_id := subject.member_id;
  allocation_id := subject.allocation_id;
  valid_from := subject.valid_from;
  valid_until := subject.valid_until;
  disabled_at := subject.disabled_at;
  revoked_at := subject.revoked_at;
  time_zone := subject.time_zone;
  provider_id := subject.provider_id;
  allowed_models := subject.allowed_models;
  allowed_ips := subject.allowed_ips;
  requests_per_minute := subject.requests_per_minute;
  group_ids := subject.group_ids;
  member_kind := subject.kind;
  member_role := subject.role;
  location_id := subject.location_id;

  refusal := case
    when subject.revoked_at is not null then 'key_revoked'
    when subject.disabled_at is not null then 'key_disabled'
    when subject.valid_until <= at then 'key_expired'
    when subject.valid_from > at then 'key_not_yet_valid'
  end;
  if refusal is not null or p_want <= 0 then
    return;
  end if;

  chain := array_remove(array[key_id, allocation_id, case when p_uses_balance then tenant_id end], null);
  perform from leases l where l.tenant_id = hit.tenant_id and l.id = p_lease_id for update;
  for i in 1 .. array_length(chain, 1) loop
    select a.* into account from accounts a where a.tenant_id = hit.tenant_id and a.id = chain[i];
    starts := starts || app.period_start(account.renewal, time_zone, at);
    ends_at := least(ends_at, app.period_end(account.renewal, time_zone, at));
    select p.* into period from account_periods p
     where p.tenant_id = hit.tenant_id and p.account_id = account.id and p.starts_at = starts[i]
       for update;
    if period.account_id is null then
      -- A limit that is being changed is waited for, so that the new period begins with it.
      insert into account_periods (account_id, starts_at, limit_nanos)
        select a.id, starts[i], a.limit_nanos from accounts a
         where a.tenant_id = hit.tenant_id and a.id = account.id for share
        on conflict do nothing;
      select p.* into period from account_periods p
       where p.tenant_id = hit.tenant_id and p.account_id = account.id and p.starts_at = starts[i]
         for update;
    end if;
    raise_by := 0;
    if period.limit_nanos is null then
      left_nanos := p_want;
    else
      -- Below zero where the limit was lowered: that much of a further budget is spent already.
      left_nanos := period.limit_nanos - period.spent_nanos - period.leased_nanos;
      if account.renewal = 'when_used_up' and account.limit_nanos > 0 and left_nanos < p_least then
        -- Used up: give as many further budgets as this request needs and the key may still have.
        raise_by := least(
          (p_least - left_nanos + account.limit_nanos - 1) / account.limit_nanos,
          coalesce(account.renewals_max - period.renewals, 2147483647));
        left_nanos := left_nanos + raise_by * account.limit_nanos;
      end if;
      left_nanos := greatest(left_nanos, 0);
      share_nanos := least(share_nanos, left_nanos / 8);
    end if;
    raises := raises || raise_by;
    -- The tightest account has the say, whichever its place: what it has is what a request can still be given.
    if left_nanos < p_least and (available_nanos is null or left_nanos < available_nanos) then
      refusal := case account.kind
        when 'key' then 'budget_exhausted' when 'allocation' then 'allocation_exhausted' else 'balance_exhausted' end;
      available_nanos := left_nanos;
      leased_nanos := period.leased_nanos;
      renews_at := app.period_end(account.renewal, time_zone, at);
    end if;
  end loop;
  if refusal is not null then
    return;
  end if;

  -- A lease is of one chain: money of other accounts, or of other periods of them, goes into another one.
  if exists (select from leases l where l.tenant_id = hit.tenant_id and l.id = p_lease_id) and (
    select count(*) filter (where lp.starts_at = starts[array_position(chain, lp.account_id)]) <> array_length(chain, 1)
           or count(*) <> array_length(chain, 1)
      from lease_periods lp where lp.tenant_id = hit.tenant_id and lp.lease_id = p_lease_id
  ) then
    refusal := 'lease_outdated';
    return;
  end if;

  granted_nanos := greatest(p_least, least(p_want, share_nanos));
  insert into leases as l (id, gateway_id, key_id, amount_nanos) values (p_lease_id, p_gateway_id, key_id, granted_nanos)
    on conflict on constraint leases_tenant_id_id_pk do update set amount_nanos = l.amount_nanos + excluded.amount_nanos;
  for i in 1 .. array_length(chain, 1) loop
    update account_periods p
       set leased_nanos = p.leased_nanos + granted_nanos,
           renewals = p.renewals + raises[i],
           limit_nanos = p.limit_nanos
             + raises[i] * (select a.limit_nanos from accounts a where a.tenant_id = p.tenant_id and a.id = p.account_id)
     where p.tenant_id = hit.tenant_id and p.account_id = chain[i] and p.starts_at = starts[i];
    insert into lease_periods (lease_id, position, account_id, starts_at)
      values (p_lease_id,
              case when chain[i] = key_id then 1 when chain[i] = allocation_id then 2 else 3 end,
              chain[i], starts[i])
      on conflict do nothing;
  end loop;
end $$;

drop function if exists app.settle(jsonb, jsonb);
drop function if exists app.settle_tenant(jsonb, jsonb);
drop function if exists app.settle_lost(usage_events);
drop function if exists app.settle(
  jsonb, jsonb, int[], text[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[],
  int[], int[], jsonb);
drop function if exists app.settle_tenant(
  jsonb, int[], text[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[],
  int[], int[], jsonb);
drop function if exists app.lock_periods(text[], jsonb);

-- Usage events as gateways tell of them: what few of them share (whose they are, what paid, which model, how it ended) once, in
-- `p_kinds`, and by it number `n` in `p_kind`; the rest as one array for each column.
create or replace function app.told(
  p_kinds jsonb, p_kind int[], p_id text[], p_started_ms bigint[],
  p_input bigint[], p_cached bigint[], p_cache_write bigint[], p_cache_write_1h bigint[], p_output bigint[], p_reasoning bigint[],
  p_hold bigint[], p_cost bigint[], p_excess bigint[], p_latency int[], p_first_byte int[], p_settled_at timestamptz
) returns setof usage_events language sql stable as $$
  select k.tenant_id, e.id, to_timestamp(e.started_ms::float8 / 1000), k.gateway_id, k.lease_id, k.key_id, k.member_id,
         k.allocation_id, k.draws_on_balance, k.model, k.provider_id, k.provider_name, k.price_id, k.status, k.http_status,
         k.error_code, k.is_streamed, k.is_estimated, e.input, e.cached, e.cache_write, e.cache_write_1h, e.output, e.reasoning,
         e.hold, e.cost, e.excess, e.latency, e.first_byte, p_settled_at, k.thread
    from unnest(p_kind, p_id, p_started_ms, p_input, p_cached, p_cache_write, p_cache_write_1h, p_output, p_reasoning,
                p_hold, p_cost, p_excess, p_latency, p_first_byte)
      as e (kind, id, started_ms, input, cached, cache_write, cache_write_1h, output, reasoning,
            hold, cost, excess, latency, first_byte)
    join jsonb_to_recordset(p_kinds) as k (
      n int, tenant_id text, gateway_id text, lease_id text, key_id text, member_id text, allocation_id text,
      draws_on_balance boolean, model text, provider_id text, provider_name text, price_id text, status text, http_status int,
      error_code text, is_streamed boolean, is_estimated boolean, thread text) on k.n = e.kind
   -- Tells the planner that kinds are few, so that they are what it hashes.
   where k.n > 0
$$;

-- Records what requests cost, each once however often it is told, moves that money from leased to spent, and takes back what
-- gateways don't need of their leases. All of it or nothing, and safe to repeat. Events are told as `app.told` reads them;
-- `p_places` says from where to where in the arrays those of each tenant stand. `p_returns` names leases with what is to stay in
-- them once the events are charged.
--
-- With `p_again` false one that is known already is an error (unique_violation) and nothing is done: a gateway that tells all of
-- them for the first time spares us looking.
create or replace function app.settle(
  p_places jsonb, p_kinds jsonb, p_kind int[], p_id text[], p_started_ms bigint[],
  p_input bigint[], p_cached bigint[], p_cache_write bigint[], p_cache_write_1h bigint[], p_output bigint[], p_reasoning bigint[],
  p_hold bigint[], p_cost bigint[], p_excess bigint[], p_latency int[], p_first_byte int[], p_returns jsonb,
  p_again boolean default true
) returns void language plpgsql as $$
declare
  one record;
  a int;
  b int;
begin
  for one in
    select value ->> 'tenant_id' as tenant_id from jsonb_array_elements(p_kinds || p_returns) group by 1 order by 1
  loop
    perform set_config('app.tenant_id', one.tenant_id, true);
    a := coalesce((p_places -> one.tenant_id ->> 0)::int, 1);
    b := coalesce((p_places -> one.tenant_id ->> 1)::int, 0);
    perform app.settle_tenant(
      (select coalesce(jsonb_agg(value), '[]') from jsonb_array_elements(p_kinds) where value ->> 'tenant_id' = one.tenant_id),
      p_kind[a:b], p_id[a:b], p_started_ms[a:b],
      p_input[a:b], p_cached[a:b], p_cache_write[a:b], p_cache_write_1h[a:b], p_output[a:b], p_reasoning[a:b],
      p_hold[a:b], p_cost[a:b], p_excess[a:b], p_latency[a:b], p_first_byte[a:b],
      (select coalesce(jsonb_agg(value), '[]') from jsonb_array_elements(p_returns) where value ->> 'tenant_id' = one.tenant_id),
      p_again);
  end loop;
end $$;

create or replace function app.settle_tenant(
  p_kinds jsonb, p_kind int[], p_id text[], p_started_ms bigint[],
  p_input bigint[], p_cached bigint[], p_cache_write bigint[], p_cache_write_1h bigint[], p_output bigint[], p_reasoning bigint[],
  p_hold bigint[], p_cost bigint[], p_excess bigint[], p_latency int[], p_first_byte int[], p_returns jsonb, p_again boolean
) returns void language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  tenant text := app.current_tenant();
  zone text := (select t.time_zone from tenants t where t.id = app.current_tenant());
  lease_ids text[];
  taken jsonb;
  event usage_events;
  lost usage_events[] := '{}';
  charged_lost usage_events[] := '{}';
  now_at timestamptz;
begin
  select coalesce(array_agg(l.id), '{}') into lease_ids from (
    select id from leases
     where tenant_id = tenant
       and id in (select value ->> 'lease_id' from jsonb_array_elements(p_kinds || p_returns))
     order by id for update) l;

  if p_again then
    -- Whoever told it before had these leases locked: it is there, or it isn't, and stays so.
    select coalesce(array_agg(e.kind), '{}'), coalesce(array_agg(e.id), '{}'), coalesce(array_agg(e.started_ms), '{}'),
           array_agg(e.input), array_agg(e.cached), array_agg(e.cache_write), array_agg(e.cache_write_1h), array_agg(e.output),
           array_agg(e.reasoning), array_agg(e.hold), array_agg(e.cost), array_agg(e.excess), array_agg(e.latency),
           array_agg(e.first_byte)
      into p_kind, p_id, p_started_ms, p_input, p_cached, p_cache_write, p_cache_write_1h, p_output,
           p_reasoning, p_hold, p_cost, p_excess, p_latency,
           p_first_byte
      from (
        select distinct on (told.id) told.*
          from unnest(p_kind, p_id, p_started_ms, p_input, p_cached, p_cache_write, p_cache_write_1h, p_output, p_reasoning,
                      p_hold, p_cost, p_excess, p_latency, p_first_byte)
               with ordinality as told (kind, id, started_ms, input, cached, cache_write, cache_write_1h, output, reasoning,
                                        hold, cost, excess, latency, first_byte, place)
         -- As a value of each row, so that each is looked up by the primary key however large the table is.
         where (select u.id from usage_events u
                 where u.tenant_id = tenant and u.id = told.id
                   and u.started_at = to_timestamp(told.started_ms::float8 / 1000)::timestamptz(3)) is null
         order by told.id, told.place) e;
  end if;

  -- A lease that is gone was given up for dead with its gateway, which has come back.
  if exists (select from jsonb_array_elements(p_kinds) where value ->> 'lease_id' <> all (lease_ids)) then
    select coalesce(array_agg(e order by e.id), '{}') into lost
      from app.told(p_kinds, p_kind, p_id, p_started_ms, p_input, p_cached, p_cache_write, p_cache_write_1h, p_output, p_reasoning,
                    p_hold, p_cost, p_excess, p_latency, p_first_byte, clock_timestamp()) e
     where e.lease_id <> all (lease_ids);
  end if;
  perform app.lock_periods(lease_ids, lost);
  foreach event in array lost loop
    event := app.charge_lost(event);
    if event.id is not null then
      charged_lost := charged_lost || event;
    end if;
  end loop;

  -- What was waited for above came before.
  now_at := clock_timestamp();

  insert into usage_events
  select e.*
    from app.told(p_kinds, p_kind, p_id, p_started_ms, p_input, p_cached, p_cache_write, p_cache_write_1h, p_output, p_reasoning,
                  p_hold, p_cost, p_excess, p_latency, p_first_byte, now_at) e
   where e.lease_id = any (lease_ids);

  with counted as (
    -- Hours of wall clocks begin at quarters of those of UTC.
    select kind, started_ms / 900000 as quarter, count(*) as requests, sum(input) as input_tokens, sum(output) as output_tokens,
           sum(cost) as cost_nanos, max(started_ms) as last_ms
      from unnest(p_kind, p_started_ms, p_input, p_output, p_cost) as e (kind, started_ms, input, output, cost)
     group by kind, quarter
  ), told as (
    select k.lease_id, k.key_id, k.member_id, k.model, k.status, to_timestamp(c.quarter * 900) as quarter, c.requests,
           c.input_tokens, c.output_tokens, c.cost_nanos, to_timestamp(c.last_ms::float8 / 1000) as last_at
      from counted c
      join jsonb_to_recordset(p_kinds) as k (n int, lease_id text, key_id text, member_id text, model text, status text)
        on k.n = c.kind
     where k.lease_id = any (lease_ids)
    union all
    select null, key_id, member_id, model, status, started_at, 1, input_tokens, output_tokens, cost_nanos, started_at
      from unnest(charged_lost)
  ), hours as (
    insert into usage_hours as h
      (hour, key_id, member_id, model, requests, failed_requests, input_tokens, output_tokens, cost_nanos)
    -- Hours of the tenant's wall clock, which don't begin with those of UTC everywhere: a day is then made of whole ones.
    select date_trunc('hour', quarter, zone) as hour, key_id, min(member_id), model, sum(requests),
           coalesce(sum(requests) filter (where status = 'failed'), 0), sum(input_tokens), sum(output_tokens), sum(cost_nanos)
      from told group by hour, key_id, model order by hour, key_id, model
    on conflict on constraint usage_hours_tenant_id_hour_key_id_model_pk do update set
      requests = h.requests + excluded.requests,
      failed_requests = h.failed_requests + excluded.failed_requests,
      input_tokens = h.input_tokens + excluded.input_tokens,
      output_tokens = h.output_tokens + excluded.output_tokens,
      cost_nanos = h.cost_nanos + excluded.cost_nanos
  ), used as (
    update keys k set last_used_at = greatest(k.last_used_at, s.last_at)
      from (select key_id, max(last_at) as last_at from told group by key_id) s
     where k.tenant_id = tenant and k.id = s.key_id
  )
  select jsonb_object_agg(lease_id, charge) into taken
    from (select lease_id, sum(cost_nanos) as charge from told where lease_id is not null group by lease_id) charged;

  if cardinality(lease_ids) > 0 then
    perform app.take_from_leases(lease_ids, coalesce(taken, '{}'), p_returns);
  end if;
end $$;

-- Charges and returns money of leases whose rows, and whose periods' rows, are locked. An emptied lease is removed.
create or replace function app.take_from_leases(p_lease_ids text[], p_charges jsonb, p_returns jsonb) returns void
language plpgsql as $$
declare tenant text := app.current_tenant();
begin
  with parts as (
    select l.id, c.charge,
           case
             when r.value is null then 0
             else greatest(l.amount_nanos - c.charge - (r.value ->> 'keep_nanos')::bigint, 0)
           end as release
      from leases l
      cross join lateral (select coalesce((p_charges ->> l.id)::bigint, 0) as charge) c
      left join jsonb_array_elements(p_returns) r on r.value ->> 'lease_id' = l.id
     where l.tenant_id = tenant and l.id = any (p_lease_ids)
  ), taken as (
    update leases l set amount_nanos = l.amount_nanos - parts.charge - parts.release
      from parts where l.tenant_id = tenant and l.id = parts.id and parts.charge + parts.release > 0
  ), by_period as (
    select lp.account_id, lp.starts_at, sum(parts.charge) as charge, sum(parts.release) as release
      from parts join lease_periods lp on lp.tenant_id = tenant and lp.lease_id = parts.id
     group by lp.account_id, lp.starts_at
  )
  update account_periods p
     set spent_nanos = p.spent_nanos + by_period.charge,
         leased_nanos = p.leased_nanos - by_period.charge - by_period.release
    from by_period
   where p.tenant_id = tenant and p.account_id = by_period.account_id and p.starts_at = by_period.starts_at
     and by_period.charge + by_period.release > 0;

  delete from lease_periods lp using leases l
   where l.tenant_id = tenant and l.id = any (p_lease_ids) and l.amount_nanos = 0
     and lp.tenant_id = tenant and lp.lease_id = l.id;
  delete from leases l where l.tenant_id = tenant and l.id = any (p_lease_ids) and l.amount_nanos = 0;
end $$;

-- Locks, in the order of everyone, the periods that leases were drawn from and, made where missing, those of events whose lease is gone.
create or replace function app.lock_periods(p_lease_ids text[], p_lost usage_events[]) returns void language plpgsql as $$
declare
  tenant text := app.current_tenant();
  zone text := (select t.time_zone from tenants t where t.id = tenant);
  one record;
begin
  if cardinality(p_lost) = 0 then
    perform from account_periods p
      join (select distinct lp.account_id, lp.starts_at, lp.position from lease_periods lp
             where lp.tenant_id = tenant and lp.lease_id = any (p_lease_ids)) mine
        on mine.account_id = p.account_id and mine.starts_at = p.starts_at
     where p.tenant_id = tenant
     order by mine.position, p.account_id, p.starts_at for update of p;
    return;
  end if;
  for one in
    select lp.position, lp.account_id, lp.starts_at
      from lease_periods lp where lp.tenant_id = tenant and lp.lease_id = any (p_lease_ids)
    union
    select chain.position, a.id, app.period_start(a.renewal, zone, event.started_at)
      from unnest(p_lost) event
      cross join lateral (values
        (1, event.key_id), (2, event.allocation_id), (3, case when event.draws_on_balance then event.tenant_id end)
      ) chain (position, account_id)
      join accounts a on a.tenant_id = tenant and a.id = chain.account_id
     order by 1, 2, 3
  loop
    insert into account_periods (account_id, starts_at, limit_nanos)
      select a.id, one.starts_at, a.limit_nanos from accounts a
       where a.tenant_id = tenant and a.id = one.account_id
      on conflict do nothing;
    perform from account_periods p
     where p.tenant_id = tenant and p.account_id = one.account_id and p.starts_at = one.starts_at for update;
  end loop;
end $$;

-- Writes a measured request whose lease is gone: it is charged what its accounts still have, and the rest is recorded as excess. A
-- limit holds even then. Answers the event as it was written; null where it was known.
create or replace function app.charge_lost(event usage_events) returns usage_events language plpgsql as $$
declare
  one record;
  charge bigint := event.cost_nanos;
begin
  for one in select * from app.periods_of(event) loop
    charge := least(charge, one.left_nanos);
  end loop;
  event.excess_nanos := event.excess_nanos + event.cost_nanos - charge;
  event.cost_nanos := charge;
  event.settled_at := clock_timestamp();
  insert into usage_events select event.* on conflict do nothing;
  if not found then
    return null;
  end if;
  for one in select * from app.periods_of(event) loop
    update account_periods p set spent_nanos = p.spent_nanos + charge
     where p.tenant_id = event.tenant_id and p.account_id = one.account_id and p.starts_at = one.starts_at;
  end loop;
  return event;
end $$;

-- The periods a usage event without a lease is charged to, made where missing and locked, with what is left in each.
create or replace function app.periods_of(p_event usage_events)
returns table (account_id text, starts_at timestamptz, left_nanos bigint) language plpgsql as $$
#variable_conflict use_column
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
    select case
        when p.limit_nanos is null then 9223372036854775807
        else greatest(p.limit_nanos - p.spent_nanos - p.leased_nanos, 0)
      end
      into periods_of.left_nanos
      from account_periods p
     where p.tenant_id = p_event.tenant_id and p.account_id = account.id and p.starts_at = periods_of.starts_at
       for update;
    return next;
  end loop;
end $$;

-- Gives every lease of a gateway back whole, but for those it still knows to be in use. For a gateway that has replayed its
-- journal, that lost an answer of ours, or that is given up for dead.
create or replace function app.give_back_all(p_gateway_id text, p_in_use text[] default '{}') returns int
language plpgsql as $$
declare returns jsonb;
begin
  select coalesce(jsonb_agg(jsonb_build_object('tenant_id', l.tenant_id, 'lease_id', l.id, 'keep_nanos', 0)), '[]')
    into returns from app.leases_of_gateway(p_gateway_id) l where l.id <> all (p_in_use);
  perform app.settle('{}', '[]', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', returns);
  return jsonb_array_length(returns);
end $$;

-- Tells all gateways that what they remember of something may be wrong: `key key_…`, `account …`, `member …`, `tenant …`.
create or replace function app.tell_gateways() returns trigger language plpgsql as $$
begin
  perform pg_notify('stipend', case tg_table_name
    when 'keys' then 'key ' || new.id
    when 'accounts' then 'account ' || new.id
    when 'members' then 'member ' || new.id
    when 'tenants' then 'tenant ' || new.id end);
  return null;
end $$;

create or replace trigger tell_gateways after update of disabled_at, revoked_at, valid_from, valid_until, allocation_id, member_id,
    provider_id, allowed_models, allowed_ips, requests_per_minute
  on keys for each row execute function app.tell_gateways();
create or replace trigger tell_gateways after update of limit_nanos, renewal, renewals_max
  on accounts for each row execute function app.tell_gateways();
create or replace trigger tell_gateways after update of deactivated_at, kind, role, location_id
  on members for each row execute function app.tell_gateways();
create or replace trigger tell_gateways after update of time_zone
  on tenants for each row execute function app.tell_gateways();

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
