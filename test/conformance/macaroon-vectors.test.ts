/**
 * Guarantee: what the public test suites of macaroons demand, Cardea answers. Their vectors are read where
 * they lie beside the repository; our own, made from a seed, are in it.
 */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decodeBase64url, encodeBase64url } from '@cardea/shared/bytes/base64url';
import { decodeHex } from '@cardea/shared/bytes/hex';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { encodeMacaroonJson, parseMacaroonJson } from '@cardea/shared/macaroon/codec-json';
import { parseMacaroonV1 } from '@cardea/shared/macaroon/codec-v1';
import { encodeMacaroon, parseMacaroon as parseV2 } from '@cardea/shared/macaroon/codec-v2';
import { importMacaroon } from 'macaroon';
import { describe, expect, test, vi } from 'vitest';
import { type MacaroonVectors, makeMacaroonVectors } from '../vectors/make-macaroon-vectors.ts';
import { macaroonSignature, parseMacaroon, verifyMacaroon } from './adapter.mjs';

// Many cases a test: on a busy machine they take longer than vitest waits for one.
vi.setConfig({ testTimeout: 60_000 });

/** The kinds that only the public vectors have. */
interface PublicVectors extends MacaroonVectors {
  readonly serialise: ReadonlyArray<{
    readonly id: string;
    readonly v1?: string;
    readonly v2: string;
    readonly v1_json?: object;
    readonly v2_json?: object;
  }>;
  readonly varint: ReadonlyArray<{ readonly n: number; readonly bytes: readonly number[] }>;
  readonly base64: ReadonlyArray<{ readonly input: string; readonly expect: string | null }>;
  readonly json_v2_reject: ReadonlyArray<{ readonly about: string; readonly json: string }>;
}

const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const PUBLIC_FILE = pathOf('../../../shared/vectors/macaroons.json');
const OWN: MacaroonVectors = JSON.parse(readFileSync(pathOf('../vectors/macaroons.json'), 'utf8'));
const PUBLIC: readonly PublicVectors[] = existsSync(PUBLIC_FILE)
  ? [JSON.parse(readFileSync(PUBLIC_FILE, 'utf8'))]
  : [];

/** Refused by our limits, and by nothing else: 64 caveats, 8 KiB. */
const OVER_OUR_LIMITS: ReadonlySet<string> = new Set(['mut/1000-caveats']);

const SOURCES = [
  { name: 'our own vectors', vectors: OWN },
  ...PUBLIC.map((vectors) => ({ name: 'the public vectors', vectors })),
];

describe.each(SOURCES)('$name', ({ vectors }) => {
  test('verification: every case is answered as it must be, but for one over our limits', async () => {
    const wrong: string[] = [];
    for (const each of vectors.verify) {
      const outcome = await verifyMacaroon({ ...each, rootKey: each.root_key });
      const isAsExpected = outcome.ok === (each.expect === 'authorized');
      const isOverLimit = OVER_OUR_LIMITS.has(each.id);
      if (isOverLimit) expect(outcome).toEqual({ ok: false, reason: 'macaroon_malformed' });
      if (isAsExpected === isOverLimit) wrong.push(each.id);
    }
    expect(wrong).toEqual([]);
    expect(vectors.verify.length).toBeGreaterThan(80);
  });

  test('form: every case is read or refused as it must be', () => {
    const wrong = vectors.parse.filter(
      (each) => parseMacaroon(each.v2).ok !== (each.expect === 'parses'),
    );
    expect(wrong.map((each) => each.id)).toEqual([]);
    expect(vectors.parse.length).toBeGreaterThan(80);
  });

  test('signatures: every one is computed', () => {
    for (const each of vectors.signature) {
      expect({ id: each.id, ...macaroonSignature(each) }).toEqual({
        ...{ id: each.id, ok: true, signatureHex: each.signature_hex },
      });
      if (each.v2 === undefined) continue; // The one of a binding alone.
      expect(parseMacaroon(each.v2)).toMatchObject({ signatureHex: each.signature_hex });
    }
    expect(vectors.signature.length).toBeGreaterThan(2);
  });
});

describe('our own vectors', () => {
  test('are the ones that their seed makes', () => {
    expect(makeMacaroonVectors()).toEqual(OWN);
  });

  test('npm macaroon agrees with what they expect', () => {
    const wrong = OWN.verify.filter((each) => {
      try {
        const check = (condition: string) =>
          each.satisfied.includes(condition) ? null : 'not satisfied';
        const discharges = each.discharges.map((discharge) => importMacaroon(discharge));
        importMacaroon(each.macaroon).verify(encodeUtf8(each.root_key), check, discharges);
        return each.expect !== 'authorized';
      } catch {
        return each.expect === 'authorized';
      }
    });
    expect(wrong.map((each) => each.id)).toEqual([]);
  });
});

describe.each(PUBLIC)('the public vectors', ({ serialise, varint, base64, json_v2_reject }) => {
  test('every form of one macaroon says the same, and version 2 is written as it was', () => {
    for (const { id, v1, v2, v1_json, v2_json } of serialise) {
      const bytes = decodeBase64url(v2) ?? new Uint8Array();
      const expected = parseV2(bytes);
      if (!expected.ok) throw new Error(id);
      expect(encodeMacaroon(expected.value)).toEqual(bytes);
      expect(parseMacaroonJson(encodeMacaroonJson(expected.value))).toEqual(expected);
      for (const json of [v1_json, v2_json]) {
        if (json !== undefined) expect(parseMacaroonJson(JSON.stringify(json))).toEqual(expected);
      }
      if (v1 !== undefined) {
        expect(parseMacaroonV1(decodeBase64url(v1) ?? new Uint8Array())).toEqual(expected);
      }
    }
  });

  test('lengths are written and read as the varints are', () => {
    for (const { n, bytes } of varint) {
      if (n > 8000) continue; // No macaroon of ours is that long.
      const identifier = new Uint8Array(n);
      const macaroon = { identifier, caveats: [], signature: new Uint8Array(32) };
      const encoded = encodeMacaroon(macaroon);
      expect([...encoded.subarray(2, 2 + bytes.length)]).toEqual(bytes);
      expect(parseV2(encoded)).toEqual({ ok: true, value: macaroon });
    }
  });

  test('base64 of either alphabet, and JSON that is ambiguous', () => {
    for (const { input, expect: text } of base64) {
      const json = JSON.stringify({ v: 2, i64: input, s64: encodeBase64url(new Uint8Array(32)) });
      const parsed = parseMacaroon(json);
      expect(parsed.ok ? parsed.identifier : null).toBe(text);
    }
    for (const { about, json } of json_v2_reject) {
      expect({ about, ...parseMacaroon(json) }).toEqual({
        ...{ about, ok: false, reason: 'macaroon_malformed' },
      });
    }
  });
});

describe('the adapter', () => {
  const rootKey = 'k';
  const spec = { rootKey, identifier: 'i', caveats: ['a', { cid: 'p', key: 'q' }] };
  const hexOf = (outcome: ReturnType<typeof macaroonSignature>) =>
    outcome.ok ? outcome.signatureHex : outcome.reason;

  test('takes keys, bytes and texts in each of their forms', async () => {
    const s64 = encodeBase64url(
      decodeHex(hexOf(macaroonSignature({ rootKey, identifier: 'i' }))) ?? new Uint8Array(),
    );
    const json = { v: 2, i: 'i', s64 };
    const parsed = parseMacaroonJson(JSON.stringify(json));
    if (!parsed.ok) throw new Error(parsed.refusal.reason);
    const bytes = encodeMacaroon(parsed.value);
    for (const macaroon of [
      ...[json, JSON.stringify(json), bytes, encodeBase64url(bytes)],
      ...[Buffer.from(bytes).toString('base64'), Buffer.from(bytes).toString('hex')],
    ]) {
      for (const key of ['k', Buffer.from('k')]) {
        expect(await verifyMacaroon({ macaroon, rootKey: key })).toEqual({ ok: true });
        expect(await verifyMacaroon({ macaroon, rootKey: 'K' })).toEqual({
          ...{ ok: false, reason: 'signature_invalid' },
        });
      }
    }
  });

  test('says what is in a macaroon, and never throws', async () => {
    expect(hexOf(macaroonSignature(spec))).toMatch(/^[0-9a-f]{64}$/);
    expect(hexOf(macaroonSignature({ ...spec, bindTo: 'x' }))).not.toBe(
      hexOf(macaroonSignature(spec)),
    );
    const throwing = new Proxy(
      {},
      {
        get: () => {
          throw new Error('no');
        },
      },
    );
    for (const odd of [
      undefined,
      null,
      5,
      [],
      {},
      throwing,
      Symbol('x'),
      { rootKey: 5 },
      { macaroon: throwing, rootKey: '' },
    ]) {
      const verified = await verifyMacaroon(odd);
      expect(verified.ok ? 'accepted' : verified.reason).toMatch(
        /^(arguments_invalid|macaroon_malformed)$/,
      );
      expect(parseMacaroon(odd).ok).toBe(false);
      expect(macaroonSignature(odd)).toEqual({ ok: false, reason: 'arguments_invalid' });
    }
    for (const odd of [
      { satisfied: 5 },
      { satisfied: [5] },
      { discharges: 'x' },
      { rootKey: undefined },
    ]) {
      expect(await verifyMacaroon({ macaroon: '', rootKey, ...odd })).toEqual({
        ...{ ok: false, reason: 'arguments_invalid' },
      });
    }
  });
});
