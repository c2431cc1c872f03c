/**
 * Runs inside workerd: one chain of a macaroon (an identifier, a base grant, four short caveats: six
 * HMACs, each keyed with the one before, 32 blocks of SHA-256) by every HMAC-SHA-256 that there is.
 */

import { createHmac } from 'node:crypto';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { hmacSha256AtOnce } from '@cardea/shared/crypto/hmac-at-once';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { shuffle } from './statistics.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const MESSAGES: readonly Bytes[] = [
  ...[68, 440, 27, 18, 22, 20].map((length) => encodeUtf8('x'.repeat(length))),
];
const ALGORITHM = { name: 'HMAC', hash: 'SHA-256' };

async function webcrypto(first: Bytes): Promise<Bytes> {
  let link = first;
  for (const message of MESSAGES) {
    const key = await crypto.subtle.importKey('raw', link, ALGORITHM, false, ['sign']);
    link = new Uint8Array(await crypto.subtle.sign('HMAC', key, message));
  }
  return link;
}

function noble(first: Bytes): Bytes {
  return MESSAGES.reduce((link, message) => hmac(sha256, link, message) as Bytes, first);
}

function cardea(first: Bytes): Bytes {
  return MESSAGES.reduce(hmacSha256AtOnce, first);
}

function node(first: Bytes): Bytes {
  return MESSAGES.reduce((link, message) => {
    return new Uint8Array(createHmac('sha256', link).update(message).digest());
  }, first);
}

const SIDES = { webcrypto, noble, cardea, node } as const;
const TURN = 300;

/** Microseconds a chain, by side, a figure a round. */
async function measure(rounds: number): Promise<Record<string, number[]>> {
  const figures: Record<string, number[]> = { webcrypto: [], noble: [], cardea: [], node: [] };
  for (let round = 0; round < rounds; round++) {
    for (const [name, chain] of shuffle(Object.entries(SIDES))) {
      let link = new Uint8Array(32).fill(round);
      const startedAt = performance.now();
      for (let i = 0; i < TURN; i++) link = await chain(link);
      figures[name]?.push(((performance.now() - startedAt) * 1000) / TURN);
    }
  }
  return figures;
}

export default {
  async fetch(request: Request): Promise<Response> {
    const first = new Uint8Array(32);
    const ends = new Set(
      [await webcrypto(first), noble(first), cardea(first), node(first)].map(String),
    );
    if (ends.size !== 1) throw new Error('The implementations disagree.');
    await measure(3); // Warm-up, not counted.
    const { searchParams } = new URL(request.url);
    return Response.json(await measure(Number(searchParams.get('rounds'))));
  },
};
