alter table usage_events add column lease_id text not null default '';
--> statement-breakpoint
alter table usage_events alter column lease_id drop default;
