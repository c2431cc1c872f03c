CREATE TABLE `edges` (
	`edge_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`tenants` text NOT NULL,
	`audiences` text NOT NULL,
	`generation` integer DEFAULT 1 NOT NULL,
	`overlap_end_ms` integer,
	`create_time_ms` integer NOT NULL,
	`update_time_ms` integer NOT NULL,
	`revoke_time_ms` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `edges_name_unique` ON `edges` (`name`);--> statement-breakpoint
ALTER TABLE `revocations` ADD `subject` text;--> statement-breakpoint
ALTER TABLE `revocations` ADD `reason` text;--> statement-breakpoint
ALTER TABLE `revocations` ADD `published_seq` integer;--> statement-breakpoint
CREATE INDEX `revocations_listed` ON `revocations` (`nid`,`revocation_id`);--> statement-breakpoint
CREATE INDEX `revocations_unpublished` ON `revocations` (`created_at_s`) WHERE published_seq IS NULL;