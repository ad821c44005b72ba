-- The schema after all migrations and repeatable SQL. Written by `node packages/db/src/write-schema.ts`, never by hand.

-- role stipend_app: login, noinherit
-- role stipend_lookup: nologin, noinherit
-- role stipend_owner: nologin, noinherit

grant create, usage on schema app to stipend_lookup;
grant create, usage on schema public to stipend_owner;
grant usage on schema app to stipend_app;
grant usage on schema public to stipend_app;
grant usage on schema public to stipend_lookup;

function app.all_tenants() returns TABLE(id text, slug text) -- sql, stable, security definer, search_path=public, pg_temp, owner stipend_lookup, executed by stipend_app
function app.automatic_top_ups() returns TABLE(tenant_id text) -- sql, stable, security definer, search_path=public, pg_temp, owner stipend_lookup, executed by stipend_app
function app.charge_lost(event usage_events) returns usage_events -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.charge_usage(p_until timestamp with time zone, p_ids text[]) returns integer -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.current_tenant() returns text -- plpgsql, stable, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.draw(p_secret_hash bytea, p_gateway_id text, p_lease_id text, p_want bigint, p_least bigint, p_uses_balance boolean, p_at timestamp with time zone DEFAULT NULL::timestamp with time zone, OUT refusal text, OUT tenant_id text, OUT key_id text, OUT member_id text, OUT allocation_id text, OUT granted_nanos bigint, OUT available_nanos bigint, OUT leased_nanos bigint, OUT valid_from timestamp with time zone, OUT valid_until timestamp with time zone, OUT disabled_at timestamp with time zone, OUT revoked_at timestamp with time zone, OUT time_zone text, OUT renews_at timestamp with time zone, OUT ends_at timestamp with time zone, OUT at timestamp with time zone, OUT provider_id text, OUT allowed_models text[], OUT allowed_ips text[], OUT requests_per_minute integer, OUT group_ids text[], OUT member_kind text, OUT member_role text, OUT location_id text) returns record -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.due_mails(p_at timestamp with time zone, p_limit integer) returns TABLE(tenant_id text, id text) -- sql, stable, security definer, search_path=public, pg_temp, owner stipend_lookup, executed by stipend_app
function app.ensure_usage_partitions() returns void -- plpgsql, volatile, security definer, search_path=public, pg_temp, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.find_invitation(p_secret_hash bytea) returns TABLE(tenant_id text, id text) -- sql, stable, security definer, search_path=public, pg_temp, owner stipend_lookup, executed by stipend_app
function app.find_key(p_secret_hash bytea) returns TABLE(tenant_id text, id text) -- sql, stable, security definer, search_path=public, pg_temp, owner stipend_lookup, executed by stipend_app
function app.find_service_token(p_secret_hash bytea) returns TABLE(tenant_id text, id text, scopes text[]) -- sql, stable, security definer, search_path=public, pg_temp, owner stipend_lookup, executed by stipend_app
function app.find_stripe_customer(p_customer text) returns text -- sql, stable, security definer, search_path=public, pg_temp, owner stipend_lookup, executed by stipend_app
function app.give_back_all(p_gateway_id text, p_in_use text[] DEFAULT '{}'::text[]) returns integer -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.is_identity() returns boolean -- sql, stable, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.is_platform() returns boolean -- sql, stable, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.keys_linked_to(p_provider_id text) returns integer -- sql, stable, security definer, search_path=public, pg_temp, owner stipend_lookup, executed by stipend_app
function app.leases_of_gateway(p_gateway_id text) returns TABLE(tenant_id text, id text) -- sql, stable, security definer, search_path=public, pg_temp, owner stipend_lookup, executed by stipend_app
function app.lock_periods(p_lease_ids text[], p_lost usage_events[]) returns void -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.mails_before(p_at timestamp with time zone, p_limit integer) returns TABLE(tenant_id text, id text) -- sql, stable, security definer, search_path=public, pg_temp, owner stipend_lookup, executed by stipend_app
function app.memberships_of_user(p_user_id text) returns TABLE(tenant_id text, tenant_slug text, tenant_kind text, tenant_name text, time_zone text, accent_color text, member_id text, member_name text, role text, location_ids text[], group_ids text[]) -- sql, stable, security definer, search_path=public, pg_temp, owner stipend_lookup, executed by stipend_app
function app.period_end(p_renewal text, p_zone text, p_at timestamp with time zone) returns timestamp with time zone -- sql, stable, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.period_start(p_renewal text, p_zone text, p_at timestamp with time zone) returns timestamp with time zone -- sql, stable, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.periods_of(p_event usage_events) returns TABLE(account_id text, starts_at timestamp with time zone, left_nanos bigint) -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.platform_usage(p_since timestamp with time zone) returns TABLE(provider_id text, requests integer, failed_requests integer, cost_nanos bigint) -- sql, stable, security definer, search_path=public, pg_temp, owner stipend_lookup, executed by stipend_app
function app.post_to_ledger(p_id text, p_kind text, p_external_id text, p_cause text, p_created_by text, p_entries jsonb, p_effective_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_covers_from timestamp with time zone DEFAULT NULL::timestamp with time zone, p_covers_until timestamp with time zone DEFAULT NULL::timestamp with time zone, p_payment_id text DEFAULT NULL::text) returns ledger_transactions -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.provider_part(p_cost_nanos bigint, p_price_id text) returns bigint -- sql, stable, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.refuse_change() returns trigger -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.refuse_new_person() returns trigger -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.refuse_other_owner() returns trigger -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.refuse_unseen_provider() returns trigger -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.require_two_sides() returns trigger -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.settle(p_places jsonb, p_kinds jsonb, p_kind integer[], p_id text[], p_started_ms bigint[], p_input bigint[], p_cached bigint[], p_cache_write bigint[], p_cache_write_1h bigint[], p_output bigint[], p_reasoning bigint[], p_hold bigint[], p_cost bigint[], p_excess bigint[], p_latency integer[], p_first_byte integer[], p_returns jsonb, p_again boolean DEFAULT true) returns void -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.settle_tenant(p_kinds jsonb, p_kind integer[], p_id text[], p_started_ms bigint[], p_input bigint[], p_cached bigint[], p_cache_write bigint[], p_cache_write_1h bigint[], p_output bigint[], p_reasoning bigint[], p_hold bigint[], p_cost bigint[], p_excess bigint[], p_latency integer[], p_first_byte integer[], p_returns jsonb, p_again boolean) returns void -- plpgsql, volatile, plan_cache_mode=force_generic_plan, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.take_from_leases(p_lease_ids text[], p_charges jsonb, p_returns jsonb) returns void -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.tell_gateways() returns trigger -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.tell_gateways_of_catalogue() returns trigger -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.tell_gateways_of_groups() returns trigger -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.tell_gateways_of_rules() returns trigger -- plpgsql, volatile, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.tenant_or_null() returns text -- sql, stable, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.tenants_of_domain(p_domain text) returns TABLE(id text) -- sql, stable, security definer, search_path=public, pg_temp, owner stipend_lookup, executed by stipend_app
function app.told(p_kinds jsonb, p_kind integer[], p_id text[], p_started_ms bigint[], p_input bigint[], p_cached bigint[], p_cache_write bigint[], p_cache_write_1h bigint[], p_output bigint[], p_reasoning bigint[], p_hold bigint[], p_cost bigint[], p_excess bigint[], p_latency integer[], p_first_byte integer[], p_settled_at timestamp with time zone) returns SETOF usage_events -- sql, stable, owner stipend_owner, executed by stipend_app, stipend_lookup
function app.unsettled_payments() returns TABLE(tenant_id text, id text) -- sql, stable, security definer, search_path=public, pg_temp, owner stipend_lookup, executed by stipend_app

create table account_periods (
  tenant_id text not null default app.current_tenant(),
  account_id text not null,
  starts_at timestamp(3) with time zone not null,
  limit_nanos bigint,
  spent_nanos bigint not null default 0,
  leased_nanos bigint not null default 0,
  overhang_nanos bigint not null default 0,
  renewals integer not null default 0,
  constraint account_periods_tenant_id_account_id_starts_at_pk PRIMARY KEY (tenant_id, account_id, starts_at),
  constraint account_periods_tenant_id_account_id_accounts_tenant_id_id_fk FOREIGN KEY (tenant_id, account_id) REFERENCES accounts(tenant_id, id),
  constraint account_periods_hard_limit CHECK (((spent_nanos + leased_nanos) <= (limit_nanos + overhang_nanos))),
  constraint account_periods_not_negative CHECK (((spent_nanos >= 0) AND (leased_nanos >= 0) AND (overhang_nanos >= 0)))
);
-- row level security: enabled, forced
create policy tenant on account_periods for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant insert, select, update on account_periods to stipend_app;

create table accounts (
  tenant_id text not null default app.current_tenant(),
  id text not null,
  kind text not null,
  limit_nanos bigint,
  renewal text not null,
  renewals_max integer,
  created_at timestamp(3) with time zone not null default now(),
  constraint accounts_tenant_id_id_pk PRIMARY KEY (tenant_id, id),
  constraint accounts_tenant_id_tenants_id_fk FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint accounts_limit CHECK (((limit_nanos >= 0) OR (kind = 'balance'::text))),
  constraint accounts_unlimited CHECK (((limit_nanos IS NOT NULL) OR (renewal = 'never'::text)))
);
-- row level security: enabled, forced
create policy tenant on accounts for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
CREATE TRIGGER tell_gateways AFTER UPDATE OF limit_nanos, renewal, renewals_max ON public.accounts FOR EACH ROW EXECUTE FUNCTION app.tell_gateways();
grant insert, select, update on accounts to stipend_app;

create table allocations (
  tenant_id text not null default app.current_tenant(),
  id text not null,
  name text not null,
  created_at timestamp(3) with time zone not null default now(),
  constraint allocations_tenant_id_id_pk PRIMARY KEY (tenant_id, id),
  constraint allocations_tenant_id_id_accounts_tenant_id_id_fk FOREIGN KEY (tenant_id, id) REFERENCES accounts(tenant_id, id)
);
CREATE UNIQUE INDEX allocations_name ON public.allocations USING btree (tenant_id, name);
-- row level security: enabled, forced
create policy tenant on allocations for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant insert, select, update on allocations to stipend_app;

create table audit_entries (
  tenant_id text default app.tenant_or_null(),
  id text not null,
  actor_kind text not null,
  actor_id text not null,
  operation text not null,
  target_id text not null,
  before jsonb,
  after jsonb,
  ip text,
  request_id text not null,
  created_at timestamp(3) with time zone not null default now(),
  constraint audit_entries_pkey PRIMARY KEY (id)
);
CREATE INDEX audit_entries_created ON public.audit_entries USING btree (tenant_id, created_at, id);
CREATE INDEX audit_entries_target ON public.audit_entries USING btree (tenant_id, target_id, created_at);
-- row level security: enabled, forced
create policy audit_insert on audit_entries for insert to stipend_app, stipend_owner with check ( CASE WHEN (tenant_id IS NULL) THEN app.is_platform() ELSE (tenant_id = app.tenant_or_null()) END);
create policy audit_read on audit_entries for select to stipend_app, stipend_owner using ( CASE WHEN (tenant_id IS NULL) THEN app.is_platform() ELSE (tenant_id = app.tenant_or_null()) END);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.audit_entries FOR EACH ROW EXECUTE FUNCTION app.refuse_change();
grant insert, select on audit_entries to stipend_app;

create table billing_accounts (
  tenant_id text not null default app.current_tenant(),
  stripe_customer text,
  automatic_state text not null default 'off'::text,
  stopped_reason text,
  threshold_nanos bigint,
  amount_nanos bigint,
  monthly_max_nanos bigint,
  cooldown_minutes integer not null default 60,
  payment_method text,
  payment_method_label text,
  low_nanos bigint,
  told_level text not null default 'enough'::text,
  told_at timestamp(3) with time zone,
  resumptions integer not null default 0,
  setup_session text,
  constraint billing_accounts_tenant_id_pk PRIMARY KEY (tenant_id),
  constraint billing_accounts_tenant_id_tenants_id_fk FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint billing_accounts_amounts CHECK (((threshold_nanos > 0) AND (amount_nanos > 0) AND (monthly_max_nanos >= amount_nanos) AND (low_nanos >= 0))),
  constraint billing_accounts_cooldown CHECK (((cooldown_minutes >= 5) AND (cooldown_minutes <= 10080)))
);
CREATE UNIQUE INDEX billing_accounts_customer ON public.billing_accounts USING btree (stripe_customer);
-- row level security: enabled, forced
create policy lookup on billing_accounts for select to stipend_lookup using (true);
create policy tenant on billing_accounts for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant insert, select, update on billing_accounts to stipend_app;
grant select (automatic_state, stripe_customer, tenant_id) on billing_accounts to stipend_lookup;

create table chats (
  tenant_id text not null default app.current_tenant(),
  key_id text not null,
  thread text not null,
  title text not null,
  created_at timestamp(3) with time zone not null default now(),
  constraint chats_tenant_id_key_id_thread_pk PRIMARY KEY (tenant_id, key_id, thread),
  constraint chats_tenant_id_key_id_keys_tenant_id_id_fk FOREIGN KEY (tenant_id, key_id) REFERENCES keys(tenant_id, id)
);
CREATE INDEX chats_age ON public.chats USING btree (tenant_id, created_at);
-- row level security: enabled, forced
create policy tenant on chats for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant delete, insert, select, update on chats to stipend_app;

create table gateways (
  id text not null,
  last_seen_at timestamp(3) with time zone not null,
  constraint gateways_pkey PRIMARY KEY (id)
);
-- row level security: NOT ENABLED
grant insert, select, update on gateways to stipend_app;

create table group_leads (
  tenant_id text not null default app.current_tenant(),
  group_id text not null,
  member_id text not null,
  constraint group_leads_tenant_id_group_id_member_id_pk PRIMARY KEY (tenant_id, group_id, member_id),
  constraint group_leads_tenant_id_group_id_groups_tenant_id_id_fk FOREIGN KEY (tenant_id, group_id) REFERENCES groups(tenant_id, id),
  constraint group_leads_tenant_id_member_id_members_tenant_id_id_fk FOREIGN KEY (tenant_id, member_id) REFERENCES members(tenant_id, id)
);
CREATE INDEX group_leads_member ON public.group_leads USING btree (tenant_id, member_id);
-- row level security: enabled, forced
create policy lookup on group_leads for select to stipend_lookup using (true);
create policy tenant on group_leads for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant delete, insert, select, update on group_leads to stipend_app;
grant select on group_leads to stipend_lookup;

create table group_members (
  tenant_id text not null default app.current_tenant(),
  group_id text not null,
  member_id text not null,
  constraint group_members_tenant_id_group_id_member_id_pk PRIMARY KEY (tenant_id, group_id, member_id),
  constraint group_members_tenant_id_group_id_groups_tenant_id_id_fk FOREIGN KEY (tenant_id, group_id) REFERENCES groups(tenant_id, id),
  constraint group_members_tenant_id_member_id_members_tenant_id_id_fk FOREIGN KEY (tenant_id, member_id) REFERENCES members(tenant_id, id)
);
CREATE INDEX group_members_member ON public.group_members USING btree (tenant_id, member_id);
-- row level security: enabled, forced
create policy tenant on group_members for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
CREATE TRIGGER tell_gateways AFTER INSERT OR DELETE ON public.group_members FOR EACH ROW EXECUTE FUNCTION app.tell_gateways_of_groups();
grant delete, insert, select, update on group_members to stipend_app;

create table groups (
  tenant_id text not null default app.current_tenant(),
  id text not null,
  location_id text not null,
  name text not null,
  created_at timestamp(3) with time zone not null default now(),
  external_id text,
  constraint groups_tenant_id_id_pk PRIMARY KEY (tenant_id, id),
  constraint groups_tenant_id_location_id_locations_tenant_id_id_fk FOREIGN KEY (tenant_id, location_id) REFERENCES locations(tenant_id, id)
);
CREATE UNIQUE INDEX groups_external ON public.groups USING btree (tenant_id, external_id);
CREATE UNIQUE INDEX groups_name ON public.groups USING btree (tenant_id, location_id, name);
-- row level security: enabled, forced
create policy tenant on groups for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant delete, insert, select, update on groups to stipend_app;

create table idempotency_keys (
  tenant_id text not null default app.current_tenant(),
  actor_id text not null,
  key text not null,
  operation text not null,
  input_hash bytea not null,
  output jsonb,
  created_at timestamp(3) with time zone not null default now(),
  constraint idempotency_keys_tenant_id_actor_id_key_pk PRIMARY KEY (tenant_id, actor_id, key)
);
CREATE INDEX idempotency_keys_age ON public.idempotency_keys USING btree (tenant_id, created_at);
-- row level security: enabled, forced
create policy tenant on idempotency_keys for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant delete, insert, select, update on idempotency_keys to stipend_app;

create table imports (
  tenant_id text not null default app.current_tenant(),
  id text not null,
  created_by text not null,
  created_at timestamp(3) with time zone not null default now(),
  files jsonb,
  settings jsonb not null default '{}'::jsonb,
  status text not null default 'draft'::text,
  result jsonb,
  applied_at timestamp(3) with time zone,
  constraint imports_tenant_id_id_pk PRIMARY KEY (tenant_id, id)
);
CREATE INDEX imports_created ON public.imports USING btree (tenant_id, created_at);
-- row level security: enabled, forced
create policy tenant on imports for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant delete, insert, select, update on imports to stipend_app;

create table invitations (
  tenant_id text not null default app.current_tenant(),
  id text not null,
  kind text not null,
  member_id text,
  email text not null,
  secret_hash bytea,
  created_by text not null,
  created_at timestamp(3) with time zone not null default now(),
  expires_at timestamp(3) with time zone not null,
  accepted_at timestamp(3) with time zone,
  revoked_at timestamp(3) with time zone,
  constraint invitations_tenant_id_id_pk PRIMARY KEY (tenant_id, id),
  constraint invitations_tenant_id_member_id_members_tenant_id_id_fk FOREIGN KEY (tenant_id, member_id) REFERENCES members(tenant_id, id)
);
CREATE INDEX invitations_member ON public.invitations USING btree (tenant_id, member_id);
CREATE UNIQUE INDEX invitations_open ON public.invitations USING btree (tenant_id, email) WHERE ((accepted_at IS NULL) AND (revoked_at IS NULL));
CREATE UNIQUE INDEX invitations_secret_hash ON public.invitations USING btree (secret_hash);
-- row level security: enabled, forced
create policy lookup on invitations for select to stipend_lookup using (true);
create policy tenant on invitations for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant insert, select, update on invitations to stipend_app;
grant select (id, secret_hash, tenant_id) on invitations to stipend_lookup;

create table kept_responses (
  tenant_id text not null default app.current_tenant(),
  key_id text not null,
  id text not null,
  provider_id text not null,
  context_tokens integer not null,
  created_at timestamp(3) with time zone not null default now(),
  constraint kept_responses_tenant_id_key_id_id_pk PRIMARY KEY (tenant_id, key_id, id),
  constraint kept_responses_tenant_id_key_id_keys_tenant_id_id_fk FOREIGN KEY (tenant_id, key_id) REFERENCES keys(tenant_id, id)
);
CREATE INDEX kept_responses_age ON public.kept_responses USING btree (tenant_id, created_at);
-- row level security: enabled, forced
create policy tenant on kept_responses for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant delete, insert, select, update on kept_responses to stipend_app;

create table keys (
  tenant_id text not null default app.current_tenant(),
  id text not null,
  secret_hash bytea not null,
  last_four text not null,
  name text not null,
  member_id text not null,
  created_by text not null,
  allocation_id text,
  valid_from timestamp(3) with time zone,
  valid_until timestamp(3) with time zone,
  disabled_at timestamp(3) with time zone,
  revoked_at timestamp(3) with time zone,
  last_used_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone not null default now(),
  provider_id text,
  allowed_models text[],
  allowed_ips text[],
  requests_per_minute integer,
  paused_group_id text,
  constraint keys_tenant_id_id_pk PRIMARY KEY (tenant_id, id),
  constraint keys_provider_id_providers_id_fk FOREIGN KEY (provider_id) REFERENCES providers(id),
  constraint keys_tenant_id_allocation_id_allocations_tenant_id_id_fk FOREIGN KEY (tenant_id, allocation_id) REFERENCES allocations(tenant_id, id),
  constraint keys_tenant_id_id_accounts_tenant_id_id_fk FOREIGN KEY (tenant_id, id) REFERENCES accounts(tenant_id, id),
  constraint keys_tenant_id_member_id_members_tenant_id_id_fk FOREIGN KEY (tenant_id, member_id) REFERENCES members(tenant_id, id),
  constraint keys_requests_per_minute CHECK ((requests_per_minute >= 1)),
  constraint keys_window CHECK ((valid_until > valid_from))
);
CREATE INDEX keys_allocation ON public.keys USING btree (tenant_id, allocation_id);
CREATE INDEX keys_created ON public.keys USING btree (tenant_id, created_at, id);
CREATE INDEX keys_current ON public.keys USING btree (tenant_id, member_id, created_at, id) WHERE (revoked_at IS NULL);
CREATE INDEX keys_member ON public.keys USING btree (tenant_id, member_id, created_at);
CREATE UNIQUE INDEX keys_secret_hash ON public.keys USING btree (secret_hash);
-- row level security: enabled, forced
create policy lookup on keys for select to stipend_lookup using (true);
create policy tenant on keys for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
CREATE TRIGGER same_person BEFORE UPDATE OF member_id ON public.keys FOR EACH ROW WHEN ((new.member_id IS DISTINCT FROM old.member_id)) EXECUTE FUNCTION app.refuse_new_person();
CREATE TRIGGER seen_provider AFTER INSERT OR UPDATE OF provider_id ON public.keys FOR EACH ROW EXECUTE FUNCTION app.refuse_unseen_provider();
CREATE TRIGGER tell_gateways AFTER UPDATE OF disabled_at, revoked_at, valid_from, valid_until, allocation_id, member_id, provider_id, allowed_models, allowed_ips, requests_per_minute ON public.keys FOR EACH ROW EXECUTE FUNCTION app.tell_gateways();
grant insert, select, update on keys to stipend_app;
grant select (id, provider_id, revoked_at, secret_hash, tenant_id) on keys to stipend_lookup;

create table lease_periods (
  tenant_id text not null default app.current_tenant(),
  lease_id text not null,
  position integer not null,
  account_id text not null,
  starts_at timestamp(3) with time zone not null,
  constraint lease_periods_tenant_id_lease_id_position_pk PRIMARY KEY (tenant_id, lease_id, position),
  constraint lease_periods_tenant_id_account_id_starts_at_account_periods_te FOREIGN KEY (tenant_id, account_id, starts_at) REFERENCES account_periods(tenant_id, account_id, starts_at),
  constraint lease_periods_tenant_id_lease_id_leases_tenant_id_id_fk FOREIGN KEY (tenant_id, lease_id) REFERENCES leases(tenant_id, id)
);
CREATE INDEX lease_periods_account ON public.lease_periods USING btree (tenant_id, account_id, starts_at);
-- row level security: enabled, forced
create policy tenant on lease_periods for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant delete, insert, select, update on lease_periods to stipend_app;

create table leases (
  tenant_id text not null default app.current_tenant(),
  id text not null,
  gateway_id text not null,
  key_id text not null,
  amount_nanos bigint not null,
  created_at timestamp(3) with time zone not null default now(),
  constraint leases_tenant_id_id_pk PRIMARY KEY (tenant_id, id),
  constraint leases_tenant_id_key_id_keys_tenant_id_id_fk FOREIGN KEY (tenant_id, key_id) REFERENCES keys(tenant_id, id),
  constraint leases_amount CHECK ((amount_nanos >= 0))
);
CREATE INDEX leases_gateway ON public.leases USING btree (gateway_id);
CREATE INDEX leases_key ON public.leases USING btree (tenant_id, key_id);
-- row level security: enabled, forced
create policy lookup on leases for select to stipend_lookup using (true);
create policy tenant on leases for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant delete, insert, select, update on leases to stipend_app;
grant select on leases to stipend_lookup;

create table ledger_entries (
  tenant_id text not null default app.current_tenant(),
  amount_nanos bigint not null,
  transaction_id text not null,
  account text not null,
  constraint ledger_entries_tenant_id_transaction_id_account_pk PRIMARY KEY (tenant_id, transaction_id, account),
  constraint ledger_entries_tenant_id_transaction_id_ledger_transactions_ten FOREIGN KEY (tenant_id, transaction_id) REFERENCES ledger_transactions(tenant_id, id),
  constraint ledger_entries_amount CHECK ((amount_nanos <> 0)),
  constraint two_sides TRIGGER DEFERRABLE INITIALLY DEFERRED
);
-- row level security: enabled, forced
create policy tenant on ledger_entries for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.ledger_entries FOR EACH ROW EXECUTE FUNCTION app.refuse_change();
CREATE CONSTRAINT TRIGGER two_sides AFTER INSERT ON public.ledger_entries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.require_two_sides();
grant insert, select on ledger_entries to stipend_app;

create table ledger_transactions (
  tenant_id text not null default app.current_tenant(),
  id text not null,
  number bigint not null,
  kind text not null,
  external_id text not null,
  cause text not null,
  payment_id text,
  covers_from timestamp(3) with time zone,
  covers_until timestamp(3) with time zone,
  effective_at timestamp(3) with time zone not null,
  balance_after_nanos bigint not null,
  created_by text not null,
  created_at timestamp(3) with time zone not null default now(),
  constraint ledger_transactions_tenant_id_id_pk PRIMARY KEY (tenant_id, id),
  constraint ledger_transactions_tenant_id_tenants_id_fk FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint two_sides TRIGGER DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ledger_transactions_effective ON public.ledger_transactions USING btree (tenant_id, effective_at);
CREATE UNIQUE INDEX ledger_transactions_number ON public.ledger_transactions USING btree (tenant_id, number);
CREATE UNIQUE INDEX ledger_transactions_once ON public.ledger_transactions USING btree (tenant_id, kind, external_id);
CREATE INDEX ledger_transactions_payment ON public.ledger_transactions USING btree (tenant_id, payment_id);
-- row level security: enabled, forced
create policy tenant on ledger_transactions for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.ledger_transactions FOR EACH ROW EXECUTE FUNCTION app.refuse_change();
CREATE CONSTRAINT TRIGGER two_sides AFTER INSERT ON public.ledger_transactions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.require_two_sides();
grant insert, select on ledger_transactions to stipend_app;

create table locations (
  tenant_id text not null default app.current_tenant(),
  id text not null,
  name text not null,
  created_at timestamp(3) with time zone not null default now(),
  external_id text,
  constraint locations_tenant_id_id_pk PRIMARY KEY (tenant_id, id),
  constraint locations_tenant_id_tenants_id_fk FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE UNIQUE INDEX locations_external ON public.locations USING btree (tenant_id, external_id);
CREATE UNIQUE INDEX locations_name ON public.locations USING btree (tenant_id, name);
-- row level security: enabled, forced
create policy tenant on locations for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant delete, insert, select, update on locations to stipend_app;

create table mails (
  tenant_id text default app.tenant_or_null(),
  id text not null,
  template text not null,
  to_address text not null,
  subject_id text not null,
  params jsonb not null default '{}'::jsonb,
  created_at timestamp(3) with time zone not null default now(),
  next_attempt_at timestamp(3) with time zone not null default now(),
  attempts integer not null default 0,
  sent_at timestamp(3) with time zone,
  failed_at timestamp(3) with time zone,
  last_error text,
  title text,
  text text,
  constraint mails_pkey PRIMARY KEY (id)
);
CREATE INDEX mails_created ON public.mails USING btree (created_at);
CREATE INDEX mails_due ON public.mails USING btree (next_attempt_at) WHERE ((sent_at IS NULL) AND (failed_at IS NULL));
CREATE INDEX mails_subject ON public.mails USING btree (tenant_id, subject_id);
-- row level security: enabled, forced
create policy lookup on mails for select to stipend_lookup using (true);
create policy mail on mails for all to stipend_app, stipend_owner using ( CASE WHEN (tenant_id IS NULL) THEN app.is_identity() ELSE (tenant_id = app.tenant_or_null()) END) with check ( CASE WHEN (tenant_id IS NULL) THEN app.is_identity() ELSE (tenant_id = app.tenant_or_null()) END);
grant delete, insert, select, update on mails to stipend_app;
grant select (created_at, failed_at, id, next_attempt_at, sent_at, tenant_id) on mails to stipend_lookup;

create table member_scopes (
  tenant_id text not null default app.current_tenant(),
  member_id text not null,
  location_id text not null,
  constraint member_scopes_tenant_id_member_id_location_id_pk PRIMARY KEY (tenant_id, member_id, location_id),
  constraint member_scopes_tenant_id_location_id_locations_tenant_id_id_fk FOREIGN KEY (tenant_id, location_id) REFERENCES locations(tenant_id, id),
  constraint member_scopes_tenant_id_member_id_members_tenant_id_id_fk FOREIGN KEY (tenant_id, member_id) REFERENCES members(tenant_id, id)
);
-- row level security: enabled, forced
create policy lookup on member_scopes for select to stipend_lookup using (true);
create policy tenant on member_scopes for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant delete, insert, select, update on member_scopes to stipend_app;
grant select on member_scopes to stipend_lookup;

create table members (
  tenant_id text not null default app.current_tenant(),
  id text not null,
  user_id text,
  kind text not null,
  role text not null,
  name text not null,
  email text not null,
  location_id text,
  deactivated_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone not null default now(),
  name_key text not null default lower(name),
  external_id text,
  removed_at timestamp(3) with time zone,
  constraint members_tenant_id_id_pk PRIMARY KEY (tenant_id, id),
  constraint members_tenant_id_location_id_locations_tenant_id_id_fk FOREIGN KEY (tenant_id, location_id) REFERENCES locations(tenant_id, id),
  constraint members_tenant_id_tenants_id_fk FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint members_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id)
);
CREATE INDEX members_by_age ON public.members USING btree (tenant_id, created_at, id);
CREATE INDEX members_by_email ON public.members USING btree (tenant_id, email, id);
CREATE INDEX members_by_name ON public.members USING btree (tenant_id, name_key, id);
CREATE INDEX members_by_user ON public.members USING btree (user_id);
CREATE UNIQUE INDEX members_email ON public.members USING btree (tenant_id, email) WHERE (removed_at IS NULL);
CREATE UNIQUE INDEX members_external ON public.members USING btree (tenant_id, external_id) WHERE (removed_at IS NULL);
CREATE INDEX members_kind ON public.members USING btree (tenant_id, kind, name_key, id);
CREATE INDEX members_location ON public.members USING btree (tenant_id, location_id, name_key, id);
CREATE UNIQUE INDEX members_user ON public.members USING btree (tenant_id, user_id);
-- row level security: enabled, forced
create policy lookup on members for select to stipend_lookup using (true);
create policy tenant on members for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
CREATE TRIGGER tell_gateways AFTER UPDATE OF deactivated_at, kind, role, location_id ON public.members FOR EACH ROW EXECUTE FUNCTION app.tell_gateways();
grant insert, select, update on members to stipend_app;
grant select on members to stipend_lookup;

create table models (
  tenant_id text default app.tenant_or_null(),
  id text not null,
  provider_id text not null,
  name text not null,
  upstream_name text not null,
  context_tokens_max integer not null,
  output_tokens_max integer not null,
  is_enabled boolean not null default true,
  created_at timestamp(3) with time zone not null default now(),
  aliases text[] not null default '{}'::text[],
  dialects text[] not null default '{chat}'::text[],
  constraint models_pkey PRIMARY KEY (id),
  constraint models_provider_id_providers_id_fk FOREIGN KEY (provider_id) REFERENCES providers(id),
  constraint models_tenant_id_tenants_id_fk FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint models_tokens CHECK (((context_tokens_max > 0) AND (output_tokens_max > 0)))
);
CREATE UNIQUE INDEX models_name ON public.models USING btree (provider_id, name);
-- row level security: enabled, forced
create policy shared_insert on models for insert to stipend_app, stipend_owner with check ( CASE WHEN (tenant_id IS NULL) THEN app.is_platform() ELSE (tenant_id = app.tenant_or_null()) END);
create policy shared_read on models for select to stipend_app, stipend_owner using (((tenant_id IS NULL) OR (tenant_id = app.tenant_or_null())));
create policy shared_update on models for update to stipend_app, stipend_owner using ( CASE WHEN (tenant_id IS NULL) THEN app.is_platform() ELSE (tenant_id = app.tenant_or_null()) END) with check ( CASE WHEN (tenant_id IS NULL) THEN app.is_platform() ELSE (tenant_id = app.tenant_or_null()) END);
CREATE TRIGGER same_owner AFTER INSERT OR UPDATE ON public.models FOR EACH ROW EXECUTE FUNCTION app.refuse_other_owner();
CREATE TRIGGER tell_gateways AFTER INSERT OR UPDATE ON public.models FOR EACH ROW EXECUTE FUNCTION app.tell_gateways_of_catalogue();
grant insert, select, update on models to stipend_app;

create table password_resets (
  id text not null,
  user_id text not null,
  secret_hash bytea,
  created_at timestamp(3) with time zone not null default now(),
  expires_at timestamp(3) with time zone not null,
  used_at timestamp(3) with time zone,
  constraint password_resets_pkey PRIMARY KEY (id),
  constraint password_resets_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id)
);
CREATE UNIQUE INDEX password_resets_secret_hash ON public.password_resets USING btree (secret_hash);
CREATE INDEX password_resets_user ON public.password_resets USING btree (user_id);
-- row level security: enabled, forced
create policy identity on password_resets for all to stipend_app, stipend_owner using (app.is_identity()) with check (app.is_identity());
grant insert, select, update on password_resets to stipend_app;

create table payments (
  tenant_id text not null default app.current_tenant(),
  id text not null,
  source text not null,
  status text not null,
  amount_nanos bigint not null,
  is_live boolean not null,
  shortage text,
  checkout_session text,
  checkout_url text,
  payment_intent text,
  failure_code text,
  failure_message text,
  receipt_url text,
  invoice_number text,
  invoice_url text,
  credited_nanos bigint not null default 0,
  refunded_nanos bigint not null default 0,
  disputed_nanos bigint not null default 0,
  created_by text not null,
  created_at timestamp(3) with time zone not null default now(),
  succeeded_at timestamp(3) with time zone,
  synced_at timestamp(3) with time zone,
  syncs integer not null default 0,
  constraint payments_tenant_id_id_pk PRIMARY KEY (tenant_id, id),
  constraint payments_tenant_id_tenants_id_fk FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint payments_amount CHECK ((amount_nanos > 0))
);
CREATE INDEX payments_created ON public.payments USING btree (tenant_id, created_at, id);
CREATE UNIQUE INDEX payments_intent ON public.payments USING btree (tenant_id, payment_intent);
CREATE UNIQUE INDEX payments_shortage ON public.payments USING btree (tenant_id, shortage);
-- row level security: enabled, forced
create policy lookup on payments for select to stipend_lookup using (true);
create policy tenant on payments for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant insert, select, update on payments to stipend_app;
grant select (id, status, tenant_id) on payments to stipend_lookup;

create table prices (
  tenant_id text default app.tenant_or_null(),
  id text not null,
  model_id text not null,
  valid_from timestamp(3) with time zone not null,
  input_picos bigint not null,
  cached_input_picos bigint,
  cache_write_picos bigint,
  cache_write_1h_picos bigint,
  output_picos bigint not null,
  source text not null,
  created_at timestamp(3) with time zone not null default now(),
  tiers jsonb not null default '[]'::jsonb,
  markup_bp integer not null default 0,
  constraint prices_pkey PRIMARY KEY (id),
  constraint prices_model_id_models_id_fk FOREIGN KEY (model_id) REFERENCES models(id),
  constraint prices_tenant_id_tenants_id_fk FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint prices_markup CHECK (((markup_bp >= 0) AND (markup_bp <= 100000))),
  constraint prices_not_negative CHECK (((input_picos >= 0) AND (cached_input_picos >= 0) AND (cache_write_picos >= 0) AND (cache_write_1h_picos >= 0) AND (output_picos >= 0)))
);
CREATE INDEX prices_model ON public.prices USING btree (model_id, valid_from);
-- row level security: enabled, forced
create policy shared_insert on prices for insert to stipend_app, stipend_owner with check ( CASE WHEN (tenant_id IS NULL) THEN app.is_platform() ELSE (tenant_id = app.tenant_or_null()) END);
create policy shared_read on prices for select to stipend_app, stipend_owner using (((tenant_id IS NULL) OR (tenant_id = app.tenant_or_null())));
create policy shared_update on prices for update to stipend_app, stipend_owner using ( CASE WHEN (tenant_id IS NULL) THEN app.is_platform() ELSE (tenant_id = app.tenant_or_null()) END) with check ( CASE WHEN (tenant_id IS NULL) THEN app.is_platform() ELSE (tenant_id = app.tenant_or_null()) END);
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.prices FOR EACH ROW EXECUTE FUNCTION app.refuse_change();
CREATE TRIGGER same_owner AFTER INSERT OR UPDATE ON public.prices FOR EACH ROW EXECUTE FUNCTION app.refuse_other_owner();
CREATE TRIGGER tell_gateways AFTER INSERT ON public.prices FOR EACH ROW EXECUTE FUNCTION app.tell_gateways_of_catalogue();
grant insert, select on prices to stipend_app;

create table promotions (
  tenant_id text not null default app.current_tenant(),
  id text not null,
  amount_nanos bigint not null,
  cause text not null,
  expires_at timestamp(3) with time zone not null,
  used_nanos bigint not null default 0,
  counted_until timestamp(3) with time zone not null,
  taken_nanos bigint not null default 0,
  closed_at timestamp(3) with time zone,
  created_by text not null,
  created_at timestamp(3) with time zone not null default now(),
  constraint promotions_tenant_id_id_pk PRIMARY KEY (tenant_id, id),
  constraint promotions_tenant_id_tenants_id_fk FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint promotions_amount CHECK (((amount_nanos > 0) AND (used_nanos >= 0) AND (taken_nanos >= 0) AND ((used_nanos + taken_nanos) <= amount_nanos)))
);
CREATE INDEX promotions_open ON public.promotions USING btree (tenant_id, expires_at);
-- row level security: enabled, forced
create policy tenant on promotions for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant insert, select, update on promotions to stipend_app;

create table provider_health (
  tenant_id text default app.tenant_or_null(),
  provider_id text not null,
  gateway_id text not null,
  at timestamp(3) with time zone not null,
  state text not null,
  requests integer not null,
  failures integer not null,
  latency_ms integer,
  last_error_code text,
  last_error_at timestamp(3) with time zone,
  constraint provider_health_provider_id_gateway_id_pk PRIMARY KEY (provider_id, gateway_id),
  constraint provider_health_provider_id_providers_id_fk FOREIGN KEY (provider_id) REFERENCES providers(id),
  constraint provider_health_tenant_id_tenants_id_fk FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint provider_health_counts CHECK (((requests >= 0) AND ((failures >= 0) AND (failures <= requests)) AND (latency_ms >= 0)))
);
-- row level security: enabled, forced
create policy shared_insert on provider_health for insert to stipend_app, stipend_owner with check ( CASE WHEN (tenant_id IS NULL) THEN app.is_platform() ELSE (tenant_id = app.tenant_or_null()) END);
create policy shared_read on provider_health for select to stipend_app, stipend_owner using (((tenant_id IS NULL) OR (tenant_id = app.tenant_or_null())));
create policy shared_update on provider_health for update to stipend_app, stipend_owner using ( CASE WHEN (tenant_id IS NULL) THEN app.is_platform() ELSE (tenant_id = app.tenant_or_null()) END) with check ( CASE WHEN (tenant_id IS NULL) THEN app.is_platform() ELSE (tenant_id = app.tenant_or_null()) END);
CREATE TRIGGER same_owner AFTER INSERT OR UPDATE ON public.provider_health FOR EACH ROW EXECUTE FUNCTION app.refuse_other_owner();
grant insert, select, update on provider_health to stipend_app;

create table provider_shares (
  tenant_id text not null default app.current_tenant(),
  provider_id text not null,
  group_ids text[] not null,
  updated_at timestamp(3) with time zone not null default now(),
  constraint provider_shares_tenant_id_provider_id_pk PRIMARY KEY (tenant_id, provider_id),
  constraint provider_shares_provider_id_providers_id_fk FOREIGN KEY (provider_id) REFERENCES providers(id),
  constraint provider_shares_tenant_id_tenants_id_fk FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
-- row level security: enabled, forced
create policy tenant on provider_shares for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
CREATE TRIGGER seen_provider AFTER INSERT OR UPDATE OF provider_id ON public.provider_shares FOR EACH ROW EXECUTE FUNCTION app.refuse_unseen_provider();
CREATE TRIGGER tell_gateways AFTER INSERT OR DELETE OR UPDATE ON public.provider_shares FOR EACH ROW EXECUTE FUNCTION app.tell_gateways_of_catalogue();
grant delete, insert, select, update on provider_shares to stipend_app;

create table providers (
  tenant_id text default app.tenant_or_null(),
  id text not null,
  name text not null,
  kind text not null,
  base_url text not null,
  credential bytea,
  is_enabled boolean not null default true,
  created_at timestamp(3) with time zone not null default now(),
  credential_at timestamp(3) with time zone,
  priority integer not null default 100,
  weight integer not null default 1,
  markup_bp integer not null default 0,
  deleted_at timestamp(3) with time zone,
  constraint providers_pkey PRIMARY KEY (id),
  constraint providers_tenant_id_tenants_id_fk FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint providers_markup CHECK (((markup_bp >= 0) AND (markup_bp <= 100000))),
  constraint providers_order CHECK ((((priority >= 1) AND (priority <= 1000)) AND ((weight >= 1) AND (weight <= 1000))))
);
CREATE UNIQUE INDEX providers_name ON public.providers USING btree (COALESCE(tenant_id, ''::text), name) WHERE (deleted_at IS NULL);
-- row level security: enabled, forced
create policy shared_insert on providers for insert to stipend_app, stipend_owner with check ( CASE WHEN (tenant_id IS NULL) THEN app.is_platform() ELSE (tenant_id = app.tenant_or_null()) END);
create policy shared_read on providers for select to stipend_app, stipend_owner using (((tenant_id IS NULL) OR (tenant_id = app.tenant_or_null())));
create policy shared_update on providers for update to stipend_app, stipend_owner using ( CASE WHEN (tenant_id IS NULL) THEN app.is_platform() ELSE (tenant_id = app.tenant_or_null()) END) with check ( CASE WHEN (tenant_id IS NULL) THEN app.is_platform() ELSE (tenant_id = app.tenant_or_null()) END);
CREATE TRIGGER tell_gateways AFTER INSERT OR UPDATE ON public.providers FOR EACH ROW EXECUTE FUNCTION app.tell_gateways_of_catalogue();
grant insert, select, update on providers to stipend_app;

create table rule_counts (
  tenant_id text not null default app.current_tenant(),
  rule_id text not null,
  hour timestamp(3) with time zone not null,
  requests bigint not null,
  constraint rule_counts_tenant_id_rule_id_hour_pk PRIMARY KEY (tenant_id, rule_id, hour),
  constraint rule_counts_tenant_id_rule_id_rules_tenant_id_id_fk FOREIGN KEY (tenant_id, rule_id) REFERENCES rules(tenant_id, id) ON DELETE CASCADE,
  constraint rule_counts_requests CHECK ((requests > 0))
);
-- row level security: enabled, forced
create policy tenant on rule_counts for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant delete, insert, select, update on rule_counts to stipend_app;

create table rules (
  tenant_id text not null default app.current_tenant(),
  id text not null,
  name text not null,
  effect text not null,
  is_enabled boolean not null default true,
  position integer not null,
  member_ids text[],
  kinds text[],
  roles text[],
  group_ids text[],
  location_ids text[],
  models text[],
  provider_ids text[],
  days text[],
  time_from text,
  time_until text,
  created_at timestamp(3) with time zone not null default now(),
  updated_at timestamp(3) with time zone not null default now(),
  constraint rules_tenant_id_id_pk PRIMARY KEY (tenant_id, id),
  constraint rules_tenant_id_tenants_id_fk FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint rules_no_empty_list CHECK (((((((((0 <> COALESCE(cardinality(member_ids), 1)) AND (0 <> COALESCE(cardinality(kinds), 1))) AND (0 <> COALESCE(cardinality(roles), 1))) AND (0 <> COALESCE(cardinality(group_ids), 1))) AND (0 <> COALESCE(cardinality(location_ids), 1))) AND (0 <> COALESCE(cardinality(models), 1))) AND (0 <> COALESCE(cardinality(provider_ids), 1))) AND (0 <> COALESCE(cardinality(days), 1)))),
  constraint rules_times CHECK ((((time_from IS NULL) = (time_until IS NULL)) AND (time_from <> time_until) AND (time_from ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'::text) AND (time_until ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'::text)))
);
CREATE INDEX rules_order ON public.rules USING btree (tenant_id, position, id);
-- row level security: enabled, forced
create policy tenant on rules for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
CREATE TRIGGER tell_gateways AFTER INSERT OR DELETE OR UPDATE ON public.rules FOR EACH ROW EXECUTE FUNCTION app.tell_gateways_of_rules();
grant delete, insert, select, update on rules to stipend_app;

create table service_tokens (
  tenant_id text not null default app.current_tenant(),
  id text not null,
  secret_hash bytea not null,
  last_four text not null,
  name text not null,
  scopes text[] not null,
  created_by text not null,
  created_at timestamp(3) with time zone not null default now(),
  last_used_at timestamp(3) with time zone,
  revoked_at timestamp(3) with time zone,
  constraint service_tokens_tenant_id_id_pk PRIMARY KEY (tenant_id, id),
  constraint service_tokens_tenant_id_tenants_id_fk FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE UNIQUE INDEX service_tokens_secret_hash ON public.service_tokens USING btree (secret_hash);
-- row level security: enabled, forced
create policy lookup on service_tokens for select to stipend_lookup using (true);
create policy tenant on service_tokens for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant insert, select, update on service_tokens to stipend_app;
grant select (id, revoked_at, scopes, secret_hash, tenant_id) on service_tokens to stipend_lookup;

create table sessions (
  id text not null,
  user_id text not null,
  expires_at timestamp with time zone not null,
  constraint sessions_pkey PRIMARY KEY (id),
  constraint sessions_user_id_users_id_fk FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE
);
CREATE INDEX sessions_user ON public.sessions USING btree (user_id);
-- row level security: enabled, forced
create policy identity on sessions for all to stipend_app, stipend_owner using (app.is_identity()) with check (app.is_identity());
grant delete, insert, select, update on sessions to stipend_app;

create table sign_up_domains (
  tenant_id text not null default app.current_tenant(),
  domain text not null,
  kind text not null,
  role text not null,
  location_id text,
  created_at timestamp(3) with time zone not null default now(),
  constraint sign_up_domains_tenant_id_domain_pk PRIMARY KEY (tenant_id, domain),
  constraint sign_up_domains_tenant_id_location_id_locations_tenant_id_id_fk FOREIGN KEY (tenant_id, location_id) REFERENCES locations(tenant_id, id),
  constraint sign_up_domains_tenant_id_tenants_id_fk FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);
CREATE INDEX sign_up_domains_domain ON public.sign_up_domains USING btree (domain);
-- row level security: enabled, forced
create policy lookup on sign_up_domains for select to stipend_lookup using (true);
create policy tenant on sign_up_domains for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant delete, insert, select, update on sign_up_domains to stipend_app;
grant select (domain, tenant_id) on sign_up_domains to stipend_lookup;

create table stripe_events (
  id text not null,
  type text not null,
  object_id text not null,
  is_live boolean not null,
  happened_at timestamp(3) with time zone not null,
  received_at timestamp(3) with time zone not null default now(),
  attempts integer not null default 0,
  next_attempt_at timestamp(3) with time zone not null default now(),
  processed_at timestamp(3) with time zone,
  outcome text,
  constraint stripe_events_pkey PRIMARY KEY (id)
);
CREATE INDEX stripe_events_object ON public.stripe_events USING btree (object_id);
CREATE INDEX stripe_events_waiting ON public.stripe_events USING btree (next_attempt_at) WHERE (processed_at IS NULL);
-- row level security: enabled, forced
create policy platform on stripe_events for all to stipend_app, stipend_owner using (app.is_platform()) with check (app.is_platform());
grant insert, select, update on stripe_events to stipend_app;

create table tenants (
  id text not null,
  slug text not null,
  kind text not null,
  name text not null,
  time_zone text not null,
  accent_color text not null,
  created_at timestamp(3) with time zone not null default now(),
  own_key_kinds text[] not null default '{}'::text[],
  own_keys_max integer not null default 3,
  own_key_budget_max_nanos bigint not null default '5000000000'::bigint,
  own_key_days_max integer,
  own_key_may_renew boolean not null default false,
  content_kept text not null default 'nothing'::text,
  content_days integer not null default 30,
  constraint tenants_pkey PRIMARY KEY (id),
  constraint tenants_content_days CHECK (((content_days >= 1) AND (content_days <= 3650))),
  constraint tenants_own_keys CHECK ((((own_keys_max >= 1) AND (own_keys_max <= 100)) AND (own_key_budget_max_nanos > 0) AND (own_key_days_max > 0)))
);
CREATE UNIQUE INDEX tenants_slug ON public.tenants USING btree (slug);
-- row level security: enabled, forced
create policy lookup on tenants for select to stipend_lookup using (true);
create policy tenant on tenants for all to stipend_app, stipend_owner using ((id = ( SELECT app.current_tenant() AS current_tenant))) with check ((id = ( SELECT app.current_tenant() AS current_tenant)));
CREATE TRIGGER tell_gateways AFTER UPDATE OF time_zone ON public.tenants FOR EACH ROW EXECUTE FUNCTION app.tell_gateways();
grant insert, select, update on tenants to stipend_app;
grant select on tenants to stipend_lookup;

create table usage_events (
  tenant_id text not null default app.current_tenant(),
  id text not null,
  started_at timestamp(3) with time zone not null,
  gateway_id text not null,
  lease_id text not null,
  key_id text not null,
  member_id text not null,
  allocation_id text,
  draws_on_balance boolean not null,
  model text not null,
  provider_id text not null,
  provider_name text not null,
  price_id text not null,
  status text not null,
  http_status integer not null,
  error_code text,
  is_streamed boolean not null,
  is_estimated boolean not null,
  input_tokens bigint not null default 0,
  cached_input_tokens bigint not null default 0,
  cache_write_tokens bigint not null default 0,
  cache_write_1h_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  reasoning_tokens bigint,
  hold_nanos bigint not null,
  cost_nanos bigint not null,
  excess_nanos bigint not null default 0,
  latency_ms integer not null,
  first_byte_ms integer,
  settled_at timestamp(3) with time zone not null default now(),
  thread text,
  constraint usage_events_pk PRIMARY KEY (tenant_id, started_at, id),
  constraint usage_events_cost CHECK (((cost_nanos >= 0) AND (excess_nanos >= 0) AND (cost_nanos <= hold_nanos))),
  constraint usage_events_tokens CHECK (((input_tokens >= 0) AND (output_tokens >= 0)))
) partition by RANGE (started_at);
CREATE INDEX usage_events_person ON ONLY public.usage_events USING btree (tenant_id, member_id, started_at, key_id);
CREATE INDEX usage_events_settled ON ONLY public.usage_events USING brin (settled_at) WITH (autosummarize='on');
CREATE INDEX usage_events_thread ON ONLY public.usage_events USING btree (tenant_id, key_id, thread, started_at) WHERE (thread IS NOT NULL);
-- row level security: enabled, forced
create policy lookup on usage_events for select to stipend_lookup using (true);
create policy tenant on usage_events for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.usage_events FOR EACH ROW EXECUTE FUNCTION app.refuse_change();
grant insert, select on usage_events to stipend_app;
grant select (cost_nanos, draws_on_balance, provider_id, started_at, status) on usage_events to stipend_lookup;

create table usage_hours (
  tenant_id text not null default app.current_tenant(),
  hour timestamp(3) with time zone not null,
  key_id text not null,
  member_id text not null,
  model text not null,
  requests bigint not null,
  failed_requests bigint not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  cost_nanos bigint not null,
  constraint usage_hours_tenant_id_hour_key_id_model_pk PRIMARY KEY (tenant_id, hour, key_id, model)
);
CREATE INDEX usage_hours_key ON public.usage_hours USING btree (tenant_id, key_id);
CREATE INDEX usage_hours_member ON public.usage_hours USING btree (tenant_id, member_id, hour);
-- row level security: enabled, forced
create policy tenant on usage_hours for all to stipend_app, stipend_owner using ((tenant_id = ( SELECT app.current_tenant() AS current_tenant))) with check ((tenant_id = ( SELECT app.current_tenant() AS current_tenant)));
grant insert, select, update on usage_hours to stipend_app;

create table users (
  id text not null,
  email text not null,
  password_hash text not null,
  created_at timestamp(3) with time zone not null default now(),
  constraint users_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX users_email ON public.users USING btree (email);
-- row level security: enabled, forced
create policy identity on users for all to stipend_app, stipend_owner using (app.is_identity()) with check (app.is_identity());
grant insert, select, update on users to stipend_app;
