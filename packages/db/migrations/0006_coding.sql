CREATE INDEX "keys_current" ON "keys" USING btree ("tenant_id","member_id","created_at","id") WHERE revoked_at is null;--> statement-breakpoint
CREATE INDEX "usage_hours_key" ON "usage_hours" USING btree ("tenant_id","key_id");--> statement-breakpoint
ALTER TABLE "usage_events" ADD COLUMN "thread" text;--> statement-breakpoint
CREATE INDEX "usage_events_thread" ON "usage_events" ("tenant_id","key_id","thread","started_at") WHERE thread is not null;
