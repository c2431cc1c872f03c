CREATE TABLE "edges" (
	"edge_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"name" text COLLATE "C" NOT NULL,
	"tenants" text COLLATE "C" NOT NULL,
	"audiences" text COLLATE "C" NOT NULL,
	"generation" integer DEFAULT 1 NOT NULL,
	"overlap_end_ms" bigint,
	"create_time_ms" bigint NOT NULL,
	"update_time_ms" bigint NOT NULL,
	"revoke_time_ms" bigint,
	CONSTRAINT "edges_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "edge_sightings" (
	"edge" text COLLATE "C" PRIMARY KEY NOT NULL,
	"seq" bigint NOT NULL,
	"seen_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "feed_segments" (
	"segment_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "feed_segments_segment_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"bucket" bigint NOT NULL,
	"hash" text COLLATE "C",
	"content" "bytea",
	"entry_count" integer DEFAULT 0 NOT NULL,
	"expires_at_s" bigint NOT NULL,
	"written_at_ms" bigint,
	"merged_into" bigint,
	"dropped_at_ms" bigint
);
--> statement-breakpoint
ALTER TABLE "revocations" ADD COLUMN "subject" text COLLATE "C";--> statement-breakpoint
ALTER TABLE "revocations" ADD COLUMN "reason" text COLLATE "C";--> statement-breakpoint
ALTER TABLE "revocations" ADD COLUMN "published_seq" bigint;--> statement-breakpoint
ALTER TABLE "revocations" ADD COLUMN "segment_id" bigint;--> statement-breakpoint
CREATE INDEX "feed_segments_by_hash" ON "feed_segments" USING btree ("hash");--> statement-breakpoint
CREATE INDEX "revocations_listed" ON "revocations" USING btree ("nid","revocation_id");--> statement-breakpoint
CREATE INDEX "revocations_unpublished" ON "revocations" USING btree ("created_at_s") WHERE published_seq IS NULL;--> statement-breakpoint
CREATE INDEX "revocations_of_segment" ON "revocations" USING btree ("segment_id","expires_at_s","scope_id");