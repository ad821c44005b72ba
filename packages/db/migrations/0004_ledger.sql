-- What was credited by hand so far becomes transactions of two sides. The one writer of the old rows is an operator's command.
ALTER TABLE "ledger_entries" NO FORCE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TEMPORARY TABLE "credits_so_far" ON COMMIT DROP AS SELECT * FROM "ledger_entries";--> statement-breakpoint
TRUNCATE "ledger_entries";--> statement-breakpoint
CREATE TABLE "billing_accounts" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"stripe_customer" text,
	"automatic_state" text DEFAULT 'off' NOT NULL,
	"stopped_reason" text,
	"threshold_nanos" bigint,
	"amount_nanos" bigint,
	"monthly_max_nanos" bigint,
	"cooldown_minutes" integer DEFAULT 60 NOT NULL,
	"payment_method" text,
	"payment_method_label" text,
	"low_nanos" bigint,
	"told_level" text DEFAULT 'enough' NOT NULL,
	"told_at" timestamp(3) with time zone,
	CONSTRAINT "billing_accounts_tenant_id_pk" PRIMARY KEY("tenant_id"),
	CONSTRAINT "billing_accounts_amounts" CHECK (threshold_nanos > 0 and amount_nanos > 0 and monthly_max_nanos >= amount_nanos and low_nanos >= 0),
	CONSTRAINT "billing_accounts_cooldown" CHECK (cooldown_minutes between 5 and 10080)
);
--> statement-breakpoint
ALTER TABLE "billing_accounts" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "ledger_transactions" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"id" text NOT NULL,
	"number" bigint NOT NULL,
	"kind" text NOT NULL,
	"external_id" text NOT NULL,
	"cause" text NOT NULL,
	"payment_id" text,
	"covers_from" timestamp(3) with time zone,
	"covers_until" timestamp(3) with time zone,
	"effective_at" timestamp(3) with time zone NOT NULL,
	"balance_after_nanos" bigint NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "ledger_transactions_tenant_id_id_pk" PRIMARY KEY("tenant_id","id")
);
--> statement-breakpoint
ALTER TABLE "ledger_transactions" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "payments" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"id" text NOT NULL,
	"source" text NOT NULL,
	"status" text NOT NULL,
	"amount_nanos" bigint NOT NULL,
	"is_live" boolean NOT NULL,
	"shortage" text,
	"checkout_session" text,
	"checkout_url" text,
	"payment_intent" text,
	"failure_code" text,
	"failure_message" text,
	"receipt_url" text,
	"invoice_number" text,
	"invoice_url" text,
	"credited_nanos" bigint DEFAULT 0 NOT NULL,
	"refunded_nanos" bigint DEFAULT 0 NOT NULL,
	"disputed_nanos" bigint DEFAULT 0 NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"succeeded_at" timestamp(3) with time zone,
	"synced_at" timestamp(3) with time zone,
	CONSTRAINT "payments_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "payments_amount" CHECK (amount_nanos > 0)
);
--> statement-breakpoint
ALTER TABLE "payments" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "promotions" (
	"tenant_id" text DEFAULT app.current_tenant() NOT NULL,
	"id" text NOT NULL,
	"amount_nanos" bigint NOT NULL,
	"cause" text NOT NULL,
	"expires_at" timestamp(3) with time zone NOT NULL,
	"used_nanos" bigint DEFAULT 0 NOT NULL,
	"counted_until" timestamp(3) with time zone NOT NULL,
	"taken_nanos" bigint DEFAULT 0 NOT NULL,
	"closed_at" timestamp(3) with time zone,
	"created_by" text NOT NULL,
	"created_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "promotions_tenant_id_id_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "promotions_amount" CHECK (amount_nanos > 0 and used_nanos >= 0 and taken_nanos >= 0 and used_nanos + taken_nanos <= amount_nanos)
);
--> statement-breakpoint
ALTER TABLE "promotions" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "stripe_events" (
	"id" text PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"object_id" text NOT NULL,
	"is_live" boolean NOT NULL,
	"happened_at" timestamp(3) with time zone NOT NULL,
	"received_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_attempt_at" timestamp(3) with time zone DEFAULT now() NOT NULL,
	"processed_at" timestamp(3) with time zone,
	"outcome" text
);
--> statement-breakpoint
ALTER TABLE "stripe_events" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "ledger_entries" DROP CONSTRAINT "ledger_entries_tenant_id_account_id_accounts_tenant_id_id_fk";
--> statement-breakpoint
DROP INDEX "ledger_entries_account";--> statement-breakpoint
ALTER TABLE "ledger_entries" DROP CONSTRAINT "ledger_entries_tenant_id_id_pk";--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "transaction_id" text NOT NULL;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD COLUMN "account" text NOT NULL;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_tenant_id_transaction_id_account_pk" PRIMARY KEY("tenant_id","transaction_id","account");--> statement-breakpoint
ALTER TABLE "billing_accounts" ADD CONSTRAINT "billing_accounts_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger_transactions" ADD CONSTRAINT "ledger_transactions_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payments" ADD CONSTRAINT "payments_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "promotions" ADD CONSTRAINT "promotions_tenant_id_tenants_id_fk" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "billing_accounts_customer" ON "billing_accounts" USING btree ("stripe_customer");--> statement-breakpoint
CREATE UNIQUE INDEX "ledger_transactions_number" ON "ledger_transactions" USING btree ("tenant_id","number");--> statement-breakpoint
CREATE UNIQUE INDEX "ledger_transactions_once" ON "ledger_transactions" USING btree ("tenant_id","kind","external_id");--> statement-breakpoint
CREATE INDEX "ledger_transactions_effective" ON "ledger_transactions" USING btree ("tenant_id","effective_at");--> statement-breakpoint
CREATE INDEX "ledger_transactions_payment" ON "ledger_transactions" USING btree ("tenant_id","payment_id");--> statement-breakpoint
CREATE UNIQUE INDEX "payments_shortage" ON "payments" USING btree ("tenant_id","shortage");--> statement-breakpoint
CREATE UNIQUE INDEX "payments_intent" ON "payments" USING btree ("tenant_id","payment_intent");--> statement-breakpoint
CREATE INDEX "payments_created" ON "payments" USING btree ("tenant_id","created_at","id");--> statement-breakpoint
CREATE INDEX "promotions_open" ON "promotions" USING btree ("tenant_id","expires_at");--> statement-breakpoint
CREATE INDEX "stripe_events_waiting" ON "stripe_events" USING btree ("next_attempt_at") WHERE processed_at is null;--> statement-breakpoint
CREATE INDEX "stripe_events_object" ON "stripe_events" USING btree ("object_id");--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_tenant_id_transaction_id_ledger_transactions_tenant_id_id_fk" FOREIGN KEY ("tenant_id","transaction_id") REFERENCES "public"."ledger_transactions"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger_entries" DROP COLUMN "id";--> statement-breakpoint
ALTER TABLE "ledger_entries" DROP COLUMN "account_id";--> statement-breakpoint
ALTER TABLE "ledger_entries" DROP COLUMN "cause";--> statement-breakpoint
ALTER TABLE "ledger_entries" DROP COLUMN "created_by";--> statement-breakpoint
ALTER TABLE "ledger_entries" DROP COLUMN "created_at";--> statement-breakpoint
CREATE POLICY "tenant" ON "billing_accounts" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "lookup" ON "billing_accounts" AS PERMISSIVE FOR SELECT TO "stipend_lookup" USING (true);--> statement-breakpoint
CREATE POLICY "tenant" ON "ledger_transactions" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "tenant" ON "payments" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "lookup" ON "payments" AS PERMISSIVE FOR SELECT TO "stipend_lookup" USING (true);--> statement-breakpoint
CREATE POLICY "tenant" ON "promotions" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (tenant_id = (select app.current_tenant())) WITH CHECK (tenant_id = (select app.current_tenant()));--> statement-breakpoint
CREATE POLICY "platform" ON "stripe_events" AS PERMISSIVE FOR ALL TO "stipend_app", "stipend_owner" USING (app.is_platform()) WITH CHECK (app.is_platform());--> statement-breakpoint
INSERT INTO "ledger_transactions" ("tenant_id", "id", "number", "kind", "external_id", "cause", "effective_at", "balance_after_nanos", "created_by", "created_at")
SELECT "tenant_id", "id", row_number() OVER "so_far", 'credit', "id", "cause", "created_at", sum("amount_nanos") OVER "so_far", "created_by", "created_at"
  FROM "credits_so_far" WINDOW "so_far" AS (PARTITION BY "tenant_id" ORDER BY "created_at", "id");--> statement-breakpoint
INSERT INTO "ledger_entries" ("tenant_id", "transaction_id", "account", "amount_nanos")
SELECT "tenant_id", "id", "side"."account", "side"."sign" * "amount_nanos"
  FROM "credits_so_far", (VALUES ('balance', 1), ('invoices', -1)) AS "side" ("account", "sign");--> statement-breakpoint
-- Events lie on disk in the order they were settled in, so this costs next to nothing to keep.
CREATE INDEX "usage_events_settled" ON "usage_events" USING brin ("settled_at") WITH (autosummarize = on);
