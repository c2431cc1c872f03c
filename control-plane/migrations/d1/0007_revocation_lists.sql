DROP INDEX `revocations_listed`;--> statement-breakpoint
CREATE INDEX `revocations_by_target` ON `revocations` (`nid`,`scope`,`created_at_s`,`revocation_id`);--> statement-breakpoint
CREATE INDEX `revocations_listed` ON `revocations` (`nid`,`created_at_s`,`revocation_id`);