CREATE TABLE `admin_credentials` (
	`credential_id` text PRIMARY KEY NOT NULL,
	`nid` text,
	`name` text NOT NULL,
	`role` text NOT NULL,
	`secret_hash` text NOT NULL,
	`create_time_ms` integer NOT NULL,
	`expire_time_ms` integer,
	`revoke_time_ms` integer,
	`changed_by` text
);
--> statement-breakpoint
CREATE INDEX `admin_credentials_by_tenant` ON `admin_credentials` (`nid`,`credential_id`);--> statement-breakpoint
CREATE TABLE `audit_events` (
	`event_id` text PRIMARY KEY NOT NULL,
	`nid` text NOT NULL,
	`time_ms` integer NOT NULL,
	`operation` text NOT NULL,
	`target_id` text NOT NULL,
	`caller_kind` text NOT NULL,
	`caller_id` text NOT NULL,
	`caller_role` text,
	`request_id` text NOT NULL,
	`client_address` text,
	`changes` text NOT NULL,
	`mac` text NOT NULL,
	`position` integer,
	`seal` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `audit_events_position_unique` ON `audit_events` (`position`);--> statement-breakpoint
CREATE INDEX `audit_events_by_tenant` ON `audit_events` (`nid`,`time_ms`,`event_id`);--> statement-breakpoint
CREATE INDEX `audit_events_by_time` ON `audit_events` (`time_ms`,`event_id`);--> statement-breakpoint
CREATE INDEX `audit_events_by_target` ON `audit_events` (`nid`,`target_id`,`time_ms`);--> statement-breakpoint
CREATE TABLE `tenant_hosts` (
	`host` text PRIMARY KEY NOT NULL,
	`nid` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `tenant_hosts_by_tenant` ON `tenant_hosts` (`nid`);--> statement-breakpoint
CREATE TABLE `tenants` (
	`nid` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`settings` text NOT NULL,
	`create_time_ms` integer NOT NULL,
	`update_time_ms` integer NOT NULL,
	`revision` integer DEFAULT 1 NOT NULL,
	`changed_by` text
);
--> statement-breakpoint
ALTER TABLE `api_keys` ADD `disable_time_ms` integer;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `overlap_end_ms` integer;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `revision` integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `changed_by` text;--> statement-breakpoint
CREATE INDEX `api_keys_by_kind` ON `api_keys` (`nid`,`kind`,`key_id`);--> statement-breakpoint
ALTER TABLE `revocations` ADD `effective_at_s` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `revocations_by_effect` ON `revocations` (`effective_at_s`);--> statement-breakpoint
CREATE INDEX `revocations_of_everything` ON `revocations` (`scope`,`expires_at_s`);--> statement-breakpoint
CREATE INDEX `idempotent_requests_by_time` ON `idempotent_requests` (`create_time_ms`);