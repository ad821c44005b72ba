ALTER TABLE "accounts" DROP CONSTRAINT "accounts_limit";--> statement-breakpoint
ALTER TABLE "billing_accounts" ADD COLUMN "resumptions" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "billing_accounts" ADD COLUMN "setup_session" text;--> statement-breakpoint
ALTER TABLE "payments" ADD COLUMN "syncs" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_limit" CHECK (limit_nanos >= 0 or kind = 'balance');