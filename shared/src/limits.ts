/**
 * Every limit that both planes share, with its unit and its reason.
 * Checked before anything is decoded or allocated.
 */

/** Longest API key text. Talos's own limit for `credential`; an issued key has about 100 bytes. */
export const API_KEY_BYTES_MAX = 4096;

/** Longest token text either plane reads or hands out. Bounds base64 and JSON work per request. */
export const TOKEN_BYTES_MAX = 8192;

/** Longest `kid`. Ours are RFC 7638 thumbprints of 43 characters. */
export const KID_BYTES_MAX = 128;

/** Deepest nesting of any JSON we accept. Bounds recursion in parsers behind us. */
export const JSON_DEPTH_MAX = 32;

/** Longest derived-token lifetime, seconds, unless configured lower. Bounds how long revocations live. */
export const DERIVED_TOKEN_TTL_SECONDS_MAX_DEFAULT = 24 * 60 * 60;

/** How high both planes can be configured, seconds: revocations are kept for as long. */
export const DERIVED_TOKEN_TTL_SECONDS_CEILING = 30 * 24 * 60 * 60;

/** Difference tolerated between two clocks, seconds. At most 60: derived tokens live for minutes. */
export const CLOCK_SKEW_SECONDS_MAX = 60;

/** Scopes on one key or token, and the length of one in characters (Talos's limits). */
export const SCOPES_MAX = 100;
export const SCOPE_LENGTH_MAX = 100;

/** Bytes of metadata, and of custom claims, as JSON: both travel in tokens. */
export const METADATA_BYTES_MAX = 4096;

/** CIDR ranges in one IP restriction (Talos's limit). */
export const CIDRS_MAX = 50;

/** How often a derived token may be derived from again. Each level adds one revocation look-up. */
export const DERIVATION_DEPTH_MAX = 4;

/** Largest signed head the edge reads, bytes. KV's own limit for a value is 25 MiB. */
export const FEED_HEAD_BYTES_MAX = 8 * 1024 * 1024;

/** Largest keyset object the edge reads, bytes. A key takes about 400. */
export const FEED_KEYSET_BYTES_MAX = 1024 * 1024;

/** Segments that one head may name: read at once, within the 50 subrequests of Workers' free plan. */
export const FEED_SEGMENTS_MAX = 32;

/** Entries in all segments of one head, and the 12 bytes of each: 24 MB of an isolate's 128 MB. */
export const FEED_ENTRIES_MAX = 2_000_000;

/** Largest macaroon in binary form, bytes: a token's text is no longer either. */
export const MACAROON_BYTES_MAX = 8 * 1024;

/** Caveats on one macaroon. Each costs one HMAC, or three and a decryption. */
export const CAVEATS_MAX = 64;

/** Discharges that come with one macaroon, nested ones counted. */
export const DISCHARGES_MAX = 16;

/** Elements of one list in a caveat (methods, paths, hosts, ranges, tools). */
export const CAVEAT_LIST_MAX = 64;

/** Longest text of a single value in a caveat, characters. A name or a URL, not a document. */
export const CAVEAT_VALUE_LENGTH_MAX = 1024;
