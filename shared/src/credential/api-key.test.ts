/**
 * Guarantee: a key that was not issued by us, or that was changed in any character, never reaches the
 * database; and the format never changes under keys that are out.
 */

import { createHmac, hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBase58 } from '../bytes/base58.ts';
import { formatUuid, uuidV4FromRandom } from '../bytes/uuid.ts';
import { deriveChecksumKey, importMasterSecret } from '../crypto/derive-key.ts';
import { checkApiKey, formatApiKey, isApiKeyPrefix, parseApiKey, secretHashOf } from './api-key.ts';
import { kindOfCredential } from './kind.ts';

const SECRET = 'golden-vector-secret-0123456789abcdef';
const checksumKey = await deriveChecksumKey(await importMasterSecret(SECRET));
const retiredKey = await deriveChecksumKey(await importMasterSecret(`${SECRET}-retired`));
const foreignKey = await deriveChecksumKey(await importMasterSecret(`${SECRET}-foreign`));

const KEY_ID = '00112233-4455-4677-8899-aabbccddeeff';
const secretPart = Uint8Array.from({ length: 32 }, (_, i) => i + 1);
const GOLDEN =
  'ck_v1_19G21Z7Wp6RpkdxvWiMm698BqFd8Mmh41odkMsBseeiSYbnZDguWNprkFUcoUw6ZD_iNW2K6kz6Si';

const rules = { checksumKeys: [checksumKey, retiredKey], prefixes: ['ck', 'ckp', 'old_v1'] };
const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

async function reasonFor(text: string): Promise<string | undefined> {
  const outcome = await checkApiKey(text, rules);
  return outcome.ok ? undefined : outcome.refusal.reason;
}

/** What the format says, by another implementation of HKDF and HMAC. */
function checksumByNode(text: string): Uint8Array {
  const key = Buffer.from(
    hkdfSync('sha256', SECRET, Buffer.alloc(32), 'cardea/api-key-checksum/v1', 32),
  );
  return createHmac('sha256', key).update(text).digest().subarray(0, 8);
}

/** A text of the issued form with the right checksum for whatever its parts are. */
function signed(prefix: string, identifier: Uint8Array): string {
  const text = `${prefix}_v1_${encodeBase58(identifier)}`;
  return `${text}_${encodeBase58(checksumByNode(text))}`;
}

describe('the format', () => {
  test('golden vector', async () => {
    expect(await formatApiKey({ prefix: 'ck', keyId: KEY_ID, secretPart, checksumKey })).toBe(
      GOLDEN,
    );
    const bytes = Buffer.concat([Buffer.from(KEY_ID.replaceAll('-', ''), 'hex'), secretPart]);
    expect(signed('ck', bytes)).toBe(GOLDEN);
    expect(await checkApiKey(GOLDEN, rules)).toEqual({
      ok: true,
      value: { prefix: 'ck', keyId: KEY_ID, secretPart },
    });
    expect(await secretHashOf(secretPart)).toBe(
      'ae216c2ef5247a3782c135efa279a3e4cdc61094270f5d2be58c6204b7a612c9',
    );
  });

  const random = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const prefixes = fc.stringMatching(/^[A-Za-z0-9_]{1,16}$/);

  test('every key comes back as it was issued, under every prefix', async () => {
    await fc.assert(
      fc.asyncProperty(prefixes, random(16), random(32), async (...[prefix, id, secret]) => {
        const parts = {
          prefix,
          keyId: formatUuid(uuidV4FromRandom(id)),
          secretPart: Uint8Array.from(secret),
        };
        const text = await formatApiKey({ ...parts, checksumKey });
        const own = { checksumKeys: [checksumKey], prefixes: [prefix] };
        expect(await checkApiKey(text, own)).toEqual({ ok: true, value: parts });
        expect(kindOfCredential(text, { macaroonPrefixes: [] })).toBe('issued');
      }),
    );
  });

  test('leading zeros of the identifier and of the checksum survive', async () => {
    // A v4 UUID may begin with zeros; a checksum that does is found by trying.
    const keyId = '00000000-0000-4000-8000-000000000000';
    let shortChecksums = 0;
    for (let i = 0; i < 600; i++) {
      const bytes = new Uint8Array(32);
      new DataView(bytes.buffer).setUint32(28, i);
      const text = await formatApiKey({ prefix: 'ck', keyId, secretPart: bytes, checksumKey });
      expect(await reasonFor(text)).toBeUndefined();
      if ((text.split('_').at(-1) ?? '').startsWith('1')) shortChecksums++;
    }
    expect(shortChecksums).toBeGreaterThan(0);
  });

  test('a prefix with an underscore, or with the version in it, splits in one way', async () => {
    for (const prefix of ['a_b', '_', '__', 'v1', '_v1_', 'x_v1_y', 'old_v1']) {
      const text = await formatApiKey({ prefix, keyId: KEY_ID, secretPart, checksumKey });
      const own = { checksumKeys: [checksumKey], prefixes: [prefix] };
      expect(await checkApiKey(text, own)).toMatchObject({
        ok: true,
        value: { prefix, keyId: KEY_ID },
      });
    }
  });

  test('parts that are no key are bugs and throw', async () => {
    const good = { prefix: 'ck', keyId: KEY_ID, secretPart, checksumKey };
    for (const bad of [
      ...[{ prefix: '' }, { prefix: 'p'.repeat(17) }, { prefix: 'c-k' }, { prefix: 'ck\n' }],
      ...[
        { keyId: KEY_ID.toUpperCase() },
        { keyId: '' },
        { keyId: '00112233-4455-1677-8899-aabbccddeeff' },
      ],
      ...[{ secretPart: new Uint8Array(31) }, { secretPart: new Uint8Array(33) }],
    ]) {
      await expect(formatApiKey({ ...good, ...bad })).rejects.toBeInstanceOf(TypeError);
    }
  });

  test('what a prefix may be', () => {
    for (const text of ['c', 'ck', 'A_9', 'p'.repeat(16), '_'])
      expect(isApiKeyPrefix(text)).toBe(true);
    for (const text of ['', 'p'.repeat(17), 'c-k', 'c k', 'ck\n', 'ç', '\u0430']) {
      expect(isApiKeyPrefix(text)).toBe(false);
    }
  });
});

describe('one change', () => {
  const CHARACTERS = [...ALPHABET, ...'0OIl_- .\n', 'é'];

  /** All texts at once: the checks do not wait for each other. */
  async function acceptedOf(texts: readonly string[]): Promise<string[]> {
    const outcomes = await Promise.all(texts.map((text) => checkApiKey(text, rules)));
    return texts.filter((_, i) => outcomes[i]?.ok);
  }

  test('positive control', async () => {
    expect(await acceptedOf([GOLDEN])).toEqual([GOLDEN]);
  });

  test('of any character to any other, at every position, never passes', async () => {
    for (let at = 0; at < GOLDEN.length; at++) {
      const others = CHARACTERS.filter((character) => character !== GOLDEN[at]);
      const texts = others.map((other) => GOLDEN.slice(0, at) + other + GOLDEN.slice(at + 1));
      expect(await acceptedOf(texts)).toEqual([]);
    }
  });

  test('by insertion, deletion, doubling or exchange of neighbours, anywhere, never passes', async () => {
    for (let at = 0; at <= GOLDEN.length; at++) {
      const [before, after] = [GOLDEN.slice(0, at), GOLDEN.slice(at)];
      const texts = CHARACTERS.map((character) => before + character + after);
      texts.push(before + after.slice(1), before + after.slice(2), before);
      texts.push(before + (after[1] ?? '') + (after[0] ?? '') + after.slice(2));
      expect(await acceptedOf(texts.filter((text) => text !== GOLDEN))).toEqual([]);
    }
  });

  test('of case, anywhere, never passes', async () => {
    const texts = [...GOLDEN].map((c, at) => {
      const other = c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase();
      return GOLDEN.slice(0, at) + other + GOLDEN.slice(at + 1);
    });
    const changed = [...texts, GOLDEN.toLowerCase(), GOLDEN.toUpperCase()];
    expect(await acceptedOf(changed.filter((text) => text !== GOLDEN))).toEqual([]);
  });

  test('random keys: one random change never passes', async () => {
    const bytes = fc.uint8Array({ minLength: 48, maxLength: 48 });
    await fc.assert(
      fc.asyncProperty(
        bytes,
        fc.nat(),
        fc.constantFrom(...ALPHABET),
        async (...[random, position, other]) => {
          const keyId = formatUuid(uuidV4FromRandom(random.subarray(0, 16)));
          const text = await formatApiKey({
            ...{ prefix: 'ck', keyId, checksumKey },
            secretPart: Uint8Array.from(random.subarray(16)),
          });
          const at = position % text.length;
          const changed = text.slice(0, at) + other + text.slice(at + 1);
          expect(await reasonFor(changed)).toBe(changed === text ? undefined : 'api_key_malformed');
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('refuses, although the checksum is right', () => {
  const uuid = Buffer.from(KEY_ID.replaceAll('-', ''), 'hex');
  const withByte = (index: number, value: number) => {
    const bytes = Uint8Array.from([...uuid, ...secretPart]);
    bytes[index] = value;
    return bytes;
  };
  test.each([
    ['an identifier of 47 bytes', signed('ck', Buffer.concat([uuid, secretPart.subarray(1)]))],
    [
      'an identifier of 49 bytes',
      signed('ck', Buffer.concat([uuid, secretPart, Uint8Array.of(7)])),
    ],
    ['no identifier', signed('ck', new Uint8Array())],
    ['a UUID of version 1', signed('ck', withByte(6, 0x16))],
    ['a UUID of version 7', signed('ck', withByte(6, 0x76))],
    ['a UUID of another variant', signed('ck', withByte(8, 0xc8))],
    ['an unknown prefix', signed('xx', Buffer.concat([uuid, secretPart]))],
    ['a prefix in another case', signed('CK', Buffer.concat([uuid, secretPart]))],
    ['a prefix that ours starts with', signed('c', Buffer.concat([uuid, secretPart]))],
    ['no prefix', signed('', Buffer.concat([uuid, secretPart]))],
    ['a prefix of 17 characters', signed('p'.repeat(17), Buffer.concat([uuid, secretPart]))],
    [
      'a name of Object.prototype as prefix',
      signed('constructor', Buffer.concat([uuid, secretPart])),
    ],
  ])('%s', async (_, text) => {
    expect(await reasonFor(text)).toBe('api_key_malformed');
  });

  test.each([
    ['a checksum of 7 bytes', 7],
    ['a checksum of 9 bytes', 9],
    ['the whole MAC', 32],
  ])('%s', async (_, length) => {
    const text = GOLDEN.slice(0, GOLDEN.lastIndexOf('_'));
    const key = Buffer.from(
      hkdfSync('sha256', SECRET, Buffer.alloc(32), 'cardea/api-key-checksum/v1', 32),
    );
    const mac = createHmac('sha256', key).update(text).digest();
    expect(await reasonFor(`${text}_${encodeBase58(mac.subarray(0, 8))}`)).toBeUndefined();
    expect(await reasonFor(`${text}_${encodeBase58(mac.subarray(0, length))}`)).toBe(
      'api_key_malformed',
    );
  });
});

describe('secrets', () => {
  test('keys under a retired secret pass, in any order; under a foreign one, or under none, they do not', async () => {
    const parts = { prefix: 'ck', keyId: KEY_ID, secretPart };
    const retired = await formatApiKey({ ...parts, checksumKey: retiredKey });
    const foreign = await formatApiKey({ ...parts, checksumKey: foreignKey });
    expect(await reasonFor(retired)).toBeUndefined();
    expect(await reasonFor(foreign)).toBe('api_key_malformed');
    const { prefixes } = rules;
    expect(
      (await checkApiKey(GOLDEN, { prefixes, checksumKeys: [retiredKey, checksumKey] })).ok,
    ).toBe(true);
    expect((await checkApiKey(retired, { prefixes, checksumKeys: [checksumKey] })).ok).toBe(false);
    expect((await checkApiKey(GOLDEN, { prefixes, checksumKeys: [] })).ok).toBe(false);
    expect((await checkApiKey(GOLDEN, { prefixes: [], checksumKeys: [checksumKey] })).ok).toBe(
      false,
    );
  });

  test('the checksum covers the prefix: a public key does not become a secret one', async () => {
    const text = await formatApiKey({ prefix: 'ckp', keyId: KEY_ID, secretPart, checksumKey });
    expect(await reasonFor(text)).toBeUndefined();
    expect(await reasonFor(text.replace('ckp_', 'ck_'))).toBe('api_key_malformed');
  });

  test('a refusal says nothing about the text', async () => {
    for (const text of [GOLDEN.slice(0, -1), `${GOLDEN}1`, 'canary', signed('xx', secretPart)]) {
      expect(await checkApiKey(text, rules)).toEqual({
        ok: false,
        refusal: { reason: 'api_key_malformed' },
      });
    }
  });
});

describe('grammar', () => {
  test.each([
    ['', '_', '__', '___', '_v1_', 'ck', 'ck_v1', 'ck_v1_', 'ck_v1__', 'ck_v1_1_1', 'v1_v1_v1_v1'],
    [
      ` ${GOLDEN}`,
      `${GOLDEN} `,
      `${GOLDEN}\n`,
      `${GOLDEN}\0`,
      `\ufeff${GOLDEN}`,
      `Bearer ${GOLDEN}`,
    ],
    [
      GOLDEN.replace('_v1_', '_v2_'),
      GOLDEN.replace('_v1_', '_V1_'),
      GOLDEN.replace('_v1_', '_'),
      `${GOLDEN}_${GOLDEN}`,
    ],
    [
      'x'.repeat(5000),
      '_'.repeat(5000),
      `ck_v1_${'1'.repeat(4000)}_${'1'.repeat(11)}`,
      GOLDEN.repeat(100),
    ],
  ])('refuses %#', async (...texts) => {
    for (const text of texts) {
      expect(parseApiKey(text)).toEqual({ ok: false, refusal: { reason: 'api_key_malformed' } });
      expect(await reasonFor(text)).toBe('api_key_malformed');
    }
  });

  test('any text at all: refused without an exception', async () => {
    const near = fc
      .tuple(fc.nat(90), fc.string({ maxLength: 3 }))
      .map(([at, inserted]) => GOLDEN.slice(0, at) + inserted + GOLDEN.slice(at + 1));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ maxLength: 120 }), near), async (text) => {
        fc.pre(text !== GOLDEN);
        expect(await reasonFor(text)).toBe('api_key_malformed');
      }),
      { numRuns: 1000 },
    );
  });
});

describe('in front of the database', () => {
  /** xorshift32: four billion steps before it repeats, and quick. */
  function generator(seed: number): () => number {
    let state = seed;
    return () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state >>> 0;
    };
  }

  /** `length` random base58 digits, five of each random number. */
  function digits(next: () => number, length: number): string {
    let text = '';
    while (text.length < length) {
      let random = next();
      for (let i = 0; i < 5; i++) {
        text += ALPHABET.charAt(random % 58);
        random = Math.floor(random / 58);
      }
    }
    return text.slice(0, length);
  }

  test('a million random texts of the issued shape cause no look-up', async () => {
    const next = generator(20_261_123);
    const counts = { asIssued: 0, pastTheGrammar: 0, pastTheChecksum: 0 };
    for (let batch = 0; batch < 100; batch++) {
      const texts = Array.from({ length: 10_000 }, () => {
        const identifier = digits(next, 65 + (next() % 4 === 0 ? 1 : 0));
        return `ck_v1_${identifier}_${digits(next, 10 + (next() & 1))}`;
      });
      const wellFormed: string[] = [];
      for (const text of texts) {
        if (kindOfCredential(text, { macaroonPrefixes: ['mc'] }) === 'issued') counts.asIssued++;
        if (parseApiKey(text).ok) wellFormed.push(text);
      }
      counts.pastTheGrammar += wellFormed.length;
      // checkApiKey begins with parseApiKey, so the others need not be asked twice.
      const outcomes = await Promise.all(wellFormed.map((text) => checkApiKey(text, rules)));
      counts.pastTheChecksum += outcomes.filter(({ ok }) => ok).length;
    }
    expect(counts.asIssued).toBe(1_000_000);
    // Enough of them are well-formed keys of a right prefix, so that the checksum was put to the test.
    expect(counts.pastTheGrammar).toBeGreaterThan(5000);
    expect(counts.pastTheChecksum).toBe(0);
  }, 120_000);

  test('twenty thousand well-formed keys with a random checksum cause no look-up either', async () => {
    const next = generator(7);
    const random = (length: number) => Uint8Array.from({ length }, () => next() & 255);
    let passed = 0;
    for (let batch = 0; batch < 10; batch++) {
      const texts = Array.from({ length: 2000 }, () => {
        const identifier = Buffer.concat([uuidV4FromRandom(random(16)), random(32)]);
        return `ck_v1_${encodeBase58(identifier)}_${encodeBase58(random(8))}`;
      });
      expect(texts.every((text) => parseApiKey(text).ok)).toBe(true);
      const outcomes = await Promise.all(texts.map((text) => checkApiKey(text, rules)));
      passed += outcomes.filter(({ ok }) => ok).length;
    }
    expect(passed).toBe(0);
  }, 60_000);
});
