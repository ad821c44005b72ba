CREATE TABLE "imports" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"id" text NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"files" jsonb,
	"settings" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"status" text DEFAULT 'draft' NOT NULL,
	"result" jsonb,
	"applied_at" timestamp(3) with time zone,
	CONSTRAINT "imports_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "imports" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "invitations" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"id" text NOT NULL,
	"kind" text NOT NULL,
	"member_id" text,
	"email" text NOT NULL,
	"secret_hash" "bytea",
	"created_by" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp(3) with time zone NOT NULL,
	"accepted_at" timestamp(3) with time zone,
	"revoked_at" timestamp(3) with time zone,
	CONSTRAINT "invitations_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "invitations" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "mails" (
	"tenant_id" text DEFAULT app.tenant_or_null(),
	"id" text PRIMARY KEY NOT NULL,
	"template" text NOT NULL,
	"to_address" text NOT NULL,
	"subject_id" text NOT NULL,
	"params" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"next_attempt_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"sent_at" timestamp(3) with time zone,
	"failed_at" timestamp(3) with time zone,
	"last_error" text,
	"title" text,
	"text" text
);
--> statement-breakpoint
ALTER TABLE "mails" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "password_resets" (
	"id" text PRIMARY KEY NOT NULL,
	"user_id" text NOT NULL,
	"secret_hash" "bytea",
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp(3) with time zone NOT NULL,
	"used_at" timestamp(3) with time zone
);
--> statement-breakpoint
ALTER TABLE "password_resets" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "group_leads" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"group_id" text NOT NULL,
	"member_id" text NOT NULL,
	CONSTRAINT "group_leads_tenant_id_group_id_member_id_pk" PRIMARY KEY("tenant_id","group_id","member_id")
);
--> statement-breakpoint
ALTER TABLE "group_leads" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "sign_up_domains" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"domain" text NOT NULL,
	"kind" text NOT NULL,
	"role" text NOT NULL,
	"location_id" text,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "sign_up_domains_tenant_id_domain_pk" PRIMARY KEY("tenant_id","domain")
);
--> statement-breakpoint
ALTER TABLE "sign_up_domains" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
DROP INDEX "members_name";--> statement-breakpoint
DROP INDEX "members_email";--> statement-breakpoint
DROP INDEX "members_location";--> statement-breakpoint
ALTER TABLE "groups" ADD COLUMN "external_id" text;--> statement-breakpoint
ALTER TABLE "locations" ADD COLUMN "external_id" text;--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "name_key" text GENERATED ALWAYS AS (lower(name)) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "external_id" text;--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "removed_at" timestamp(3) with time zone;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "own_key_kinds" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "own_keys_max" integer DEFAULT 3 NOT NULL;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "own_key_budget_max_nanos" bigint DEFAULT 5000000000 NOT NULL;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "own_key_days_max" integer;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "own_key_may_renew" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "content_kept" text DEFAULT 'nothing' NOT NULL;--> statement-breakpoint
ALTER TABLE "tenants" ADD COLUMN "content_days" integer DEFAULT 30 NOT NULL;--> statement-breakpoint
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_tenant_id_member_id_members_tenant_id_id_fk" FOREIGN KEY ("tenant_id","member_id") REFERENCES "public"."members"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "password_resets" ADD CONSTRAINT "password_resets_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "group_leads" ADD CONSTRAINT "group_leads_tenant_id_group_id_groups_tenant_id_id_fk" FOREIGN KEY ("tenant_id","group_id") REFERENCES "public"."groups"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "group_leads" ADD CONSTRAINT "group_leads_tenant_id_member_id_members_tenant_id_id_fk" FOREIGN KEY ("tenant_id","member_id") REFERENCES "public"."members"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sign_up_domains" ADD CONSTRAINT "sign_up_domains_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sign_up_domains" ADD CONSTRAINT "sign_up_domains_tenant_id_location_id_locations_tenant_id_id_fk" FOREIGN KEY ("tenant_id","location_id") REFERENCES "public"."locations"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "imports_created" ON "imports" USING btree ("tenant_id","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "invitations_secret_hash" ON "invitations" USING btree ("secret_hash");--> statement-breakpoint
CREATE UNIQUE INDEX "invitations_open" ON "invitations" USING btree ("tenant_id","email") WHERE accepted_at is null and revoked_at is null;--> statement-breakpoint
CREATE INDEX "invitations_member" ON "invitations" USING btree ("tenant_id","member_id");--> statement-breakpoint
CREATE INDEX "mails_due" ON "mails" USING btree ("next_attempt_at") WHERE sent_at is null and failed_at is null;--> statement-breakpoint
CREATE INDEX "mails_subject" ON "mails" USING btree ("tenant_id","subject_id");--> statement-breakpoint
CREATE INDEX "mails_created" ON "mails" USING btree ("created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "password_resets_secret_hash" ON "password_resets" USING btree ("secret_hash");--> statement-breakpoint
CREATE INDEX "password_resets_user" ON "password_resets" USING btree ("user_id");--> statement-breakpoint
CREATE INDEX "group_leads_member" ON "group_leads" USING btree ("tenant_id","member_id");--> statement-breakpoint
CREATE INDEX "sign_up_domains_domain" ON "sign_up_domains" USING btree ("domain");--> statement-breakpoint
CREATE UNIQUE INDEX "groups_external" ON "groups" USING btree ("tenant_id","external_id");--> statement-breakpoint
CREATE UNIQUE INDEX "locations_external" ON "locations" USING btree ("tenant_id","external_id");--> statement-breakpoint
CREATE UNIQUE INDEX "members_external" ON "members" USING btree ("tenant_id","external_id") WHERE removed_at is null;--> statement-breakpoint
CREATE INDEX "members_by_name" ON "members" USING btree ("tenant_id","name_key","id");--> statement-breakpoint
CREATE INDEX "members_by_email" ON "members" USING btree ("tenant_id","email","id");--> statement-breakpoint
CREATE INDEX "members_by_age" ON "members" USING btree ("tenant_id","created_at","id");--> statement-breakpoint
CREATE INDEX "members_kind" ON "members" USING btree ("tenant_id","kind","name_key","id");--> statement-breakpoint
CREATE UNIQUE INDEX "members_email" ON "members" USING btree ("tenant_id","email") WHERE removed_at is null;--> statement-breakpoint
CREATE INDEX "members_location" ON "members" USING btree ("tenant_id","location_id","name_key","id");--> statement-breakpoint
ALTER TABLE "tenants" ADD CONSTRAINT "tenants_own_keys" CHECK (own_keys_max between 1 and 100 and own_key_budget_max_nanos > 0 and own_key_days_max > 0);--> statement-breakpoint
ALTER TABLE "tenants" ADD CONSTRAINT "tenants_content_days" CHECK (content_days between 1 and 3650);--> statement-breakpoint
CREATE POLICY "tenant" ON "imports" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "tenant" ON "invitations" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "lookup" ON "invitations" AS PERMISSIVE FOR SELECT TO "stipend_lookup" USING (true);--> statement-breakpoint
CREATE POLICY "mail" ON "mails" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (case when tenant_id is null then app.is_identity() else tenant_id = app.tenant_or_null() end) WITH CHECK (case when tenant_id is null then app.is_identity() else tenant_id = app.tenant_or_null() end);--> statement-breakpoint
CREATE POLICY "lookup" ON "mails" AS PERMISSIVE FOR SELECT TO "stipend_lookup" USING (true);--> statement-breakpoint
CREATE POLICY "identity" ON "password_resets" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (app.is_identity()) WITH CHECK (app.is_identity());--> statement-breakpoint
CREATE POLICY "tenant" ON "group_leads" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "lookup" ON "group_leads" AS PERMISSIVE FOR SELECT TO "stipend_lookup" USING (true);--> statement-breakpoint
CREATE POLICY "tenant" ON "sign_up_domains" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "lookup" ON "sign_up_domains" AS PERMISSIVE FOR SELECT TO "stipend_lookup" USING (true);