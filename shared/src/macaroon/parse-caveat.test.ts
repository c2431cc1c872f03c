/** Guarantee: one meaning has one text, and every other text is unknown and keeps its bytes. */

import { describe, expect, test } from 'vitest';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { formatCaveat } from './format-caveat.ts';
import { parseCaveat, parseCaveatText } from './parse-caveat.ts';

const TOKEN_ID = '3f8e5d0a-8c51-4b7e-9d12-6a0f4c2b7e91';

const KNOWN: ReadonlyArray<readonly [text: string, caveat: object]> = [
  ['time < 2027-01-01T00:00:00Z', { kind: 'expires', atSeconds: 1_798_761_600 }],
  ['time >= 1970-01-01T00:00:00Z', { kind: 'not_before', atSeconds: 0 }],
  ['time < 9999-12-31T23:59:59Z', { kind: 'expires', atSeconds: 253_402_300_799 }],
  ['time < 2028-02-29T00:00:00Z', { kind: 'expires', atSeconds: 1_835_395_200 }],
  ['scope in a b', { kind: 'scopes', scopes: ['a', 'b'] }],
  ['scope in *', { kind: 'scopes', scopes: ['*'] }],
  ['method in DELETE GET M-SEARCH', { kind: 'methods', methods: ['DELETE', 'GET', 'M-SEARCH'] }],
  ['path in /', { kind: 'paths', patterns: [{ segments: [], isSubtree: false }] }],
  ['path in /*', { kind: 'paths', patterns: [{ segments: [], isSubtree: true }] }],
  [
    'path in /a/{}/%C3%A5%2A/* /b',
    {
      kind: 'paths',
      patterns: [
        { segments: ['a', undefined, 'å*'], isSubtree: true },
        { segments: ['b'], isSubtree: false },
      ],
    },
  ],
  ['host in 192.0.2.1 [2001:db8::1]:8443 a.example', { kind: 'hosts', hosts: expect.any(Array) }],
  [
    'ip in 0.0.0.0/0 10.0.0.0/8 2001:db8::/32 ::/0 ::1/128',
    { kind: 'addresses', cidrs: expect.any(Array) },
  ],
  ['tool in fs/read search', { kind: 'tools', tools: ['fs/read', 'search'] }],
  ['audience = https://api.example/a b', { kind: 'audience', value: 'https://api.example/a b' }],
  ['tenant = t', { kind: 'tenant', value: 't' }],
  ['actor = Καρδέα = 🚪', { kind: 'actor', value: 'Καρδέα = 🚪' }],
  ['key = k', { kind: 'key', value: 'k' }],
  [`token = ${TOKEN_ID}`, { kind: 'token', value: TOKEN_ID }],
  ['ext:billing/plan = pro', { kind: 'extension', name: 'billing/plan', value: 'pro' }],
  ['cnf = jkt', { kind: 'reserved', name: 'cnf', value: 'jkt' }],
  ['max_uses = 5', { kind: 'reserved', name: 'max_uses', value: '5' }],
  ['budget = 10.00 EUR', { kind: 'reserved', name: 'budget', value: '10.00 EUR' }],
];

test.each(KNOWN)('%s is read and written back', (text, caveat) => {
  const parsed = parseCaveatText(text);
  expect(parsed).toEqual(caveat);
  expect(parsed && formatCaveat(parsed)).toBe(text);
});

describe('what is not the one spelling is unknown', () => {
  test.each([
    ...['', ' ', 'time', 'time <', 'time < ', '= x', ' = x', 'a  b', '{}', '{"jti":"x"}'],
    ...[
      'Time < 2027-01-01T00:00:00Z',
      'time <  2027-01-01T00:00:00Z',
      ' time < 2027-01-01T00:00:00Z',
    ],
    ...['time <= 2027-01-01T00:00:00Z', 'time > 2027-01-01T00:00:00Z', 'time<2027-01-01T00:00:00Z'],
    ...[
      'time < 2027-01-01T00:00:00z',
      'time < 2027-01-01 00:00:00Z',
      'time < 2027-01-01T00:00:00.0Z',
    ],
    ...['time < 2027-01-01T00:00:00+00:00', 'time < 2027-01-01T00:00Z', 'time < 2027-01-01'],
    ...[
      'time < 2027-02-29T00:00:00Z',
      'time < 2027-13-01T00:00:00Z',
      'time < 2027-01-01T24:00:00Z',
    ],
    ...[
      'time < 2027-01-01T00:00:60Z',
      'time < 1969-12-31T23:59:59Z',
      'time < 0000-01-01T00:00:00Z',
    ],
    ...['time < 1798761600', 'time < 2027-01-01T00:00:00Z ', 'time < 2027-01-01T00:00:00Z\n'],
    ...['scope in', 'scope in ', 'scope in b a', 'scope in a a', 'scope in a  b', 'scope in a '],
    ...['scope in "a"', 'scope in a\tb', 'scope in å', `scope in ${'a'.repeat(101)}`, 'scope = a'],
    ...['method in get', 'method in GET GET', 'method in POST GET', 'method in *', 'method = GET'],
    ...['path in orders', 'path in /orders/', 'path in //', 'path in /a//b', 'path in /a/../b'],
    ...[
      'path in /a/.',
      'path in /%61',
      'path in /%2f',
      'path in /%2F',
      'path in /%5c',
      'path in /%c3%a5',
    ],
    ...[
      'path in /å',
      'path in /a;b',
      'path in /{name}',
      'path in /a*',
      'path in /*/a',
      'path in /{}a',
    ],
    ...[
      'path in /%7E',
      'path in /%2525',
      'path in /b /a',
      'path in /a /a',
      'path in /a?b',
      'path in /a/*/',
    ],
    ...[
      'path in /%3B',
      'path in /%00',
      'path in /%FF',
      'path in /a/**',
      'path in *',
      'path under /a',
    ],
    ...[
      'host in A.example',
      'host in a.example:',
      'host in a.example:0',
      'host in a..b /',
      'host in .a',
    ],
    ...[
      'host in a.example.',
      'host in *.example',
      'host in https://a',
      'host in a@b',
      'host in a:080',
    ],
    ...[
      'ip in 10.0.0.1/8',
      'ip in 10.0.0.0',
      'ip in 10.0.0.0/08',
      'ip in 2001:DB8::/32',
      'ip in 0::/0',
    ],
    ...[
      'ip in ::ffff:10.0.0.0/104',
      'ip in 10.0.0.0/33',
      'ip in 2001:db8:0:0::/32',
      'ip in 010.0.0.0/8',
    ],
    ...['tool in', 'tool in -x', 'tool in b a', 'tool in å', `tool in ${'a'.repeat(129)}`],
    ...[
      'audience =',
      'audience = ',
      'audience =  x',
      'audience = x ',
      'audience  = x',
      'audience in x',
    ],
    ...[
      'actor = a\u202eb',
      'actor = a\u200bb',
      'actor = a\nb',
      'actor = a\0',
      'actor = \ufeffa',
      'actor = a\u{e0041}',
    ],
    ...['token = x', `token = ${TOKEN_ID.toUpperCase()}`, `token in ${TOKEN_ID}`],
    ...[
      'ext: = x',
      'ext:X = x',
      'ext:a b = x',
      'ext:a =x',
      'ext:a',
      'ext:a in x',
      'ext:/a = x',
      'ext = x',
    ],
    ...[
      'constructor = x',
      '__proto__ = x',
      'toString in x',
      'max-uses = 5',
      'max_uses < 5',
      'expires = x',
    ],
    `actor = ${'a'.repeat(1025)}`,
    `ext:${'a'.repeat(65)} = x`,
    `tool in ${Array.from({ length: 65 }, (_, i) => String(i).padStart(2, '0')).join(' ')}`,
    `scope in ${Array.from({ length: 101 }, (_, i) => String(i).padStart(3, '0')).join(' ')}`,
    `path in ${Array.from({ length: 65 }, (_, i) => `/${String(i).padStart(2, '0')}`).join(' ')}`,
  ])('%j', (text) => {
    const bytes = encodeUtf8(text);
    expect(parseCaveat(bytes)).toEqual({ kind: 'unknown', bytes });
  });

  test('invalid UTF-8 and a byte-order mark', () => {
    const text = encodeUtf8('method in GET');
    expect(parseCaveat(text).kind).toBe('methods');
    const broken = Uint8Array.of(...text, 0xff);
    expect(parseCaveat(broken)).toEqual({ kind: 'unknown', bytes: broken });
    expect(parseCaveat(Uint8Array.of(0xef, 0xbb, 0xbf, ...text)).kind).toBe('unknown');
  });

  test('lists as long as they may be', () => {
    const names = Array.from({ length: 64 }, (_, i) => String(i).padStart(2, '0'));
    expect(parseCaveatText(`tool in ${names.join(' ')}`)).toEqual({ kind: 'tools', tools: names });
    expect(parseCaveatText(`actor = ${'a'.repeat(1024)}`)).toMatchObject({ kind: 'actor' });
  });
});

test('writing sorts, and drops what is there twice', () => {
  expect(formatCaveat({ kind: 'methods', methods: ['PUT', 'GET', 'PUT'] })).toBe(
    'method in GET PUT',
  );
});
