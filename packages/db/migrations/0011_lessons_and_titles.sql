CREATE TABLE "chats" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"key_id" text NOT NULL,
	"thread" text NOT NULL,
	"title" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "chats_tenant_id_key_id_thread_pk" PRIMARY KEY("tenant_id","key_id","thread")
);
--> statement-breakpoint
ALTER TABLE "chats" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "paused_group_id" text;--> statement-breakpoint
ALTER TABLE "chats" ADD CONSTRAINT "chats_tenant_id_key_id_keys_tenant_id_id_fk" FOREIGN KEY ("tenant_id","key_id") REFERENCES "public"."keys"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "chats_age" ON "chats" USING btree ("tenant_id","created_at");--> statement-breakpoint
CREATE INDEX "idempotency_keys_age" ON "idempotency_keys" USING btree ("tenant_id","created_at");--> statement-breakpoint
CREATE POLICY "tenant" ON "chats" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));