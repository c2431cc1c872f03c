/** Guarantee: a macaroon key leaves its box for one edge only, and only as what it was sealed as. */

import { describe, expect, test } from 'vitest';
import { encodeBase64url } from '../bytes/base64url.ts';
import { unixSeconds } from '../time.ts';
import { scopeIdOfSigningKey } from './scope-id.ts';
import {
  type EdgeIdentity,
  importEdgeSealingKey,
  isEdgeId,
  openMacaroonKey,
  openMacaroonKeys,
  type SealedMacaroonKey,
  sealMacaroonKey,
} from './sealed-key.ts';
import {
  edgeOf,
  edgeWithOtherSecret,
  macaroonKeyOf,
  otherEdge,
  sealedKeyOf,
  testEdge,
} from './testing/sealed-key-fixture.ts';

const namesake = await edgeOf('edge-2', 0xe1);
const edgeOfProduction = await edgeOf('edge-1', 0xe1, 'production');

const sealed = await sealedKeyOf();
const second = await sealedKeyOf({ kid: 'mk-2' });
const foreign = await sealedKeyOf({ kid: 'mk-3' }, otherEdge);
const stale = await sealedKeyOf({ kid: 'mk-1' }, edgeWithOtherSecret);

describe('a sealed macaroon key', () => {
  test('opens for its edge, with what it is bound to and the scope id of its kid', async () => {
    expect(await openMacaroonKey(testEdge, sealed)).toEqual({
      ...macaroonKeyOf(),
      scopeId: await scopeIdOfSigningKey('mk-1'),
    });
  });

  test('is this box for ever', async () => {
    expect(encodeBase64url(sealed.box)).toBe(
      'fa9rQQS7zgGL7JXydS3hG1fh52NQtPNYRZZP7SkJoBtzErMaNFYVEns2sgPF8nKYMmU_bScYLA16K1ci',
    );
    const other = await sealedKeyOf({
      tenantId: '1b4e28ba-2fa1-4d2e-883f-0016d3cca427',
      ...{ issuer: 'https://other.test', audience: 'grüße', kid: 'mk-2' },
      ...{ notBeforeSeconds: unixSeconds(1_700_000_000) },
      ...{ notAfterSeconds: unixSeconds(1_700_086_400) },
      rootKey: Uint8Array.from({ length: 32 }, (_, i) => i),
    });
    expect(encodeBase64url(other.box)).toBe(
      'jx2sweiWwO3g4funK0I5JGClGV5PWcPYLEwLkp2AqTF5hIkk5xxG_oNp4YE1bDEccpb80x9BColmiW7q',
    );
  });

  test('is the same box each time, and shares its nonce with no other', async () => {
    expect(await sealedKeyOf()).toEqual(sealed);
    const boxes = await Promise.all([
      sealedKeyOf({ rootKey: new Uint8Array(32).fill(1) }),
      sealedKeyOf({ kid: 'mk-2' }),
      sealedKeyOf({ notAfterSeconds: unixSeconds(4_000_000_001) }),
      sealedKeyOf({}, otherEdge),
      sealedKeyOf({}, edgeOfProduction),
    ]);
    const nonces = [sealed, ...boxes].map(({ box }) => encodeBase64url(box.slice(0, 12)));
    expect(new Set(nonces).size).toBe(nonces.length);
  });

  test.each<[string, EdgeIdentity]>([
    ['another edge', otherEdge],
    ['another edge with the same secret', namesake],
    ['the same edge with another secret', edgeWithOtherSecret],
    ['the same edge in another environment', edgeOfProduction],
  ])('does not open for %s', async (_, edge) => {
    expect(await openMacaroonKey(edge, sealed)).toBeUndefined();
    // Nor if the item is rewritten to name that edge.
    expect(await openMacaroonKey(edge, { ...sealed, edgeId: edge.edgeId })).toBeUndefined();
  });

  test.each<[string, Partial<SealedMacaroonKey>]>([
    ['another tenant', { tenantId: '1b4e28ba-2fa1-4d2e-883f-0016d3cca427' }],
    ['another issuer', { issuer: 'https://issuer.tes' }],
    ['another audience', { audience: 'https://other.test' }],
    ['another kid', { kid: 'mk-2' }],
    ['a life that begins earlier', { notBeforeSeconds: unixSeconds(1) }],
    ['a life that ends later', { notAfterSeconds: unixSeconds(4_000_000_001) }],
    [
      'a letter moved between two members',
      { issuer: 'https://issuer.testh', audience: 'ttps://api.test' },
    ],
  ])('does not open as one of %s', async (_, changes) => {
    expect(await openMacaroonKey(testEdge, { ...sealed, ...changes })).toBeUndefined();
  });

  test('does not open with any one bit of its box changed', async () => {
    for (let bit = 0; bit < sealed.box.length * 8; bit++) {
      const box = Uint8Array.from(sealed.box);
      box[bit >> 3] = (box[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(await openMacaroonKey(testEdge, { ...sealed, box })).toBeUndefined();
    }
  });

  test('is never made of a root key of another length, nor by a secret of another length', async () => {
    for (const length of [0, 16, 31, 33, 64]) {
      const bytes = new Uint8Array(length);
      await expect(sealedKeyOf({ rootKey: bytes })).rejects.toThrow(TypeError);
      await expect(importEdgeSealingKey(bytes, ['decrypt'])).rejects.toThrow(TypeError);
    }
  });

  test('cannot be sealed by what an edge holds', async () => {
    const sealingKey = await importEdgeSealingKey(new Uint8Array(32), ['decrypt']);
    await expect(sealMacaroonKey({ ...testEdge, sealingKey }, macaroonKeyOf())).rejects.toThrow(
      expect.objectContaining({ name: 'InvalidAccessError' }),
    );
  });
});

describe('of the sealed keys of a keyset, an edge', () => {
  const kidsFor = async (edge: EdgeIdentity, keys: readonly SealedMacaroonKey[]) => {
    const { macaroonKeys, unopenedKids } = await openMacaroonKeys(edge, keys);
    return { opened: [...macaroonKeys.keys()], unopened: unopenedKids };
  };

  test('opens its own and leaves those of others alone', async () => {
    const expected = { opened: ['mk-1', 'mk-2'], unopened: [] };
    expect(await kidsFor(testEdge, [sealed, foreign, second])).toEqual(expected);
    expect(await kidsFor(testEdge, [foreign])).toEqual({ opened: [], unopened: [] });
  });

  test('takes the box that opens while its secret is being replaced', async () => {
    const expected = { opened: ['mk-1'], unopened: [] };
    expect(await kidsFor(testEdge, [stale, sealed])).toEqual(expected);
    expect(await kidsFor(testEdge, [sealed, stale])).toEqual(expected);
    expect(await kidsFor(edgeWithOtherSecret, [sealed, stale])).toEqual(expected);
  });

  test('names those that do not open, and opens the others', async () => {
    const broken = { ...second, audience: 'https://other.test' };
    expect(await kidsFor(testEdge, [broken, sealed, stale])).toEqual({
      ...{ opened: ['mk-1'], unopened: ['mk-2'] },
    });
    expect(await kidsFor(edgeWithOtherSecret, [second, sealed])).toEqual({
      ...{ opened: [], unopened: ['mk-1', 'mk-2'] },
    });
  });
});

test.each(['e', 'edge-1', 'b2c7.Eu_west', 'e'.repeat(64)])('%s can name an edge', (text) => {
  expect(isEdgeId(text)).toBe(true);
});

test.each(['', 'a b', 'a/b', 'ä', 'e'.repeat(65), 'edge\n'])('%j cannot name an edge', (text) => {
  expect(isEdgeId(text)).toBe(false);
});
