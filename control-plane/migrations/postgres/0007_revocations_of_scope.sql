DROP INDEX "revocations_by_scope";--> statement-breakpoint
CREATE INDEX "revocations_of_scope" ON "revocations" USING btree ("scope_id","nid");