ALTER TABLE "keys" ADD COLUMN "requests_per_minute" integer;--> statement-breakpoint
ALTER TABLE "keys" ADD CONSTRAINT "keys_requests_per_minute" CHECK (requests_per_minute >= 1);