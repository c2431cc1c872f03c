DROP INDEX "revocations_listed";--> statement-breakpoint
CREATE INDEX "revocations_by_target" ON "revocations" USING btree ("nid","scope","created_at_s","revocation_id");--> statement-breakpoint
CREATE INDEX "revocations_listed" ON "revocations" USING btree ("nid","created_at_s","revocation_id");