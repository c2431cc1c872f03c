import { describe, expect, test } from 'vitest';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { importAeadKey } from '../crypto/aead.ts';
import { openCaveatId, sealCaveatId } from './sealed-caveat-id.ts';

const keyOf = (byte: number) =>
  importAeadKey(new Uint8Array(32).fill(byte), ['encrypt', 'decrypt']);
const location = 'https://approvals.example';
const content = { caveatKey: new Uint8Array(32).fill(7), condition: 'approval "17" é' };
const nonce = new Uint8Array(12).fill(3);
const address = { sharedKey: await keyOf(1), location };
const otherKey = await keyOf(2);
const sealed = await sealCaveatId(address, { ...content, nonce });

test('an id opens for whom it was sealed, and shows nothing to others', async () => {
  expect(await openCaveatId(address, sealed)).toEqual(content);
  expect(decodeUtf8(sealed)).toMatch(/^cid1\.[\w-]+$/);
});

describe('an id does not open', () => {
  const changed = (text: (sealed: string) => string) => encodeUtf8(text(decodeUtf8(sealed) ?? ''));

  test.each([
    ['under another key', { ...address, sharedKey: otherKey }, sealed],
    ['at another location', { ...address, location: 'https://evil.example' }, sealed],
    ['with another start', address, changed((text) => text.replace('cid1.', 'cid2.'))],
    ['without its start', address, changed((text) => text.slice(5))],
    ['cut short', address, changed((text) => text.slice(0, -2))],
    ['with a changed byte', address, changed((text) => text.replace(/.{4}$/, 'AAAA'))],
    ['that is empty', address, new Uint8Array(0)],
    ['that is no text', address, new Uint8Array([0xff])],
  ])('%s', async (_, wrong, identifier) => {
    expect(await openCaveatId(wrong, identifier)).toBeUndefined();
  });

  test.each([15, 31, 33])('with a caveat key of %d bytes', async (length) => {
    const odd = { ...content, caveatKey: new Uint8Array(length), nonce };
    expect(await openCaveatId(address, await sealCaveatId(address, odd))).toBeUndefined();
  });
});
