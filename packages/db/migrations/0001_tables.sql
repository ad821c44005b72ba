CREATE TABLE "models" (
	"tenant_id" text,
	"id" text PRIMARY KEY NOT NULL,
	"provider_id" text NOT NULL,
	"name" text NOT NULL,
	"upstream_name" text NOT NULL,
	"context_tokens_max" integer NOT NULL,
	"output_tokens_max" integer NOT NULL,
	"is_enabled" boolean DEFAULT true NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "models_tokens" CHECK (context_tokens_max > 0 and output_tokens_max > 0)
);
--> statement-breakpoint
ALTER TABLE "models" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "prices" (
	"tenant_id" text,
	"id" text PRIMARY KEY NOT NULL,
	"model_id" text NOT NULL,
	"valid_from" timestamp(3) with time zone NOT NULL,
	"input_picos" bigint NOT NULL,
	"cached_input_picos" bigint,
	"cache_write_picos" bigint,
	"cache_write_1h_picos" bigint,
	"output_picos" bigint NOT NULL,
	"source" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "prices_not_negative" CHECK (input_picos >= 0 and cached_input_picos >= 0 and cache_write_picos >= 0 and cache_write_1h_picos >= 0 and output_picos >= 0)
);
--> statement-breakpoint
ALTER TABLE "prices" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "providers" (
	"tenant_id" text,
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"base_url" text NOT NULL,
	"credential" "bytea",
	"is_enabled" boolean DEFAULT true NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "providers" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "sessions" (
	"id" text PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "sessions" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "users" (
	"id" text PRIMARY KEY NOT NULL,
	"email" text NOT NULL,
	"password_hash" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "users" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "account_periods" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"account_id" text NOT NULL,
	"starts_at" timestamp(3) with time zone NOT NULL,
	"limit_nanos" bigint,
	"spent_nanos" bigint DEFAULT 0 NOT NULL,
	"leased_nanos" bigint DEFAULT 0 NOT NULL,
	"overhang_nanos" bigint DEFAULT 0 NOT NULL,
	"renewals" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "account_periods_tenant_id_account_id_starts_at_pk" PRIMARY KEY("tenant_id","account_id","starts_at"),
	CONSTRAINT "account_periods_not_negative" CHECK (spent_nanos >= 0 and leased_nanos >= 0 and overhang_nanos >= 0),
	CONSTRAINT "account_periods_hard_limit" CHECK (spent_nanos + leased_nanos <= limit_nanos + overhang_nanos)
);
--> statement-breakpoint
ALTER TABLE "account_periods" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "accounts" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"id" text NOT NULL,
	"kind" text NOT NULL,
	"limit_nanos" bigint,
	"renewal" text NOT NULL,
	"renewals_max" integer,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "accounts_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "accounts_limit" CHECK (limit_nanos >= 0),
	CONSTRAINT "accounts_unlimited" CHECK (limit_nanos is not null or renewal = 'never')
);
--> statement-breakpoint
ALTER TABLE "accounts" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "allocations" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "allocations_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "allocations" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "gateways" (
	"id" text PRIMARY KEY NOT NULL,
	"last_seen_at" timestamp(3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "keys" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"id" text NOT NULL,
	"secret_hash" "bytea" NOT NULL,
	"last_four" text NOT NULL,
	"name" text NOT NULL,
	"member_id" text NOT NULL,
	"created_by" text NOT NULL,
	"allocation_id" text,
	"valid_from" timestamp(3) with time zone,
	"valid_until" timestamp(3) with time zone,
	"disabled_at" timestamp(3) with time zone,
	"revoked_at" timestamp(3) with time zone,
	"last_used_at" timestamp(3) with time zone,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "keys_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "keys_window" CHECK (valid_until > valid_from)
);
--> statement-breakpoint
ALTER TABLE "keys" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "lease_periods" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"lease_id" text NOT NULL,
	"position" integer NOT NULL,
	"account_id" text NOT NULL,
	"starts_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "lease_periods_tenant_id_lease_id_position_pk" PRIMARY KEY("tenant_id","lease_id","position")
);
--> statement-breakpoint
ALTER TABLE "lease_periods" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "leases" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"id" text NOT NULL,
	"gateway_id" text NOT NULL,
	"key_id" text NOT NULL,
	"amount_nanos" bigint NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "leases_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "leases_amount" CHECK (amount_nanos >= 0)
);
--> statement-breakpoint
ALTER TABLE "leases" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "ledger_entries" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"id" text NOT NULL,
	"account_id" text NOT NULL,
	"amount_nanos" bigint NOT NULL,
	"cause" text NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "ledger_entries_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "ledger_entries_amount" CHECK (amount_nanos <> 0)
);
--> statement-breakpoint
ALTER TABLE "ledger_entries" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "usage_hours" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"hour" timestamp(3) with time zone NOT NULL,
	"key_id" text NOT NULL,
	"member_id" text NOT NULL,
	"model" text NOT NULL,
	"requests" bigint NOT NULL,
	"failed_requests" bigint NOT NULL,
	"input_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"cost_nanos" bigint NOT NULL,
	CONSTRAINT "usage_hours_tenant_id_hour_key_id_model_pk" PRIMARY KEY("tenant_id","hour","key_id","model")
);
--> statement-breakpoint
ALTER TABLE "usage_hours" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "group_members" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"group_id" text NOT NULL,
	"member_id" text NOT NULL,
	CONSTRAINT "group_members_tenant_id_group_id_member_id_pk" PRIMARY KEY("tenant_id","group_id","member_id")
);
--> statement-breakpoint
ALTER TABLE "group_members" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "groups" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"id" text NOT NULL,
	"location_id" text NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "groups_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "groups" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "locations" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "locations_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "locations" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "member_scopes" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"member_id" text NOT NULL,
	"location_id" text NOT NULL,
	CONSTRAINT "member_scopes_tenant_id_member_id_location_id_pk" PRIMARY KEY("tenant_id","member_id","location_id")
);
--> statement-breakpoint
ALTER TABLE "member_scopes" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "members" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"id" text NOT NULL,
	"user_id" text,
	"kind" text NOT NULL,
	"role" text NOT NULL,
	"name" text NOT NULL,
	"email" text NOT NULL,
	"location_id" text,
	"deactivated_at" timestamp(3) with time zone,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "members_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "members" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "tenants" (
	"id" text PRIMARY KEY NOT NULL,
	"slug" text NOT NULL,
	"kind" text NOT NULL,
	"name" text NOT NULL,
	"time_zone" text NOT NULL,
	"accent_color" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "tenants" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "audit_entries" (
	"tenant_id" text DEFAULT app.tenant_or_null(),
	"id" text PRIMARY KEY NOT NULL,
	"actor_kind" text NOT NULL,
	"actor_id" text NOT NULL,
	"operation" text NOT NULL,
	"target_id" text NOT NULL,
	"before" jsonb,
	"after" jsonb,
	"ip" text,
	"request_id" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "audit_entries" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"actor_id" text NOT NULL,
	"key" text NOT NULL,
	"operation" text NOT NULL,
	"input_hash" "bytea" NOT NULL,
	"output" jsonb,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_keys_tenant_id_actor_id_key_pk" PRIMARY KEY("tenant_id","actor_id","key")
);
--> statement-breakpoint
ALTER TABLE "idempotency_keys" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "service_tokens" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"id" text NOT NULL,
	"secret_hash" "bytea" NOT NULL,
	"last_four" text NOT NULL,
	"name" text NOT NULL,
	"scopes" text[] NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"last_used_at" timestamp(3) with time zone,
	"revoked_at" timestamp(3) with time zone,
	CONSTRAINT "service_tokens_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "service_tokens" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "models" ADD CONSTRAINT "models_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "models" ADD CONSTRAINT "models_provider_id_providers_id_fk" FOREIGN KEY ("provider_id") REFERENCES "public"."providers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "prices" ADD CONSTRAINT "prices_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "prices" ADD CONSTRAINT "prices_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "providers" ADD CONSTRAINT "providers_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "account_periods" ADD CONSTRAINT "account_periods_tenant_id_account_id_accounts_tenant_id_id_fk" FOREIGN KEY ("tenant_id","account_id") REFERENCES "public"."accounts"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "allocations" ADD CONSTRAINT "allocations_tenant_id_id_accounts_tenant_id_id_fk" FOREIGN KEY ("tenant_id","id") REFERENCES "public"."accounts"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "keys" ADD CONSTRAINT "keys_tenant_id_id_accounts_tenant_id_id_fk" FOREIGN KEY ("tenant_id","id") REFERENCES "public"."accounts"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "keys" ADD CONSTRAINT "keys_tenant_id_member_id_members_tenant_id_id_fk" FOREIGN KEY ("tenant_id","member_id") REFERENCES "public"."members"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "keys" ADD CONSTRAINT "keys_tenant_id_allocation_id_allocations_tenant_id_id_fk" FOREIGN KEY ("tenant_id","allocation_id") REFERENCES "public"."allocations"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "lease_periods" ADD CONSTRAINT "lease_periods_tenant_id_lease_id_leases_tenant_id_id_fk" FOREIGN KEY ("tenant_id","lease_id") REFERENCES "public"."leases"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "lease_periods" ADD CONSTRAINT "lease_periods_tenant_id_account_id_starts_at_account_periods_tenant_id_account_id_starts_at_fk" FOREIGN KEY ("tenant_id","account_id","starts_at") REFERENCES "public"."account_periods"("tenant_id","account_id","starts_at") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "leases" ADD CONSTRAINT "leases_tenant_id_key_id_keys_tenant_id_id_fk" FOREIGN KEY ("tenant_id","key_id") REFERENCES "public"."keys"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_tenant_id_account_id_accounts_tenant_id_id_fk" FOREIGN KEY ("tenant_id","account_id") REFERENCES "public"."accounts"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "group_members" ADD CONSTRAINT "group_members_tenant_id_group_id_groups_tenant_id_id_fk" FOREIGN KEY ("tenant_id","group_id") REFERENCES "public"."groups"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "group_members" ADD CONSTRAINT "group_members_tenant_id_member_id_members_tenant_id_id_fk" FOREIGN KEY ("tenant_id","member_id") REFERENCES "public"."members"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "groups" ADD CONSTRAINT "groups_tenant_id_location_id_locations_tenant_id_id_fk" FOREIGN KEY ("tenant_id","location_id") REFERENCES "public"."locations"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "locations" ADD CONSTRAINT "locations_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "member_scopes" ADD CONSTRAINT "member_scopes_tenant_id_member_id_members_tenant_id_id_fk" FOREIGN KEY ("tenant_id","member_id") REFERENCES "public"."members"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "member_scopes" ADD CONSTRAINT "member_scopes_tenant_id_location_id_locations_tenant_id_id_fk" FOREIGN KEY ("tenant_id","location_id") REFERENCES "public"."locations"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "members" ADD CONSTRAINT "members_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "members" ADD CONSTRAINT "members_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "members" ADD CONSTRAINT "members_tenant_id_location_id_locations_tenant_id_id_fk" FOREIGN KEY ("tenant_id","location_id") REFERENCES "public"."locations"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "service_tokens" ADD CONSTRAINT "service_tokens_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "models_name" ON "models" USING btree ("provider_id","name");--> statement-breakpoint
CREATE INDEX "prices_model" ON "prices" USING btree ("model_id","valid_from");--> statement-breakpoint
CREATE UNIQUE INDEX "providers_name" ON "providers" USING btree (coalesce(tenant_id, ''),"name");--> statement-breakpoint
CREATE INDEX "sessions_user" ON "sessions" USING btree ("user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "users_email" ON "users" USING btree ("email");--> statement-breakpoint
CREATE UNIQUE INDEX "allocations_name" ON "allocations" USING btree ("tenant_id","name");--> statement-breakpoint
CREATE UNIQUE INDEX "keys_secret_hash" ON "keys" USING btree ("secret_hash");--> statement-breakpoint
CREATE INDEX "keys_member" ON "keys" USING btree ("tenant_id","member_id","created_at");--> statement-breakpoint
CREATE INDEX "keys_created" ON "keys" USING btree ("tenant_id","created_at","id");--> statement-breakpoint
CREATE INDEX "keys_allocation" ON "keys" USING btree ("tenant_id","allocation_id");--> statement-breakpoint
CREATE INDEX "lease_periods_account" ON "lease_periods" USING btree ("tenant_id","account_id","starts_at");--> statement-breakpoint
CREATE INDEX "leases_gateway" ON "leases" USING btree ("gateway_id");--> statement-breakpoint
CREATE INDEX "leases_key" ON "leases" USING btree ("tenant_id","key_id");--> statement-breakpoint
CREATE INDEX "ledger_entries_account" ON "ledger_entries" USING btree ("tenant_id","account_id","created_at");--> statement-breakpoint
CREATE INDEX "usage_hours_member" ON "usage_hours" USING btree ("tenant_id","member_id","hour");--> statement-breakpoint
CREATE INDEX "group_members_member" ON "group_members" USING btree ("tenant_id","member_id");--> statement-breakpoint
CREATE UNIQUE INDEX "groups_name" ON "groups" USING btree ("tenant_id","location_id","name");--> statement-breakpoint
CREATE UNIQUE INDEX "locations_name" ON "locations" USING btree ("tenant_id","name");--> statement-breakpoint
CREATE UNIQUE INDEX "members_email" ON "members" USING btree ("tenant_id","email");--> statement-breakpoint
CREATE UNIQUE INDEX "members_user" ON "members" USING btree ("tenant_id","user_id");--> statement-breakpoint
CREATE INDEX "members_by_user" ON "members" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "members_name" ON "members" USING btree ("tenant_id",lower("name"),"id");--> statement-breakpoint
CREATE INDEX "members_location" ON "members" USING btree ("tenant_id","location_id");--> statement-breakpoint
CREATE UNIQUE INDEX "tenants_slug" ON "tenants" USING btree ("slug");--> statement-breakpoint
CREATE INDEX "audit_entries_created" ON "audit_entries" USING btree ("tenant_id","created_at","id");--> statement-breakpoint
CREATE INDEX "audit_entries_target" ON "audit_entries" USING btree ("tenant_id","target_id","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "service_tokens_secret_hash" ON "service_tokens" USING btree ("secret_hash");--> statement-breakpoint
CREATE POLICY "shared_read" ON "models" AS PERMISSIVE FOR SELECT TO "stipend_app", "stipend_owner" USING (tenant_id is null or tenant_id = app.tenant_or_null());--> statement-breakpoint
CREATE POLICY "shared_insert" ON "models" AS PERMISSIVE FOR INSERT TO "stipend_app", "stipend_owner" WITH CHECK (case when tenant_id is null then app.is_platform() else tenant_id = app.tenant_or_null() end);--> statement-breakpoint
CREATE POLICY "shared_update" ON "models" AS PERMISSIVE FOR UPDATE TO "stipend_app", "stipend_owner" USING (case when tenant_id is null then app.is_platform() else tenant_id = app.tenant_or_null() end) WITH CHECK (case when tenant_id is null then app.is_platform() else tenant_id = app.tenant_or_null() end);--> statement-breakpoint
CREATE POLICY "shared_read" ON "prices" AS PERMISSIVE FOR SELECT TO "stipend_app", "stipend_owner" USING (tenant_id is null or tenant_id = app.tenant_or_null());--> statement-breakpoint
CREATE POLICY "shared_insert" ON "prices" AS PERMISSIVE FOR INSERT TO "stipend_app", "stipend_owner" WITH CHECK (case when tenant_id is null then app.is_platform() else tenant_id = app.tenant_or_null() end);--> statement-breakpoint
CREATE POLICY "shared_update" ON "prices" AS PERMISSIVE FOR UPDATE TO "stipend_app", "stipend_owner" USING (case when tenant_id is null then app.is_platform() else tenant_id = app.tenant_or_null() end) WITH CHECK (case when tenant_id is null then app.is_platform() else tenant_id = app.tenant_or_null() end);--> statement-breakpoint
CREATE POLICY "shared_read" ON "providers" AS PERMISSIVE FOR SELECT TO "stipend_app", "stipend_owner" USING (tenant_id is null or tenant_id = app.tenant_or_null());--> statement-breakpoint
CREATE POLICY "shared_insert" ON "providers" AS PERMISSIVE FOR INSERT TO "stipend_app", "stipend_owner" WITH CHECK (case when tenant_id is null then app.is_platform() else tenant_id = app.tenant_or_null() end);--> statement-breakpoint
CREATE POLICY "shared_update" ON "providers" AS PERMISSIVE FOR UPDATE TO "stipend_app", "stipend_owner" USING (case when tenant_id is null then app.is_platform() else tenant_id = app.tenant_or_null() end) WITH CHECK (case when tenant_id is null then app.is_platform() else tenant_id = app.tenant_or_null() end);--> statement-breakpoint
CREATE POLICY "identity" ON "sessions" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (app.is_identity()) WITH CHECK (app.is_identity());--> statement-breakpoint
CREATE POLICY "identity" ON "users" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (app.is_identity()) WITH CHECK (app.is_identity());--> statement-breakpoint
CREATE POLICY "tenant" ON "account_periods" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "tenant" ON "accounts" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "tenant" ON "allocations" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "tenant" ON "keys" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "lookup" ON "keys" AS PERMISSIVE FOR SELECT TO "stipend_lookup" USING (true);--> statement-breakpoint
CREATE POLICY "tenant" ON "lease_periods" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "tenant" ON "leases" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "lookup" ON "leases" AS PERMISSIVE FOR SELECT TO "stipend_lookup" USING (true);--> statement-breakpoint
CREATE POLICY "tenant" ON "ledger_entries" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "tenant" ON "usage_hours" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "tenant" ON "group_members" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "tenant" ON "groups" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "tenant" ON "locations" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "tenant" ON "member_scopes" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "lookup" ON "member_scopes" AS PERMISSIVE FOR SELECT TO "stipend_lookup" USING (true);--> statement-breakpoint
CREATE POLICY "tenant" ON "members" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "lookup" ON "members" AS PERMISSIVE FOR SELECT TO "stipend_lookup" USING (true);--> statement-breakpoint
CREATE POLICY "tenant" ON "tenants" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (id = (select app.current_tenant())) WITH CHECK (id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "lookup" ON "tenants" AS PERMISSIVE FOR SELECT TO "stipend_lookup" USING (true);--> statement-breakpoint
CREATE POLICY "audit_read" ON "audit_entries" AS PERMISSIVE FOR SELECT TO "stipend_app", "stipend_owner" USING (case when tenant_id is null then app.is_platform() else tenant_id = app.tenant_or_null() end);--> statement-breakpoint
CREATE POLICY "audit_insert" ON "audit_entries" AS PERMISSIVE FOR INSERT TO "stipend_app", "stipend_owner" WITH CHECK (case when tenant_id is null then app.is_platform() else tenant_id = app.tenant_or_null() end);--> statement-breakpoint
CREATE POLICY "tenant" ON "idempotency_keys" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "tenant" ON "service_tokens" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "lookup" ON "service_tokens" AS PERMISSIVE FOR SELECT TO "stipend_lookup" USING (true);