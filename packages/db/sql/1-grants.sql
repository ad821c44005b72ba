-- Run after every migration, as the owner of the tables. Says for all tables what a single one could forget.
do $$
declare one record;
begin
  for one in
    select c.oid::regclass as name, c.relname, c.relkind, c.relispartition, c.relrowsecurity
      from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
  loop
    if one.relrowsecurity then
      execute format('alter table %s force row level security', one.name);
    end if;
    -- A partition is reached through its parent only: its own policies would not be asked.
    execute format('revoke all on %s from stipend_app', one.name);
    if not one.relispartition then
      -- History is added to and never changed.
      if one.relname in ('usage_events', 'ledger_transactions', 'ledger_entries', 'audit_entries', 'prices') then
        execute format('grant select, insert on %s to stipend_app', one.name);
      else
        execute format('grant select, insert, update on %s to stipend_app', one.name);
      end if;
    end if;
  end loop;
end $$;

grant delete on sessions, chats, kept_responses, leases, lease_periods, provider_shares, group_members, group_leads, member_scopes, groups, locations, sign_up_domains,
  mails, imports, idempotency_keys, rules, rule_counts to stipend_app;

grant select on tenants, members, member_scopes, group_leads, leases to stipend_lookup;
grant select (tenant_id, domain) on sign_up_domains to stipend_lookup;
grant select (tenant_id, id, secret_hash) on invitations to stipend_lookup;
grant select (tenant_id, id, created_at, next_attempt_at, sent_at, failed_at) on mails to stipend_lookup;
grant select (tenant_id, id, secret_hash, provider_id, revoked_at) on keys to stipend_lookup;
grant select (started_at, provider_id, draws_on_balance, status, cost_nanos) on usage_events to stipend_lookup;
grant select (tenant_id, stripe_customer, automatic_state) on billing_accounts to stipend_lookup;
grant select (tenant_id, id, status) on payments to stipend_lookup;
grant select (tenant_id, id, secret_hash, scopes, revoked_at) on service_tokens to stipend_lookup;

-- app.platform_usage counts what all tenants ask of the platform's providers.
do $$ begin
  if not exists (select from pg_policy where polrelid = 'usage_events'::regclass and polname = 'lookup') then
    create policy lookup on usage_events for select to stipend_lookup using (true);
  end if;
end $$;

-- Even the owner can't rewrite history by accident.
create or replace function app.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: add a correcting row instead', tg_table_name using errcode = '42501';
end $$;

do $$
declare name text;
begin
  foreach name in array array['usage_events', 'ledger_transactions', 'ledger_entries', 'audit_entries', 'prices'] loop
    execute format('create or replace trigger append_only before update or delete on %I for each row execute function app.refuse_change()', name);
  end loop;
end $$;

-- Requests of a key are looked for among those of its person, so it stays with them.
create or replace function app.refuse_new_person() returns trigger language plpgsql as $$
begin
  raise exception 'key % stays with the person it was made for: make another one', old.id using errcode = '23514';
end $$;

create or replace trigger same_person before update of member_id on keys
  for each row when (new.member_id is distinct from old.member_id) execute function app.refuse_new_person();

-- Makes the partitions of this month and the next three. Called at every migration and by running gateways once a day.
create or replace function app.ensure_usage_partitions() returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  month date;
  name text;
begin
  for month in
    select generate_series(date_trunc('month', now() at time zone 'UTC'), date_trunc('month', now() at time zone 'UTC') + interval '3 months', interval '1 month')::date
  loop
    name := 'usage_events_' || to_char(month, 'YYYY_MM');
    continue when to_regclass('public.' || name) is not null;
    begin
      execute format(
        'create table %I partition of usage_events for values from (%L) to (%L)',
        name, month::timestamp at time zone 'UTC', (month + interval '1 month')::timestamp at time zone 'UTC');
      execute format('revoke all on %I from public, stipend_app', name);
    exception when check_violation then
      -- The default partition already holds rows of that month: they are safe where they are.
      null;
    end;
  end loop;
end $$;
revoke all on function app.ensure_usage_partitions() from public;
grant execute on function app.ensure_usage_partitions() to stipend_app;
select app.ensure_usage_partitions();
