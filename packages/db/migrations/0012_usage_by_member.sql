-- One index finds the requests of a person and those of their key: each of them would cost every request two microseconds.
DROP INDEX "usage_events_key";--> statement-breakpoint
DROP INDEX "usage_events_member";--> statement-breakpoint
CREATE INDEX "usage_events_person" ON "usage_events" ("tenant_id","member_id","started_at","key_id");
