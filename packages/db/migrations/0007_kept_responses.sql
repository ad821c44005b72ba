CREATE TABLE "kept_responses" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"key_id" text NOT NULL,
	"id" text NOT NULL,
	"provider_id" text NOT NULL,
	"context_tokens" integer NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "kept_responses_tenant_id_key_id_id_pk" PRIMARY KEY("tenant_id","key_id","id")
);
--> statement-breakpoint
ALTER TABLE "kept_responses" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "kept_responses" ADD CONSTRAINT "kept_responses_tenant_id_key_id_keys_tenant_id_id_fk" FOREIGN KEY ("tenant_id","key_id") REFERENCES "public"."keys"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "kept_responses_age" ON "kept_responses" USING btree ("tenant_id","created_at");--> statement-breakpoint
CREATE POLICY "tenant" ON "kept_responses" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));