CREATE TABLE "rule_counts" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"rule_id" text NOT NULL,
	"hour" timestamp(3) with time zone NOT NULL,
	"requests" bigint NOT NULL,
	CONSTRAINT "rule_counts_tenant_id_rule_id_hour_pk" PRIMARY KEY("tenant_id","rule_id","hour"),
	CONSTRAINT "rule_counts_requests" CHECK (requests > 0)
);
--> statement-breakpoint
ALTER TABLE "rule_counts" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "rules" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"effect" text NOT NULL,
	"is_enabled" boolean DEFAULT true NOT NULL,
	"position" integer NOT NULL,
	"member_ids" text[],
	"kinds" text[],
	"roles" text[],
	"group_ids" text[],
	"location_ids" text[],
	"models" text[],
	"provider_ids" text[],
	"days" text[],
	"time_from" text,
	"time_until" text,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "rules_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "rules_no_empty_list" CHECK (0 not in (coalesce(cardinality(member_ids), 1), coalesce(cardinality(kinds), 1), coalesce(cardinality(roles), 1),
        coalesce(cardinality(group_ids), 1), coalesce(cardinality(location_ids), 1), coalesce(cardinality(models), 1),
        coalesce(cardinality(provider_ids), 1), coalesce(cardinality(days), 1))),
	CONSTRAINT "rules_times" CHECK ((time_from is null) = (time_until is null) and time_from <> time_until
        and time_from ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$' and time_until ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$')
);
--> statement-breakpoint
ALTER TABLE "rules" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "rule_counts" ADD CONSTRAINT "rule_counts_tenant_id_rule_id_rules_tenant_id_id_fk" FOREIGN KEY ("tenant_id","rule_id") REFERENCES "public"."rules"("tenant_id","id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rules" ADD CONSTRAINT "rules_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "rules_order" ON "rules" USING btree ("tenant_id","position","id");--> statement-breakpoint
CREATE POLICY "tenant" ON "rule_counts" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "tenant" ON "rules" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));