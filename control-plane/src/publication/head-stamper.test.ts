/** Guarantee: a signing key that is retired is good at no edge, however long the newer keyset is on its way. */

import { encodeEntries, FOR_GOOD } from '@cardea/shared/feed/entry';
import type { UnsignedHead } from '@cardea/shared/feed/head';
import { scopeIdOfSigningKey } from '@cardea/shared/feed/scope-id';
import { unixMilliseconds } from '@cardea/shared/time';
import { expect, test } from 'vitest';
import { MemoryPublisherStorage } from '../../testing/memory-publisher-storage.ts';
import { HeadStamper } from './head-stamper.ts';
import { OBJECT_ARRIVAL_MILLISECONDS } from './plan-publication.ts';

const NONE = encodeEntries([]);
const [FORMER, NEWER] = ['1'.repeat(64), '2'.repeat(64)];

function stand() {
  const storage = new MemoryPublisherStorage();
  const clock = { at: 1_800_000_000_000, now: () => unixMilliseconds(clock.at) };
  const signed: UnsignedHead[] = [];
  const stamper = new HeadStamper({
    ...{ storage, clock, environmentId: 'test', clockSkewSeconds: 60 },
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
  await storage.takeKeyset({ hash: FORMER, kids: ['leaked', 'other'], text: '{}' });
  expect(await publish(FORMER)).toMatchObject({ keysetHash: FORMER, tail: NONE });

  await storage.takeKeyset({ hash: NEWER, kids: ['other', 'next'], text: '{}' });
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
  await storage.takeKeyset({ hash: FORMER, kids: ['one'], text: '{}' });
  await publish(FORMER);
  await storage.takeKeyset({ hash: NEWER, kids: ['one', 'two'], text: '{}' });
  expect(await publish(NEWER)).toMatchObject({ keysetHash: FORMER, tail: NONE });
});
