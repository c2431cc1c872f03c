/**
 * Guarantee: a signing key that is retired, or comes to its end, is good at no edge, however long the newer
 * keyset is on its way.
 */

import { decodeUtf8 } from '@cardea/shared/bytes/utf8';
import { encodeEntries, FOR_GOOD } from '@cardea/shared/feed/entry';
import type { UnsignedHead } from '@cardea/shared/feed/head';
import { encodeKeyset } from '@cardea/shared/feed/keyset';
import { scopeIdOfSigningKey } from '@cardea/shared/feed/scope-id';
import { unixMilliseconds, unixSeconds } from '@cardea/shared/time';
import { expect, test } from 'vitest';
import { MemoryPublisherStorage } from '../../testing/memory-publisher-storage.ts';
import { HeadStamper } from './head-stamper.ts';
import { OBJECT_ARRIVAL_MILLISECONDS } from './plan-publication.ts';

const NONE = encodeEntries([]);
const [FORMER, NEWER] = ['1'.repeat(64), '2'.repeat(64)];
const START_SECONDS = 1_800_000_000;
const BOUND_SECONDS = 180;
const FAR = 0xffffffff;

/** A keyset of these keys, each with its not-after. */
function keyset(hash: string, ends: Readonly<Record<string, number>>) {
  const kids = Object.keys(ends);
  const keys = kids.map((kid) => ({
    ...{ kid, tenantId: '7d6f1a9e-3b5c-4c1e-9d2a-8f0b6c4e2a10', issuer: 'i', audience: 'a' },
    ...{ algorithm: 'EdDSA' as const, state: 'active' as const },
    notBeforeSeconds: unixSeconds(1),
    notAfterSeconds: unixSeconds(ends[kid] ?? FAR),
    jwk: { kty: 'OKP', crv: 'Ed25519', x: 'x' },
  }));
  return { hash, kids, text: decodeUtf8(encodeKeyset(keys)) ?? '' };
}

function stand() {
  const storage = new MemoryPublisherStorage();
  const clock = { at: START_SECONDS * 1000, now: () => unixMilliseconds(clock.at) };
  const signed: UnsignedHead[] = [];
  const stamper = new HeadStamper({
    ...{ storage, clock, environmentId: 'test', clockSkewSeconds: 60 },
    boundSeconds: BOUND_SECONDS,
    feed: { arrivalMilliseconds: OBJECT_ARRIVAL_MILLISECONDS },
    signHead: async (head) => {
      signed.push(head);
      return 'a.b.c';
    },
  });
  const publish = async (hash: string) => {
    const { change, head } = await stamper.plan();
    await storage.keysetWritten(hash, clock.now());
    await storage.headWritten({
      seq: head.seq,
      keysetHash: head.keysetHash,
      change,
      at: clock.now(),
    });
    return head;
  };
  return { clock, publish, signed, stamper, storage };
}

test('until the keyset without it is named, heads have an entry of the key', async () => {
  const { clock, publish, signed, stamper, storage } = stand();
  await storage.takeKeyset(keyset(FORMER, { leaked: FAR, other: FAR }));
  expect(await publish(FORMER)).toMatchObject({ keysetHash: FORMER, tail: NONE });

  await storage.takeKeyset(keyset(NEWER, { other: FAR, next: FAR }));
  const scopeId = await scopeIdOfSigningKey('leaked');
  const tail = encodeEntries([{ scopeId, boundSeconds: FOR_GOOD }]);
  expect(await publish(NEWER)).toMatchObject({ keysetHash: FORMER, tail });
  await storage.objectsLost(); // Its arrival is waited for anew.
  clock.at += OBJECT_ARRIVAL_MILLISECONDS;
  expect(await publish(NEWER)).toMatchObject({ keysetHash: FORMER, tail });
  // Whoever asks is told the same.
  await stamper.head();
  expect(signed.at(-1)).toMatchObject({ keysetHash: FORMER, tail });

  clock.at += OBJECT_ARRIVAL_MILLISECONDS;
  expect(await publish(NEWER)).toMatchObject({ keysetHash: NEWER });
  expect(await publish(NEWER)).toMatchObject({ keysetHash: NEWER, tail: NONE });
});

test('a keyset that only adds keys withdraws none', async () => {
  const { publish, storage } = stand();
  await storage.takeKeyset(keyset(FORMER, { one: FAR }));
  await publish(FORMER);
  await storage.takeKeyset(keyset(NEWER, { one: FAR, two: FAR }));
  expect(await publish(NEWER)).toMatchObject({ keysetHash: FORMER, tail: NONE });
});

test('one bound before an end that only the newer keyset has, heads name that one', async () => {
  const { clock, publish, signed, stamper, storage } = stand();
  await storage.takeKeyset(keyset(FORMER, { one: FAR, two: FAR, three: FAR }));
  await publish(FORMER);
  const end = START_SECONDS + 600;
  await storage.takeKeyset(keyset(NEWER, { one: FAR, two: end, three: end + 1 }));
  clock.at = (end - BOUND_SECONDS) * 1000 - 1;
  await storage.objectsLost(); // It was written, and has to arrive anew.
  expect(await stamper.plan()).toMatchObject({ head: { keysetHash: FORMER }, isKeysetDue: false });

  clock.at += 1;
  expect(await stamper.plan()).toMatchObject({
    ...{ head: { keysetHash: NEWER }, isKeysetDue: true },
    keysetsToWrite: [NEWER], // Not there yet, so it is written before the head.
  });
  // Whoever asks is not told of the former one either, although no head in KV names the newer one.
  await stamper.head();
  expect(signed.at(-1)).toMatchObject({ keysetHash: NEWER });
});

test.each([
  ['further away', FAR - 1],
  ['the same', START_SECONDS],
])('an end that is %s in the newer keyset makes no haste', async (_, end) => {
  const { publish, storage } = stand();
  await storage.takeKeyset(keyset(FORMER, { one: START_SECONDS }));
  await publish(FORMER);
  await storage.takeKeyset(keyset(NEWER, { one: end, two: FAR }));
  expect(await publish(NEWER)).toMatchObject({ keysetHash: FORMER });
});
