-- Providers, models and prices. A foreign key is checked past every policy, and rows of the platform (whose tenant is null) share
-- tables with those of tenants, so a key that begins with the tenant can't be had here. These triggers take its place.

-- A model has the owner of its provider, a price that of its model.
create or replace function app.refuse_other_owner() returns trigger language plpgsql as $$
declare is_owned boolean;
begin
  if tg_table_name = 'prices' then
    is_owned := exists (select from models m where m.id = new.model_id and m.tenant_id is not distinct from new.tenant_id);
  else
    is_owned := exists (select from providers p where p.id = new.provider_id and p.tenant_id is not distinct from new.tenant_id);
  end if;
  if not is_owned then
    raise exception 'a row of % belongs to somebody else', tg_table_name using errcode = '23503';
  end if;
  return null;
end $$;

-- A tenant refers to providers of its own and of the platform: those it can see.
create or replace function app.refuse_unseen_provider() returns trigger language plpgsql as $$
begin
  if new.provider_id is not null and not exists (select from providers p where p.id = new.provider_id) then
    raise exception 'there is no such provider' using errcode = '23503';
  end if;
  return null;
end $$;

do $$
declare name text;
begin
  foreach name in array array['models', 'prices', 'provider_health'] loop
    execute format('create or replace trigger same_owner after insert or update on %I for each row execute function app.refuse_other_owner()', name);
  end loop;
  foreach name in array array['keys', 'provider_shares'] loop
    execute format('create or replace trigger seen_provider after insert or update of provider_id on %I for each row execute function app.refuse_unseen_provider()', name);
  end loop;
end $$;

-- Who is in which group decides what is shared with them.
create or replace function app.tell_gateways_of_groups() returns trigger language plpgsql as $$
begin
  perform pg_notify('stipend', 'member ' || case tg_op when 'DELETE' then old.member_id else new.member_id end);
  return null;
end $$;

create or replace trigger tell_gateways after insert or delete on group_members
  for each row execute function app.tell_gateways_of_groups();

-- `catalogue`, and `catalogue ten_…` where it is only that tenant's.
create or replace function app.tell_gateways_of_catalogue() returns trigger language plpgsql as $$
begin
  perform pg_notify('stipend', 'catalogue' || coalesce(' ' || case tg_op when 'DELETE' then old.tenant_id else new.tenant_id end, ''));
  return null;
end $$;

create or replace trigger tell_gateways after insert or update on providers for each row execute function app.tell_gateways_of_catalogue();
create or replace trigger tell_gateways after insert or update on models for each row execute function app.tell_gateways_of_catalogue();
create or replace trigger tell_gateways after insert on prices for each row execute function app.tell_gateways_of_catalogue();
create or replace trigger tell_gateways after insert or update or delete on provider_shares for each row execute function app.tell_gateways_of_catalogue();

-- `rules ten_…`: a rule of that tenant was made, changed, moved or deleted.
create or replace function app.tell_gateways_of_rules() returns trigger language plpgsql as $$
begin
  perform pg_notify('stipend', 'rules ' || case tg_op when 'DELETE' then old.tenant_id else new.tenant_id end);
  return null;
end $$;

create or replace trigger tell_gateways after insert or update or delete on rules for each row execute function app.tell_gateways_of_rules();

revoke all on function app.refuse_other_owner(), app.refuse_unseen_provider(), app.tell_gateways_of_groups(), app.tell_gateways_of_catalogue(), app.tell_gateways_of_rules() from public;
grant execute on function app.refuse_other_owner(), app.refuse_unseen_provider(), app.tell_gateways_of_groups(), app.tell_gateways_of_catalogue(), app.tell_gateways_of_rules() to stipend_app, stipend_lookup;
