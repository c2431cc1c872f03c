/** A feed of a million live revocations, made as the publisher makes it. For measurements only. */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { feedKeyId } from '@cardea/shared/feed/feed-key';
import {
  encodeHeadPayload,
  HEAD_OBJECT,
  keysetObject,
  type SegmentReference,
  segmentObject,
} from '@cardea/shared/feed/head';
import { headProtectedHeader } from '@cardea/shared/feed/head-signature';
import { encodeKeyset } from '@cardea/shared/feed/keyset';
import { objectHash } from '@cardea/shared/feed/object-hash';
import { unixSeconds } from '@cardea/shared/time';
import { CompactSign, exportJWK, generateKeyPair } from 'jose';
import { ENVIRONMENT_ID } from './feed-fixture.ts';
import { randomSegment } from './random-segment.ts';

export interface LargeFeedShape {
  /** Entries of each segment. */
  readonly segments: readonly number[];
  readonly tailEntries: number;
}

type Signer = Awaited<ReturnType<typeof generateKeyPair>>;

export interface LargeFeed {
  readonly feedPublicKey: string;
  /** Its keys, for another feed of the same publisher. */
  readonly signer: Signer;
  /** By their names in KV, the first head included. */
  readonly objects: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /** Heads with the same segments and other tails, each newer than the one before. */
  readonly heads: readonly string[];
}

interface LargeFeedOptions extends LargeFeedShape {
  readonly nowSeconds: number;
  readonly heads: number;
  readonly signer?: Signer;
}

export async function makeLargeFeed(options: LargeFeedOptions): Promise<LargeFeed> {
  const { nowSeconds, tailEntries } = options;
  const feed = options.signer ?? (await generateKeyPair('EdDSA', { extractable: true }));
  const feedPublicKey = (await exportJWK(feed.publicKey)).x ?? '';
  const header = headProtectedHeader(await feedKeyId(feedPublicKey));
  const objects = new Map<string, Uint8Array<ArrayBuffer>>();
  const segments: SegmentReference[] = [];
  for (const [index, entryCount] of options.segments.entries()) {
    const bytes = randomSegment(entryCount);
    const hash = await objectHash(bytes);
    objects.set(segmentObject(hash), bytes);
    const expiresAtSeconds = unixSeconds(nowSeconds + 3600 * (index + 1));
    segments.push({ hash, entryCount, expiresAtSeconds });
  }
  const keyset = encodeKeyset([]);
  const keysetHash = await objectHash(keyset);
  objects.set(keysetObject(keysetHash), keyset);
  const heads: string[] = [];
  for (let index = 0; index < options.heads; index++) {
    const payload = encodeHeadPayload({
      ...{ environmentId: ENVIRONMENT_ID, seq: nowSeconds * 1000 + index, keysetHash, segments },
      issuedAtSeconds: unixSeconds(nowSeconds),
      tail: randomSegment(tailEntries),
    });
    const jws = new CompactSign(encodeUtf8(payload)).setProtectedHeader(header);
    heads.push(await jws.sign(feed.privateKey));
  }
  objects.set(HEAD_OBJECT, encodeUtf8(heads[0] ?? ''));
  return { feedPublicKey, signer: feed, objects, heads };
}

/** A shape as the query of a URL, and back. */
export function shapeParameters(shape: LargeFeedShape & { readonly heads: number }): string {
  const { segments, tailEntries, heads } = shape;
  return `segments=${segments.join()}&tail=${tailEntries}&heads=${heads}`;
}

export function readShapeParameters(parameters: URLSearchParams) {
  const count = (name: string) => Number(parameters.get(name));
  const segments = (parameters.get('segments') ?? '').split(',').map(Number);
  return { segments, tailEntries: count('tail'), heads: count('heads') };
}
