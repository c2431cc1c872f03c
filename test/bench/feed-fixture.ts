/** A signed feed and tokens under it, made as the control plane makes them. For measurements only. */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { feedKeyId } from '@cardea/shared/feed/feed-key';
import { encodeHeadPayload, HEAD_OBJECT, keysetObject } from '@cardea/shared/feed/head';
import { headProtectedHeader } from '@cardea/shared/feed/head-signature';
import { encodeKeyset, type KeysetKey } from '@cardea/shared/feed/keyset';
import { objectHash } from '@cardea/shared/feed/object-hash';
import type { SealedMacaroonKey } from '@cardea/shared/feed/sealed-key';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { unixSeconds } from '@cardea/shared/time';
import {
  CompactSign,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type CryptoKey as JoseKey,
  SignJWT,
} from 'jose';
import { randomSegment } from './random-segment.ts';

export const ENVIRONMENT_ID = 'bench';
export const ISSUER = 'https://keys.bench.example';
export const TENANT_ID = DEFAULT_TENANT_ID;
export const LIFETIME_SECONDS_MAX = 86_400;

export interface FeedFixture {
  readonly feedPublicKey: string;
  readonly head: string;
  readonly keyset: { readonly name: string; readonly text: string };
  readonly tokens: readonly string[];
  readonly josePublicKey: JoseKey;
  readonly kid: string;
}

export async function makeFeedFixture(options: {
  readonly nowSeconds: number;
  readonly tokenCount: number;
  readonly entryCount: number;
  readonly sealedKeys?: readonly SealedMacaroonKey[];
}): Promise<FeedFixture> {
  const { nowSeconds } = options;
  const feed = await generateKeyPair('EdDSA', { extractable: true });
  const signing = await generateKeyPair('EdDSA', { extractable: true });
  const jwk = await exportJWK(signing.publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  const key: KeysetKey = {
    ...{ tenantId: TENANT_ID, issuer: ISSUER, audience: ISSUER, algorithm: 'EdDSA', kid },
    ...{ state: 'active', jwk: jwk as { kty: string } },
    notBeforeSeconds: unixSeconds(nowSeconds - 60),
    notAfterSeconds: unixSeconds(nowSeconds + LIFETIME_SECONDS_MAX),
  };
  const keysetBytes = encodeKeyset([key], options.sealedKeys);
  const keysetHash = await objectHash(keysetBytes);
  const payload = encodeHeadPayload({
    environmentId: ENVIRONMENT_ID,
    seq: nowSeconds * 1000,
    issuedAtSeconds: unixSeconds(nowSeconds),
    keysetHash,
    segments: [],
    tail: randomSegment(options.entryCount),
  });
  const feedPublicKey = (await exportJWK(feed.publicKey)).x ?? '';
  const head = await new CompactSign(encodeUtf8(payload))
    .setProtectedHeader(headProtectedHeader(await feedKeyId(feedPublicKey)))
    .sign(feed.privateKey);
  const tokens = await Promise.all(
    Array.from({ length: options.tokenCount }, (_, index) =>
      signToken(signing.privateKey, { kid, index, nowSeconds }),
    ),
  );
  const keyset = { name: keysetObject(keysetHash), text: new TextDecoder().decode(keysetBytes) };
  return { feedPublicKey, head, keyset, tokens, josePublicKey: signing.publicKey, kid };
}

export { HEAD_OBJECT };

/** A token as the control plane derives it: three scopes, an actor, a little metadata. */
function signToken(
  key: JoseKey,
  { kid, index, nowSeconds }: { kid: string; index: number; nowSeconds: number },
): Promise<string> {
  return new SignJWT({
    nid: TENANT_ID,
    act: `customer-${index}`,
    act_sid: index.toString(16).padStart(16, '0'),
    scp: ['notes:read', 'notes:write', 'notes:admin'],
    vis: 'secret',
    meta: { plan: 'pro', region: 'eu-central' },
  })
    .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'JWT' })
    .setJti(crypto.randomUUID())
    .setSubject(crypto.randomUUID())
    .setIssuer(ISSUER)
    .setAudience(ISSUER)
    .setIssuedAt(nowSeconds)
    .setNotBefore(nowSeconds)
    .setExpirationTime(nowSeconds + 3600)
    .sign(key);
}
