-- Partitioned by month: old months can be detached, and an index never outgrows memory. The default partition catches what has
-- no month of its own, so that nothing measured is ever refused.
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
  constraint usage_events_pk primary key (tenant_id, started_at, id),
  constraint usage_events_cost check (cost_nanos >= 0 and excess_nanos >= 0 and cost_nanos <= hold_nanos),
  constraint usage_events_tokens check (input_tokens >= 0 and output_tokens >= 0)
) partition by range (started_at);
--> statement-breakpoint
create table usage_events_other partition of usage_events default;
--> statement-breakpoint
create index usage_events_key on usage_events (tenant_id, key_id, started_at, id);
--> statement-breakpoint
create index usage_events_member on usage_events (tenant_id, member_id, started_at, id);
--> statement-breakpoint
alter table usage_events enable row level security;
--> statement-breakpoint
create policy tenant on usage_events for all to stipend_app, stipend_owner
  using (tenant_id = (select app.current_tenant())) with check (tenant_id = (select app.current_tenant()));
