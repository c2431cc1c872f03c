/** Limits of the control plane alone, with unit and reason. Shared ones are in `@cardea/shared/limits`. */

/** Largest request body, bytes. Checked while the body streams in, before it is decoded. */
export const BODY_BYTES_MAX = 1024 * 1024;

/** Longest `X-Request-ID` taken over from a client, bytes (Talos's limit). Bounds log lines. */
export const REQUEST_ID_HEADER_BYTES_MAX = 128;

/** Characters of a key's name and of an actor's (Talos's limits). */
export const NAME_LENGTH_MAX = 255;
export const ACTOR_ID_LENGTH_MAX = 255;

/** Characters of `request_id`: a UUID has 36 (Talos's limit). */
export const REQUEST_ID_LENGTH_MAX = 36;

/** Characters of one CIDR text (Talos's limit); the longest IPv6 range has 43. */
export const CIDR_LENGTH_MAX = 50;

/** Characters of a revocation's description (Talos's limit for free text is not stated). */
export const REVOCATION_DESCRIPTION_LENGTH_MAX = 1024;

/** Characters of the reason that a revocation is given, in an administrator's words. */
export const REVOCATION_REASON_LENGTH_MAX = 255;

/** Revocations in one batchCreate: what the leak of a log asks for, in one answer of the database. */
export const REVOCATION_BATCH_MAX = 1000;

/** Keys on one page: asked for too many is refused, asked for none is the default (Talos's). */
export const PAGE_SIZE_DEFAULT = 50;
export const PAGE_SIZE_MAX = 1000;

/** Characters of a list filter. Bounds its parser. */
export const FILTER_LENGTH_MAX = 500;

/** Characters of an actor in a filter (Talos's limit). */
export const FILTER_ACTOR_LENGTH_MAX = 256;

/** Characters of a page token. Ours have about 300. */
export const PAGE_TOKEN_LENGTH_MAX = 1024;

/** How long a page token may be used, seconds. A listing that pauses longer starts again. */
export const PAGE_TOKEN_LIFETIME_SECONDS = 24 * 60 * 60;

/** How long the row of a revoked key is kept at least, seconds: `expire_time` says so (Talos's). */
export const REVOKED_KEY_KEPT_SECONDS = 30 * 24 * 60 * 60;

/** What `Retry-After` says while the database or the publisher is away, seconds. */
export const RETRY_AFTER_SECONDS = 1;

/** Largest body of a token request, bytes: a key, a hundred scopes, percent-encoded. */
export const FORM_BYTES_MAX = 64 * 1024;

/** Longest window that rate limits compute with, seconds (100 years): keeps microseconds below 2^53. */
export const RATE_LIMIT_WINDOW_SECONDS_MAX = 100 * 365 * 24 * 60 * 60;

/** Largest quota that is counted, requests; a larger one is no limit. Same reason. */
export const RATE_LIMIT_QUOTA_MAX = 10 ** 12;

/** Credentials in one batchVerify (Talos's). */
export const VERIFY_BATCH_MAX = 100;

/** Failed verifications a minute and tenant that become audit events. All of them are counted. */
export const VERIFICATION_FAILURES_PER_MINUTE = 10;

/** Audit events that one call verifies: about a second of work. Longer logs take more calls. */
export const AUDIT_EVENTS_VERIFIED_MAX = 10_000;

/** Events of an export that one call compares with the log. */
export const AUDIT_EVENTS_COMPARED_MAX = 500;

/**
 * Tenants of a deployment beside the default one. The keyset of the feed has the keys of all of them:
 * two keys of 500 tenants, with URLs of 100 characters, take half of what an edge reads.
 */
export const TENANTS_MAX = 500;

/** Host names of one tenant. */
export const TENANT_HOSTS_MAX = 100;

/** Characters of an `update_mask`: every field of a resource, named once or twice. */
export const UPDATE_MASK_LENGTH_MAX = 1024;

/** Largest body of batchCreate, bytes: a thousand keys with some metadata each (Talos's). */
export const BATCH_BODY_BYTES_MAX = 4 * 1024 * 1024;

/** Keys in one batchCreate (Talos's). */
export const IMPORT_BATCH_MAX = 1000;

/** Longest overlap of a rotation, seconds (30 days): two keys for one purpose are one too many. */
export const OVERLAP_SECONDS_MAX = 30 * 24 * 60 * 60;

/** Times that a change is tried while others change the same key: a client waits for all of them. */
export const CHANGE_ATTEMPTS_MAX = 8;

/** Below these a raw key is imported with a warning: characters, and bits as its text shows them. */
export const RAW_KEY_LENGTH_WARNED_BELOW = 16;
export const RAW_KEY_BITS_WARNED_BELOW = 48;

/** Life of an admin credential unless one is asked for, and the longest, seconds. */
export const ADMIN_CREDENTIAL_TTL_SECONDS_DEFAULT = 90 * 24 * 60 * 60;
export const ADMIN_CREDENTIAL_TTL_SECONDS_MAX = 365 * 24 * 60 * 60;

/** How long an admin credential that was rotated may live on, seconds: a week to hand out the new one. */
export const ADMIN_CREDENTIAL_OVERLAP_SECONDS_MAX = 7 * 24 * 60 * 60;

/**
 * Tenants and audiences of one edge, and keys of all edges together: tenants × audiences of each. Each
 * stands in the feed's keyset for two or three epochs at a time, with about 450 bytes: three quarters of
 * a keyset. With URLs of 255 characters fewer fit, and the publisher refuses what edges cannot read.
 */
export const EDGE_TENANTS_MAX = 100;
export const EDGE_AUDIENCES_MAX = 16;
export const EDGE_PAIRS_MAX = 500;

/** Life of a discharge, and the oldest that "fresh" may be, seconds: it cannot be revoked before. */
export const DISCHARGE_SECONDS_MAX = 15 * 60;
export const DISCHARGE_SECONDS_DEFAULT = 5 * 60;

/** Characters of a caveat's id. Ours have at most about 1600, of an actor's name in escapes. */
export const CAVEAT_ID_LENGTH_MAX = 2048;

/** How long the secret of an edge that was rotated may live on, seconds: a week to deploy the new one. */
export const EDGE_OVERLAP_SECONDS_MAX = 7 * 24 * 60 * 60;

/** Longest `exp − iat` of an administrator's JWT, seconds. It cannot be revoked here before its end. */
export const ADMIN_JWT_LIFETIME_SECONDS_MAX = 24 * 60 * 60;

/** Characters of its `sub`, which stands in every audit event. */
export const ADMIN_JWT_SUBJECT_LENGTH_MAX = 255;

/** Largest JWKS that is read, bytes, its keys, and how long it is waited for, milliseconds. */
export const JWKS_BYTES_MAX = 256 * 1024;
export const JWKS_KEYS_MAX = 100;
export const JWKS_MILLISECONDS_MAX = 5000;
