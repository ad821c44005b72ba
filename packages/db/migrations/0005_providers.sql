CREATE TABLE "provider_health" (
	"tenant_id" text DEFAULT app.tenant_or_null(),
	"provider_id" text NOT NULL,
	"gateway_id" text NOT NULL,
	"at" timestamp(3) with time zone NOT NULL,
	"state" text NOT NULL,
	"requests" integer NOT NULL,
	"failures" integer NOT NULL,
	"latency_ms" integer,
	"last_error_code" text,
	"last_error_at" timestamp(3) with time zone,
	CONSTRAINT "provider_health_provider_id_gateway_id_pk" PRIMARY KEY("provider_id","gateway_id"),
	CONSTRAINT "provider_health_counts" CHECK (requests >= 0 and failures between 0 and requests and latency_ms >= 0)
);
--> statement-breakpoint
ALTER TABLE "provider_health" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "provider_shares" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"provider_id" text NOT NULL,
	"group_ids" text[] NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "provider_shares_tenant_id_provider_id_pk" PRIMARY KEY("tenant_id","provider_id")
);
--> statement-breakpoint
ALTER TABLE "provider_shares" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
DROP INDEX "providers_name";--> statement-breakpoint
ALTER TABLE "models" ALTER COLUMN "tenant_id" SET DEFAULT app.tenant_or_null();--> statement-breakpoint
ALTER TABLE "prices" ALTER COLUMN "tenant_id" SET DEFAULT app.tenant_or_null();--> statement-breakpoint
ALTER TABLE "providers" ALTER COLUMN "tenant_id" SET DEFAULT app.tenant_or_null();--> statement-breakpoint
ALTER TABLE "models" ADD COLUMN "aliases" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "models" ADD COLUMN "dialects" text[] DEFAULT '{chat}' NOT NULL;--> statement-breakpoint
ALTER TABLE "prices" ADD COLUMN "tiers" jsonb DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE "prices" ADD COLUMN "markup_bp" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "credential_at" timestamp(3) with time zone;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "priority" integer DEFAULT 100 NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "weight" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "markup_bp" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "providers" ADD COLUMN "deleted_at" timestamp(3) with time zone;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "provider_id" text;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "allowed_models" text[];--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "allowed_ips" text[];--> statement-breakpoint
ALTER TABLE "provider_health" ADD CONSTRAINT "provider_health_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "provider_health" ADD CONSTRAINT "provider_health_provider_id_providers_id_fk" FOREIGN KEY ("provider_id") REFERENCES "public"."providers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "provider_shares" ADD CONSTRAINT "provider_shares_provider_id_providers_id_fk" FOREIGN KEY ("provider_id") REFERENCES "public"."providers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "provider_shares" ADD CONSTRAINT "provider_shares_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "keys" ADD CONSTRAINT "keys_provider_id_providers_id_fk" FOREIGN KEY ("provider_id") REFERENCES "public"."providers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "providers_name" ON "providers" USING btree (coalesce(tenant_id, ''),"name") WHERE deleted_at is null;--> statement-breakpoint
ALTER TABLE "prices" ADD CONSTRAINT "prices_markup" CHECK (markup_bp between 0 and 100000);--> statement-breakpoint
ALTER TABLE "providers" ADD CONSTRAINT "providers_order" CHECK (priority between 1 and 1000 and weight between 1 and 1000);--> statement-breakpoint
ALTER TABLE "providers" ADD CONSTRAINT "providers_markup" CHECK (markup_bp between 0 and 100000);--> statement-breakpoint
CREATE POLICY "shared_read" ON "provider_health" AS PERMISSIVE FOR SELECT TO "stipend_app", "stipend_owner" USING (tenant_id is null or tenant_id = app.tenant_or_null());--> statement-breakpoint
CREATE POLICY "shared_insert" ON "provider_health" AS PERMISSIVE FOR INSERT TO "stipend_app", "stipend_owner" WITH CHECK (case when tenant_id is null then app.is_platform() else tenant_id = app.tenant_or_null() end);--> statement-breakpoint
CREATE POLICY "shared_update" ON "provider_health" AS PERMISSIVE FOR UPDATE TO "stipend_app", "stipend_owner" USING (case when tenant_id is null then app.is_platform() else tenant_id = app.tenant_or_null() end) WITH CHECK (case when tenant_id is null then app.is_platform() else tenant_id = app.tenant_or_null() end);--> statement-breakpoint
CREATE POLICY "tenant" ON "provider_shares" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));