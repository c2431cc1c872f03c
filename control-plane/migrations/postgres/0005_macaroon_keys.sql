CREATE TABLE "replaced_macaroon_keys" (
	"nid" text COLLATE "C" NOT NULL,
	"kid" text COLLATE "C" NOT NULL,
	"audience" text COLLATE "C" NOT NULL,
	"epoch_start_s" bigint NOT NULL,
	"epoch_length_s" bigint NOT NULL,
	"generation" integer NOT NULL,
	"replaced_at_s" bigint NOT NULL,
	"expires_at_s" bigint NOT NULL,
	CONSTRAINT "replaced_macaroon_keys_nid_kid_pk" PRIMARY KEY("nid","kid")
);
--> statement-breakpoint
ALTER TABLE "edges" ADD COLUMN "changed_by" text COLLATE "C";