-- What every policy rests on. The settings are local to a transaction and set by withTenant, withIdentity and withPlatform.
create schema if not exists app;
--> statement-breakpoint
grant usage on schema app to stipend_app, stipend_lookup;
--> statement-breakpoint
-- The tenant in scope. Raises where there is none, so that a forgotten scope is an error and not an empty page.
create function app.current_tenant() returns text language plpgsql stable as $$
declare tenant text := nullif(current_setting('app.tenant_id', true), '');
begin
  if tenant is null then
    raise exception 'no tenant in scope' using errcode = '42501';
  end if;
  return tenant;
end $$;
--> statement-breakpoint
create function app.tenant_or_null() returns text language sql stable as $$
  select nullif(current_setting('app.tenant_id', true), '')
$$;
--> statement-breakpoint
create function app.is_identity() returns boolean language sql stable as $$
  select coalesce(current_setting('app.scope', true), '') = 'identity'
$$;
--> statement-breakpoint
create function app.is_platform() returns boolean language sql stable as $$
  select coalesce(current_setting('app.scope', true), '') = 'platform'
$$;
