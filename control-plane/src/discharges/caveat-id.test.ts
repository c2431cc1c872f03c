import { describe, expect, test } from 'vitest';
import { type DischargeCondition, formatCaveatId, newNonce, parseCaveatId } from './caveat-id.ts';

const UUID = '3f8e5d0a-8c51-4b7e-9d12-6a0f4c2b7e91';
const FRESH: DischargeCondition = {
  kind: 'fresh',
  seconds: 60,
  tokenId: UUID,
  issuedAtSeconds: 1_800_000_000,
  scopeIds: ['0000000000000000', 'ffffffffffffffff'],
};
const nonce = newNonce((length) => new Uint8Array(length).fill(1));
const idOf = (condition: DischargeCondition) => ({ tenantId: UUID, nonce, condition });

test.each<[string, DischargeCondition, string]>([
  ['a key', { kind: 'key', keyId: UUID }, `"key":"${UUID}"`],
  ['an imported key', { kind: 'key', keyId: 'ab'.repeat(32) }, `"key":"${'ab'.repeat(32)}"`],
  ['an actor', { kind: 'actor', actorId: 'Ada "L"' }, '"actor":"Ada \\"L\\""'],
  [
    'freshness',
    FRESH,
    `"fresh":60,"jti":"${UUID}","iat":1800000000,"scopes":["0000000000000000","ffffffffffffffff"]`,
  ],
])('the id of %s is read as it was written', (_, condition, members) => {
  const text = formatCaveatId(idOf(condition));
  expect(text).toBe(`{"v":1,"nid":"${UUID}","nonce":"AQEBAQEBAQEBAQEBAQEBAQ",${members}}`);
  expect(parseCaveatId(text)).toEqual(idOf(condition));
});

describe('an id is refused', () => {
  const key = formatCaveatId(idOf({ kind: 'key', keyId: UUID }));
  const fresh = formatCaveatId(idOf(FRESH));

  test.each([
    ['that is no JSON', 'key'],
    ['that is a list', '[]'],
    ['of another version', key.replace('"v":1', '"v":2')],
    ['without a version', key.replace('"v":1,', '')],
    ['with white space', key.replace(',', ', ')],
    ['with members in another order', key.replace(/("nid":"[^"]*"),("nonce":"[^"]*")/, '$2,$1')],
    ['with a member besides', key.replace('}', ',"x":1}')],
    ['with a member twice', key.replace('{"v":1', '{"v":1,"v":1')],
    ['of another tenant form', key.replace(`"nid":"${UUID}"`, '"nid":"x"')],
    ['with a short nonce', key.replace(nonce, 'AQ')],
    ['of no key', key.replace(`"key":"${UUID}"`, '"key":"x"')],
    ['of a key that is a number', key.replace(`"key":"${UUID}"`, '"key":1')],
    ['of two conditions', key.replace('}', `,"actor":"a"}`)],
    ['of no actor', formatCaveatId(idOf({ kind: 'actor', actorId: '' }))],
    ['of a long actor', formatCaveatId(idOf({ kind: 'actor', actorId: 'x'.repeat(256) }))],
    ['of no freshness', fresh.replace('"fresh":60', '"fresh":0')],
    ['of an old freshness', fresh.replace('"fresh":60', '"fresh":901')],
    ['of half a second', fresh.replace('"fresh":60', '"fresh":0.5')],
    ['of a text for seconds', fresh.replace('"fresh":60', '"fresh":"60"')],
    ['of a token without id', fresh.replace(`"jti":"${UUID}"`, '"jti":"x"')],
    ['of a token without time', fresh.replace('1800000000', '-1')],
    ['of scopes that are none', fresh.replace('ffffffffffffffff', 'x')],
    ['of scopes that are numbers', fresh.replace('"ffffffffffffffff"', '1')],
    [
      'of too many scopes',
      formatCaveatId(idOf({ ...FRESH, scopeIds: Array(17).fill('00'.repeat(8)) })),
    ],
  ])('%s', (_, text) => expect(parseCaveatId(text)).toBeUndefined());
});
