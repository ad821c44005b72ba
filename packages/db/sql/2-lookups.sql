-- All that may look across tenants, and nothing else may. Run as stipend_lookup, which owns these functions; each answers one
-- question with ids, and work then goes on inside that tenant.

create or replace function app.find_key(p_secret_hash bytea) returns table (tenant_id text, id text)
language sql stable security definer set search_path = public, pg_temp as $$
  select k.tenant_id, k.id from keys k where k.secret_hash = p_secret_hash
$$;

create or replace function app.find_service_token(p_secret_hash bytea) returns table (tenant_id text, id text, scopes text[])
language sql stable security definer set search_path = public, pg_temp as $$
  select t.tenant_id, t.id, t.scopes from service_tokens t where t.secret_hash = p_secret_hash and t.revoked_at is null
$$;

-- What a function answers can't be replaced, only made anew. This file is one transaction.
drop function if exists app.memberships_of_user(text);
create function app.memberships_of_user(p_user_id text)
returns table (tenant_id text, tenant_slug text, tenant_kind text, tenant_name text, time_zone text, accent_color text,
               member_id text, member_name text, role text, location_ids text[], group_ids text[])
language sql stable security definer set search_path = public, pg_temp as $$
  select t.id, t.slug, t.kind, t.name, t.time_zone, t.accent_color, m.id, m.name, m.role,
         (select array_agg(s.location_id order by s.location_id)
            from member_scopes s where s.tenant_id = m.tenant_id and s.member_id = m.id),
         case when m.role = 'member' then array(
           select g.group_id from group_leads g
            where g.tenant_id = m.tenant_id and g.member_id = m.id order by g.group_id) end
    from members m join tenants t on t.id = m.tenant_id
   where m.user_id = p_user_id and m.deactivated_at is null and m.removed_at is null
   order by t.name, t.id
$$;

create or replace function app.find_invitation(p_secret_hash bytea) returns table (tenant_id text, id text)
language sql stable security definer set search_path = public, pg_temp as $$
  select i.tenant_id, i.id from invitations i where i.secret_hash = p_secret_hash
$$;

create or replace function app.tenants_of_domain(p_domain text) returns table (id text)
language sql stable security definer set search_path = public, pg_temp as $$
  select d.tenant_id from sign_up_domains d where d.domain = p_domain order by 1
$$;

-- Mails whose time has come, oldest first. Those about an account have no tenant.
create or replace function app.due_mails(p_at timestamptz, p_limit int) returns table (tenant_id text, id text)
language sql stable security definer set search_path = public, pg_temp as $$
  select m.tenant_id, m.id from mails m
   where m.sent_at is null and m.failed_at is null and m.next_attempt_at <= p_at
   order by m.next_attempt_at, m.id limit p_limit
$$;

create or replace function app.mails_before(p_at timestamptz, p_limit int) returns table (tenant_id text, id text)
language sql stable security definer set search_path = public, pg_temp as $$
  select m.tenant_id, m.id from mails m where m.created_at < p_at order by m.created_at desc limit p_limit
$$;

create or replace function app.all_tenants() returns table (id text, slug text)
language sql stable security definer set search_path = public, pg_temp as $$
  select t.id, t.slug from tenants t order by t.id
$$;

create or replace function app.leases_of_gateway(p_gateway_id text) returns table (tenant_id text, id text)
language sql stable security definer set search_path = public, pg_temp as $$
  select l.tenant_id, l.id from leases l where l.gateway_id = p_gateway_id order by l.tenant_id, l.id
$$;

create or replace function app.find_stripe_customer(p_customer text) returns text
language sql stable security definer set search_path = public, pg_temp as $$
  select b.tenant_id from billing_accounts b where b.stripe_customer = p_customer
$$;

-- Tenants whose balance is to be topped up by itself.
create or replace function app.automatic_top_ups() returns table (tenant_id text)
language sql stable security definer set search_path = public, pg_temp as $$
  select b.tenant_id from billing_accounts b where b.automatic_state = 'on' order by b.tenant_id
$$;

-- Payments of which the end isn't known yet.
create or replace function app.unsettled_payments() returns table (tenant_id text, id text)
language sql stable security definer set search_path = public, pg_temp as $$
  select p.tenant_id, p.id from payments p
   where p.status in ('created', 'open', 'processing', 'needs_confirmation') order by p.tenant_id, p.id
$$;

-- Of a provider of the platform, keys of any tenant.
create or replace function app.keys_linked_to(p_provider_id text) returns int
language sql stable security definer set search_path = public, pg_temp as $$
  select count(*)::int from keys k where k.provider_id = p_provider_id and k.revoked_at is null
$$;

-- What all tenants asked of the platform's providers since a moment.
create or replace function app.platform_usage(p_since timestamptz)
returns table (provider_id text, requests int, failed_requests int, cost_nanos bigint)
language sql stable security definer set search_path = public, pg_temp as $$
  select u.provider_id, count(*)::int, (count(*) filter (where u.status = 'failed'))::int, sum(u.cost_nanos)::bigint
    from usage_events u where u.started_at >= p_since and u.draws_on_balance group by u.provider_id
$$;

do $$
declare name regprocedure;
begin
  for name in
    select p.oid::regprocedure from pg_proc p join pg_roles r on r.oid = p.proowner
     where p.pronamespace = 'app'::regnamespace and r.rolname = 'stipend_lookup'
  loop
    execute format('revoke all on function %s from public', name);
    execute format('grant execute on function %s to stipend_app', name);
  end loop;
end $$;
