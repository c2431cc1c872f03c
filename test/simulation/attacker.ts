/** Somebody who can write KV, and has kept everything that ever stood there. */

import { HEAD_OBJECT, keysetObject } from '@cardea/shared/feed/head';
import { encodeKeyset } from '@cardea/shared/feed/keyset';
import { objectHash } from '@cardea/shared/feed/object-hash';
import {
  type FixedKey,
  fixedKey,
  headOf,
  keysetKeyOf,
  signCompact,
  signHead,
} from '@cardea/shared/feed/testing/feed-fixture';
import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { unixSeconds } from '@cardea/shared/time';
import type { KvStandIn, Value } from './kv-stand-in.ts';
import type { Random } from './random.ts';
import { AUDIENCE, ENVIRONMENT_ID, ISSUER, START_MILLISECONDS } from './setting.ts';
import type { Story } from './story.ts';
import { readToken, type Token } from './token.ts';
import type { World } from './world.ts';

/** Of the attacker, who would like edges to take it for one of ours. */
export const ATTACKER_KEY = await fixedKey(99);
const OWN_KEYSET = encodeKeyset([
  keysetKeyOf(ATTACKER_KEY, { issuer: ISSUER, audience: AUDIENCE }),
]);
const OWN_KEYSET_HASH = await objectHash(OWN_KEYSET);

/** A token that only the attacker's own keyset would verify. */
export const FORGED_TOKEN: Token = await forgedToken();

async function forgedToken(): Promise<Token> {
  const now = START_MILLISECONDS / 1000;
  const claims = {
    jti: '1b4e28ba-2fa1-4d2e-883f-0016d3cca427',
    sub: '6fa459ea-ee8a-4ca4-894e-db77e160355e',
    ...{ iss: ISSUER, aud: AUDIENCE, nid: DEFAULT_TENANT_ID, act: 'mallory' },
    // Lives longer than any run, and no longer than edges let a token live.
    ...{ iat: now - 10, nbf: now - 10, exp: now + 590, act_sid: '00112233445566aa', scp: ['s'] },
  };
  const header = JSON.stringify({ alg: 'EdDSA', kid: ATTACKER_KEY.kid, typ: 'JWT' });
  const text = await signCompact(ATTACKER_KEY, JSON.stringify(claims), header);
  return readToken('the forged token', text);
}

export interface AttackerParts {
  readonly world: World;
  readonly random: Random;
  readonly story: Story;
  readonly kv: KvStandIn;
  /** Signs the feed of another environment as well: operators do share keys. */
  readonly feedKey: FixedKey;
}

export class Attacker {
  #isActive = true;
  readonly #parts: AttackerParts;
  /** Names of objects that are not what their publisher wrote. */
  readonly #replaced = new Set<string>();

  constructor(parts: AttackerParts) {
    this.#parts = parts;
    const { random, world } = parts;
    world.every(
      () => random.integer(5_000, 40_000),
      () => {
        if (this.#isActive) void this.#attack();
      },
    );
  }

  /** Gives up. Objects are put back as an operator would: the publisher writes them once a day. */
  stop(): void {
    this.#isActive = false;
    const { kv } = this.#parts;
    for (const name of this.#replaced) kv.plant(name, kv.confirmed(name));
  }

  async #attack(): Promise<void> {
    const { world, random, kv, feedKey, story } = this.#parts;
    const names = kv.names();
    const name = names[random.integer(0, Math.max(0, names.length - 1))] ?? HEAD_OBJECT;
    const history = kv.history(name);
    const value = history[random.integer(0, Math.max(0, history.length - 1))];
    const nowHead = headOf({
      seq: world.now + 1000,
      issuedAtSeconds: unixSeconds(Math.floor(world.now / 1000)),
      keysetHash: OWN_KEYSET_HASH,
    });
    const what = random.pick([
      ...(['flip', 'flip', 'back', 'delete', 'swap', 'forge', 'foreign'] as const),
    ]);
    story.tell('attacker', `${what} ${name}`);
    switch (what) {
      case 'flip':
        if (value !== undefined) this.#plant(name, flipped(value, random));
        return;
      case 'back': // A former head; of an object perhaps what a torn write had left of it.
        if (value !== undefined) this.#plant(name, value);
        return;
      case 'delete':
        this.#plant(name, undefined);
        return;
      case 'swap': // Another keyset under the name of an honest one.
        if (name !== HEAD_OBJECT) this.#plant(name, OWN_KEYSET);
        return;
      case 'forge':
        kv.plant(keysetObject(OWN_KEYSET_HASH), OWN_KEYSET);
        kv.plant(
          HEAD_OBJECT,
          await signHead(ATTACKER_KEY, { ...nowHead, environmentId: ENVIRONMENT_ID }),
        );
        return;
      case 'foreign':
        kv.plant(keysetObject(OWN_KEYSET_HASH), OWN_KEYSET);
        kv.plant(HEAD_OBJECT, await signHead(feedKey, { ...nowHead, environmentId: 'other' }));
    }
  }

  #plant(name: string, value: Value | undefined): void {
    const { kv } = this.#parts;
    if (name !== HEAD_OBJECT) this.#replaced.add(name); // Heads come anew.
    kv.plant(name, value);
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
