/** Guarantee: a chain verifies whole or not at all, and every discharge is asked for exactly once. */

import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { refuse } from '../result.ts';
import { addThirdPartyCaveat, append, bindDischarge } from './attenuate.ts';
import { encodeMacaroon, parseMacaroon } from './codec-v2.ts';
import type { Caveat, Macaroon } from './macaroon.ts';
import { mintMacaroon } from './mint.ts';
import { verifyChain } from './verify-chain.ts';

const rootKey = encodeUtf8('a root key of any length');
const keyOf = (name: string) => encodeUtf8(`key of ${name}`);
const nonce = new Uint8Array(24).fill(3);

function mint(identifier: string, ...firstPartyCaveats: string[]): Macaroon {
  return mintMacaroon({
    rootKey: identifier === 'root' ? rootKey : keyOf(identifier),
    identifier,
    firstPartyCaveats,
  });
}

/** With a third-party caveat that `name` discharges. */
function demand(macaroon: Macaroon, name: string): Macaroon {
  const caveat = { location: name, identifier: encodeUtf8(name), caveatKey: keyOf(name), nonce };
  const demanding = addThirdPartyCaveat(macaroon, caveat);
  if (!demanding.ok) throw new Error(demanding.refusal.reason);
  return demanding.value;
}

function verify(macaroon: Macaroon, ...discharges: Macaroon[]) {
  return verifyChain({ macaroon, discharges }, rootKey);
}

const texts = (list: readonly Uint8Array[]) => list.map((each) => new TextDecoder().decode(each));

test('positive control: nested discharges, in any order, and all their caveats', () => {
  const macaroon = demand(demand(mint('root', 'a'), 'p'), 'q');
  const [p, q, r] = [demand(mint('p', 'b'), 'r'), mint('q', 'c'), mint('r', 'd')];
  const bound = [p, q, r].map((each) => bindDischarge(macaroon, each));
  for (const discharges of [bound, [...bound].reverse()]) {
    const verified = verify(macaroon, ...discharges);
    if (!verified.ok) throw new Error(verified.refusal.reason);
    expect(texts([verified.value.identifier])).toEqual(['root']);
    expect(texts(verified.value.caveats)).toEqual(['a']);
    expect(texts(verified.value.dischargeCaveats)).toEqual(['b', 'd', 'c']);
  }
});

describe('discharges', () => {
  const macaroon = demand(mint('root', 'a'), 'p');
  const discharge = mint('p', 'b');
  const bound = bindDischarge(macaroon, discharge);
  const other = bindDischarge(macaroon, mint('q'));

  test('positive control', () => expect(verify(macaroon, bound).ok).toBe(true));

  test.each([
    ['missing', [], 'discharge_missing'],
    ['another one', [other], 'discharge_missing'],
    ['one too many', [bound, other], 'discharge_unused'],
    ['twice', [bound, bound], 'discharge_unused'],
    ['twice, once with another key', [bound, { ...bound, caveats: [] }], 'discharge_unused'],
    ['not bound', [discharge], 'signature_invalid'],
    ['bound twice', [bindDischarge(macaroon, bound)], 'signature_invalid'],
    [
      'bound to another macaroon',
      [bindDischarge(mint('root', 'a'), discharge)],
      'signature_invalid',
    ],
    ['without its caveat', [{ ...bound, caveats: [] }], 'signature_invalid'],
    [
      'made with another key',
      [bindDischarge(macaroon, mintMacaroon({ rootKey, identifier: 'p', firstPartyCaveats: [] }))],
      'signature_invalid',
    ],
    ['seventeen', Array.from({ length: 17 }, () => bound), 'macaroon_malformed'],
  ] as const)('%s: refused', (_, discharges, reason) => {
    expect(verify(macaroon, ...discharges)).toMatchObject({ ok: false, refusal: { reason } });
  });

  test('a discharge bound before a caveat was added is not bound any more', () => {
    const narrowed = append(macaroon, [{ identifier: encodeUtf8('z') }]);
    if (!narrowed.ok) throw new Error(narrowed.refusal.reason);
    expect(verify(narrowed.value, bound)).toEqual(refuse('signature_invalid'));
    expect(verify(narrowed.value, bindDischarge(narrowed.value, discharge)).ok).toBe(true);
  });

  test('one discharge cannot answer two caveats', () => {
    const twice = demand(macaroon, 'p');
    expect(verify(twice, bindDischarge(twice, discharge))).toEqual(refuse('discharge_missing'));
  });

  test('a discharge that demands itself ends in a refusal', () => {
    const loop = bindDischarge(macaroon, demand(mint('p'), 'p'));
    expect(verify(macaroon, loop)).toEqual(refuse('discharge_missing'));
  });

  test.each([
    ['cut off', (sealedKey: Uint8Array<ArrayBuffer>) => sealedKey.slice(0, 71)],
    ['short', () => new Uint8Array(39)],
    ['empty', () => new Uint8Array()],
  ])('a sealed key that is %s opens nothing, though the chain is good', (_, alter) => {
    const caveat = macaroon.caveats[1] as Extract<Caveat, { sealedKey: unknown }>;
    const forged = append(mint('root', 'a'), [{ ...caveat, sealedKey: alter(caveat.sealedKey) }]);
    if (!forged.ok) throw new Error(forged.refusal.reason);
    expect(verify(forged.value, bindDischarge(forged.value, discharge))).toEqual(
      refuse('signature_invalid'),
    );
  });
});

test('more caveats than anybody reads are not verified', () => {
  const caveats = Array.from({ length: 64 }, (_, i) => String(i));
  expect(verify(mint('root', ...caveats)).ok).toBe(true);
  expect(verify(mint('root', ...caveats, 'x'))).toEqual(
    refuse('macaroon_malformed', { part: 'caveats' }),
  );
  expect(append(mint('root', ...caveats), [{ identifier: encodeUtf8('x') }])).toEqual(
    refuse('macaroon_malformed', { part: 'caveats' }),
  );
});

test('a nonce of another length seals nothing', () => {
  const caveat = { identifier: encodeUtf8('p'), caveatKey: keyOf('p'), nonce: new Uint8Array(12) };
  expect(addThirdPartyCaveat(mint('root'), caveat)).toEqual(
    refuse('macaroon_malformed', { part: 'nonce' }),
  );
});

describe('every byte counts', () => {
  const macaroon = demand(mint('root', 'a', '', 'b'.repeat(200)), 'p');
  const discharge = bindDischarge(macaroon, mint('p', 'c'));
  const bytes = encodeMacaroon(macaroon);

  test('positive control: what was written is read, byte for byte', () => {
    const parsed = parseMacaroon(bytes);
    expect(parsed).toEqual({ ok: true, value: macaroon });
    expect(parsed.ok && encodeMacaroon(parsed.value)).toEqual(bytes);
    expect(verify(macaroon, discharge).ok).toBe(true);
  });

  test('each bit of it, but for the location of a third party, is in the signature or in the form', () => {
    const [location] = [encodeUtf8('p')];
    const accepted: number[] = [];
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const altered = Uint8Array.from(bytes);
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const parsed = parseMacaroon(altered);
      if (parsed.ok && verify(parsed.value, discharge).ok) accepted.push(bit >> 3);
    }
    const at = bytes.findIndex(
      (_, i) => bytes[i] === 1 && bytes[i + 1] === 1 && bytes[i + 2] === location[0],
    );
    expect(new Set(accepted)).toEqual(new Set([at + 2]));
  });

  test('no part of it is one', () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(parseMacaroon(bytes.slice(0, length))).toMatchObject({
        ok: false,
        refusal: { reason: 'macaroon_malformed' },
      });
    }
  });
});
