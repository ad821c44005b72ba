ALTER TABLE "account_periods" DROP CONSTRAINT "account_periods_not_negative";--> statement-breakpoint
ALTER TABLE "account_periods" DROP CONSTRAINT "account_periods_hard_limit";--> statement-breakpoint
ALTER TABLE "account_periods" ADD COLUMN "overhang_nanos" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "account_periods" ADD CONSTRAINT "account_periods_not_negative" CHECK (spent_nanos >= 0 and leased_nanos >= 0 and overhang_nanos >= 0);--> statement-breakpoint
ALTER TABLE "account_periods" ADD CONSTRAINT "account_periods_hard_limit" CHECK (spent_nanos + leased_nanos <= limit_nanos + overhang_nanos);