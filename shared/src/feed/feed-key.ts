/** The feed's own keys: Ed25519, pinned by every edge, named by their RFC 7638 thumbprint. */

import { encodeBase64url } from '../bytes/base64url.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { sha256 } from '../crypto/digest.ts';
import { importVerificationKey, type VerificationKey } from '../crypto/verification-key.ts';
import { accept, type Result } from '../result.ts';

/** Pinned feed keys by `kid`. A list, so that the feed key can be replaced. */
export type FeedKeys = ReadonlyMap<string, VerificationKey>;

/** `kid` of the feed key whose 32 public bytes are `x` in base64url (RFC 7638 §3.1, RFC 8037 §2). */
export async function feedKeyId(x: string): Promise<string> {
  const members = JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x });
  return encodeBase64url(await sha256(encodeUtf8(members)));
}

/**
 * Imports `FEED_PUBLIC_KEYS`: each the base64url of 32 raw bytes. One bad key refuses them all with
 * `verification_key_invalid`: a list of which a part is ignored would hide a mistake.
 */
export async function importFeedKeys(publicKeys: readonly string[]): Promise<Result<FeedKeys>> {
  const keys = new Map<string, VerificationKey>();
  for (const x of publicKeys) {
    const imported = await importVerificationKey({ kty: 'OKP', crv: 'Ed25519', x });
    if (!imported.ok) return imported;
    keys.set(await feedKeyId(x), imported.value);
  }
  return accept(keys);
}
