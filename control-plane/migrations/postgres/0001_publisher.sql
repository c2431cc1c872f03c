CREATE TABLE "publication_marks" (
	"id" integer PRIMARY KEY NOT NULL,
	"mark" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "publisher" (
	"id" integer PRIMARY KEY NOT NULL,
	"term" bigint,
	"seq" bigint DEFAULT 0 NOT NULL,
	"change" bigint DEFAULT 0 NOT NULL,
	"published_change" bigint DEFAULT 0 NOT NULL,
	"published_seq" bigint,
	"published_at_ms" bigint,
	"keyset_hash" text COLLATE "C",
	"audit_seal" text COLLATE "C",
	"failures" integer DEFAULT 0 NOT NULL,
	"earliest_at_ms" bigint DEFAULT 0 NOT NULL,
	"last_error" text COLLATE "C"
);
--> statement-breakpoint
CREATE TABLE "publisher_keysets" (
	"hash" text COLLATE "C" PRIMARY KEY NOT NULL,
	"text" text COLLATE "C" NOT NULL,
	"kids" text COLLATE "C" NOT NULL,
	"position" bigint NOT NULL,
	"first_written_at_ms" bigint,
	"last_written_at_ms" bigint
);
--> statement-breakpoint
DROP INDEX "revocations_of_everything";--> statement-breakpoint
CREATE INDEX "revocations_of_everything" ON "revocations" USING btree ("scope","scope_id");