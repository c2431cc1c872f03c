CREATE TABLE "admin_credentials" (
	"credential_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"nid" text COLLATE "C",
	"name" text COLLATE "C" NOT NULL,
	"role" text COLLATE "C" NOT NULL,
	"secret_hash" text COLLATE "C" NOT NULL,
	"create_time_ms" bigint NOT NULL,
	"expire_time_ms" bigint,
	"revoke_time_ms" bigint,
	"changed_by" text COLLATE "C"
);
--> statement-breakpoint
CREATE TABLE "api_keys" (
	"nid" text COLLATE "C" NOT NULL,
	"key_id" text COLLATE "C" NOT NULL,
	"kind" text COLLATE "C" NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"actor_id" text COLLATE "C" NOT NULL,
	"scopes" text COLLATE "C" NOT NULL,
	"metadata" text COLLATE "C",
	"state" text COLLATE "C" NOT NULL,
	"visibility" text COLLATE "C" NOT NULL,
	"secret_hash" text COLLATE "C" NOT NULL,
	"create_time_ms" bigint NOT NULL,
	"update_time_ms" bigint NOT NULL,
	"expire_time_ms" bigint,
	"last_used_time_ms" bigint,
	"rate_limit_quota" text COLLATE "C",
	"rate_limit_window_s" bigint,
	"allowed_cidrs" text COLLATE "C",
	"revocation_reason" text COLLATE "C",
	"revocation_description" text COLLATE "C",
	"revocation_id" text COLLATE "C",
	"disable_time_ms" bigint,
	"overlap_end_ms" bigint,
	"revision" integer DEFAULT 1 NOT NULL,
	"changed_by" text COLLATE "C",
	CONSTRAINT "api_keys_nid_key_id_pk" PRIMARY KEY("nid","key_id")
);
--> statement-breakpoint
CREATE UNLOGGED TABLE "attempts" (
	"bucket" text COLLATE "C" PRIMARY KEY NOT NULL,
	"started_at_ms" bigint NOT NULL,
	"failures" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "audit_events" (
	"event_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"nid" text COLLATE "C" NOT NULL,
	"time_ms" bigint NOT NULL,
	"operation" text COLLATE "C" NOT NULL,
	"target_id" text COLLATE "C" NOT NULL,
	"caller_kind" text COLLATE "C" NOT NULL,
	"caller_id" text COLLATE "C" NOT NULL,
	"caller_role" text COLLATE "C",
	"request_id" text COLLATE "C" NOT NULL,
	"client_address" text COLLATE "C",
	"changes" text COLLATE "C" NOT NULL,
	"mac" text COLLATE "C" NOT NULL,
	"position" bigint,
	"seal" text COLLATE "C",
	CONSTRAINT "audit_events_position_unique" UNIQUE("position")
);
--> statement-breakpoint
CREATE TABLE "idempotent_requests" (
	"nid" text COLLATE "C" NOT NULL,
	"operation" text COLLATE "C" NOT NULL,
	"request_id" text COLLATE "C" NOT NULL,
	"request_hash" text COLLATE "C" NOT NULL,
	"key_id" text COLLATE "C" NOT NULL,
	"create_time_ms" bigint NOT NULL,
	CONSTRAINT "idempotent_requests_nid_operation_request_id_pk" PRIMARY KEY("nid","operation","request_id")
);
--> statement-breakpoint
CREATE UNLOGGED TABLE "rate_limits" (
	"bucket" text COLLATE "C" PRIMARY KEY NOT NULL,
	"full_again_us" bigint NOT NULL,
	"last_us" bigint NOT NULL,
	"is_allowed" boolean NOT NULL
);
--> statement-breakpoint
CREATE TABLE "revocations" (
	"revocation_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"nid" text COLLATE "C" NOT NULL,
	"scope" text COLLATE "C" NOT NULL,
	"scope_id" text COLLATE "C" NOT NULL,
	"bound_s" bigint NOT NULL,
	"cause" text COLLATE "C" NOT NULL,
	"created_at_s" bigint NOT NULL,
	"effective_at_s" bigint DEFAULT 0 NOT NULL,
	"expires_at_s" bigint NOT NULL,
	"acknowledged" integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "signing_keys" (
	"nid" text COLLATE "C" NOT NULL,
	"kid" text COLLATE "C" NOT NULL,
	"algorithm" text COLLATE "C" NOT NULL,
	"state" text COLLATE "C" NOT NULL,
	"public_jwk" text COLLATE "C" NOT NULL,
	"sealed_private_jwk" text COLLATE "C" NOT NULL,
	"created_at_s" bigint NOT NULL,
	"published_at_s" bigint,
	"activated_at_s" bigint,
	"retired_at_s" bigint,
	CONSTRAINT "signing_keys_nid_kid_pk" PRIMARY KEY("nid","kid")
);
--> statement-breakpoint
CREATE TABLE "stored_secrets" (
	"name" text COLLATE "C" PRIMARY KEY NOT NULL,
	"sealed" text COLLATE "C" NOT NULL,
	"created_at_s" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tenant_hosts" (
	"host" text COLLATE "C" PRIMARY KEY NOT NULL,
	"nid" text COLLATE "C" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tenants" (
	"nid" text COLLATE "C" PRIMARY KEY NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"settings" text COLLATE "C" NOT NULL,
	"create_time_ms" bigint NOT NULL,
	"update_time_ms" bigint NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"changed_by" text COLLATE "C"
);
--> statement-breakpoint
CREATE INDEX "admin_credentials_by_tenant" ON "admin_credentials" USING btree ("nid","credential_id");--> statement-breakpoint
CREATE INDEX "api_keys_by_actor" ON "api_keys" USING btree ("nid","kind","actor_id","key_id");--> statement-breakpoint
CREATE INDEX "api_keys_by_kind" ON "api_keys" USING btree ("nid","kind","key_id");--> statement-breakpoint
CREATE INDEX "attempts_by_start" ON "attempts" USING btree ("started_at_ms");--> statement-breakpoint
CREATE INDEX "audit_events_by_tenant" ON "audit_events" USING btree ("nid","time_ms","event_id");--> statement-breakpoint
CREATE INDEX "audit_events_by_time" ON "audit_events" USING btree ("time_ms","event_id");--> statement-breakpoint
CREATE INDEX "audit_events_by_target" ON "audit_events" USING btree ("nid","target_id","time_ms");--> statement-breakpoint
CREATE INDEX "idempotent_requests_by_time" ON "idempotent_requests" USING btree ("create_time_ms");--> statement-breakpoint
CREATE INDEX "revocations_by_scope" ON "revocations" USING btree ("nid","scope_id");--> statement-breakpoint
CREATE INDEX "revocations_outbox" ON "revocations" USING btree ("acknowledged","created_at_s");--> statement-breakpoint
CREATE INDEX "revocations_by_expiry" ON "revocations" USING btree ("expires_at_s");--> statement-breakpoint
CREATE INDEX "revocations_by_effect" ON "revocations" USING btree ("effective_at_s");--> statement-breakpoint
CREATE INDEX "revocations_of_everything" ON "revocations" USING btree ("scope","expires_at_s");--> statement-breakpoint
CREATE UNIQUE INDEX "signing_keys_one_pending" ON "signing_keys" USING btree ("nid") WHERE state = 'pending';--> statement-breakpoint
CREATE UNIQUE INDEX "signing_keys_one_active" ON "signing_keys" USING btree ("nid") WHERE state = 'active';--> statement-breakpoint
CREATE INDEX "tenant_hosts_by_tenant" ON "tenant_hosts" USING btree ("nid");