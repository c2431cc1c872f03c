CREATE TABLE `replaced_macaroon_keys` (
	`nid` text NOT NULL,
	`kid` text NOT NULL,
	`audience` text NOT NULL,
	`epoch_start_s` integer NOT NULL,
	`epoch_length_s` integer NOT NULL,
	`generation` integer NOT NULL,
	`replaced_at_s` integer NOT NULL,
	`expires_at_s` integer NOT NULL,
	PRIMARY KEY(`nid`, `kid`)
);
--> statement-breakpoint
ALTER TABLE `edges` ADD `changed_by` text;