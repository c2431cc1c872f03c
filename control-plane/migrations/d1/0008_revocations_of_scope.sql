DROP INDEX `revocations_by_scope`;--> statement-breakpoint
CREATE INDEX `revocations_of_scope` ON `revocations` (`scope_id`,`nid`);