/** Somebody who can write KV, and has kept everything that ever stood there. */

import { HEAD_OBJECT, keysetObject } from '@cardea/shared/feed/head';
import { encodeKeyset } from '@cardea/shared/feed/keyset';
import { objectHash } from '@cardea/shared/feed/object-hash';
import {
  type FixedKey,
  fixedKey,
  headOf,
  keysetKeyOf,
  signHead,
} from '@cardea/shared/feed/testing/feed-fixture';
import { unixSeconds } from '@cardea/shared/time';
import type { KvStandIn, Value } from './kv-stand-in.ts';
import type { Token } from './ledger.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

const OWN_KEY = await fixedKey(99);
const OWN_KEYSET = encodeKeyset([keysetKeyOf(OWN_KEY)]);
const OWN_KEYSET_HASH = await objectHash(OWN_KEYSET);

/** A token that only the attacker's own keyset would verify. */
export const FORGED_TOKEN: Token = {
  name: 'the forged token',
  kid: OWN_KEY.kid,
  issuedAtSeconds: 0,
  expiresAtSeconds: 0xffffffff,
  scopeIds: [],
};

export interface AttackerParts {
  readonly world: World;
  readonly random: Random;
  readonly kv: KvStandIn;
  /** Signs the feed of another environment as well: operators do share keys. */
  readonly feedKey: FixedKey;
}

export function startAttacker(parts: AttackerParts): void {
  const { world, random } = parts;
  const again = () => {
    void attack(parts);
    world.after(random.integer(5_000, 40_000), again);
  };
  world.after(random.integer(5_000, 40_000), again);
}

async function attack({ world, random, kv, feedKey }: AttackerParts): Promise<void> {
  const names = kv.names();
  const name = names[random.integer(0, Math.max(0, names.length - 1))] ?? HEAD_OBJECT;
  const history = kv.history(name);
  const value = history[random.integer(0, Math.max(0, history.length - 1))];
  const nowHead = headOf({
    seq: world.now + 1000,
    issuedAtSeconds: unixSeconds(world.now / 1000),
    keysetHash: OWN_KEYSET_HASH,
  });
  switch (random.pick(['flip', 'flip', 'back', 'delete', 'swap', 'forge', 'foreign'] as const)) {
    case 'flip':
      if (value !== undefined) kv.plant(name, flipped(value, random));
      return;
    case 'back': // A former head, or an object that is there already.
      if (value !== undefined) kv.plant(name, value);
      return;
    case 'delete':
      kv.plant(name, undefined);
      return;
    case 'swap': // Another keyset under the name of an honest one.
      if (name !== HEAD_OBJECT) kv.plant(name, OWN_KEYSET);
      return;
    case 'forge':
      kv.plant(keysetObject(OWN_KEYSET_HASH), OWN_KEYSET);
      kv.plant(HEAD_OBJECT, await signHead(OWN_KEY, { ...nowHead, environmentId: 'simulated' }));
      return;
    case 'foreign':
      kv.plant(keysetObject(OWN_KEYSET_HASH), OWN_KEYSET);
      kv.plant(HEAD_OBJECT, await signHead(feedKey, { ...nowHead, environmentId: 'other' }));
  }
}

function flipped(value: Value, random: Random): Value {
  const position = random.integer(0, Math.max(0, value.length - 1));
  if (typeof value === 'string') {
    const other = value[position] === 'A' ? 'B' : 'A';
    return value.slice(0, position) + other + value.slice(position + 1);
  }
  const bytes = Uint8Array.from(value);
  bytes[position] = (bytes[position] ?? 0) ^ (1 << random.integer(0, 7));
  return bytes;
}
