CREATE TABLE `api_keys` (
	`nid` text NOT NULL,
	`key_id` text NOT NULL,
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`actor_id` text NOT NULL,
	`scopes` text NOT NULL,
	`metadata` text,
	`state` text NOT NULL,
	`visibility` text NOT NULL,
	`secret_hash` text NOT NULL,
	`create_time_ms` integer NOT NULL,
	`update_time_ms` integer NOT NULL,
	`expire_time_ms` integer,
	`last_used_time_ms` integer,
	`rate_limit_quota` text,
	`rate_limit_window_s` integer,
	`allowed_cidrs` text,
	`revocation_reason` text,
	`revocation_description` text,
	`revocation_id` text,
	PRIMARY KEY(`nid`, `key_id`)
);
--> statement-breakpoint
CREATE INDEX `api_keys_by_actor` ON `api_keys` (`nid`,`kind`,`actor_id`,`key_id`);--> statement-breakpoint
CREATE TABLE `idempotent_requests` (
	`nid` text NOT NULL,
	`operation` text NOT NULL,
	`request_id` text NOT NULL,
	`request_hash` text NOT NULL,
	`key_id` text NOT NULL,
	`create_time_ms` integer NOT NULL,
	PRIMARY KEY(`nid`, `operation`, `request_id`)
);
--> statement-breakpoint
CREATE TABLE `revocations` (
	`revocation_id` text PRIMARY KEY NOT NULL,
	`nid` text NOT NULL,
	`scope` text NOT NULL,
	`scope_id` text NOT NULL,
	`bound_s` integer NOT NULL,
	`cause` text NOT NULL,
	`created_at_s` integer NOT NULL,
	`expires_at_s` integer NOT NULL,
	`acknowledged` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE INDEX `revocations_by_scope` ON `revocations` (`nid`,`scope_id`);--> statement-breakpoint
CREATE INDEX `revocations_outbox` ON `revocations` (`acknowledged`,`created_at_s`);--> statement-breakpoint
CREATE INDEX `revocations_by_expiry` ON `revocations` (`expires_at_s`);--> statement-breakpoint
CREATE TABLE `signing_keys` (
	`nid` text NOT NULL,
	`kid` text NOT NULL,
	`algorithm` text NOT NULL,
	`state` text NOT NULL,
	`public_jwk` text NOT NULL,
	`sealed_private_jwk` text NOT NULL,
	`created_at_s` integer NOT NULL,
	`published_at_s` integer,
	`activated_at_s` integer,
	`retired_at_s` integer,
	PRIMARY KEY(`nid`, `kid`)
);
--> statement-breakpoint
CREATE TABLE `stored_secrets` (
	`name` text PRIMARY KEY NOT NULL,
	`sealed` text NOT NULL,
	`created_at_s` integer NOT NULL
);
