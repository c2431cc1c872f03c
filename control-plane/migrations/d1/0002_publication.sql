CREATE TABLE `publication_marks` (
	`id` integer PRIMARY KEY NOT NULL,
	`mark` integer NOT NULL
);
--> statement-breakpoint
DROP INDEX `revocations_of_everything`;--> statement-breakpoint
CREATE INDEX `revocations_of_everything` ON `revocations` (`scope`,`scope_id`);