import { describe, expect, test } from 'vitest';
import { HOST_NAME_LENGTH_MAX, normalHostName } from './host-name.ts';

const LONGEST = `${'a'.repeat(63)}.`.repeat(3) + 'b'.repeat(HOST_NAME_LENGTH_MAX - 3 * 64);

describe('one host has one normal form', () => {
  test.each([
    ['acme.example.com', 'acme.example.com'],
    ['ACME.Example.COM', 'acme.example.com'],
    ['acme.example.com.', 'acme.example.com'],
    ['acme.example.com:443', 'acme.example.com'],
    ['acme.example.com.:8443', 'acme.example.com'],
    ['localhost', 'localhost'],
    ['a_b.example.com', 'a_b.example.com'],
    ['münchen.example', 'xn--mnchen-3ya.example'],
    ['MÜNCHEN.example', 'xn--mnchen-3ya.example'],
    ['xn--mnchen-3ya.example', 'xn--mnchen-3ya.example'],
    ['ｅxample.com', 'example.com'],
    ['example。com', 'example.com'],
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1:4420', '127.0.0.1'],
    ['[::1]', '[::1]'],
    ['[::1]:4420', '[::1]'],
    ['[0:0:0:0:0:0:0:1]', '[::1]'],
    ['[2001:DB8::A]', '[2001:db8::a]'],
    ['[::ffff:127.0.0.1]', '[::ffff:7f00:1]'],
    [LONGEST, LONGEST],
  ])('%s', (text, normal) => {
    expect(normalHostName(text)).toBe(normal);
    expect(normalHostName(normal)).toBe(normal);
  });
});

describe('what is no host name is refused', () => {
  test.each([
    ['nothing', ''],
    ['a port alone', ':443'],
    ['a dot', '.'],
    ['two dots at the end', 'example.com..'],
    ['an empty label', 'a..example.com'],
    ['a dot in front', '.example.com'],
    ['a wildcard', '*.example.com'],
    ['a wildcard alone', '*'],
    ['a scheme', 'https://example.com'],
    ['a path', 'example.com/x'],
    ['a query', 'example.com?x'],
    ['a fragment', 'example.com#x'],
    ['a user', 'user@example.com'],
    ['a password', 'a:b@example.com'],
    ['a backslash', 'example.com\\x'],
    ['percent-encoding', 'ex%61mple.com'],
    ['a space', 'example .com'],
    ['a tab', 'exam\tple.com'],
    ['a line end', 'example.com\n'],
    ['NUL', 'example.com\0'],
    ['a soft hyphen', 'exa\u00admple.com'],
    ['a zero-width joiner', 'exa\u200dmple.com'],
    ['a lone surrogate', 'exa\ud800mple.com'],
    ['a comma', 'a.example,b.example'],
    ['a port that is none', 'example.com:http'],
    ['a port that is too long', 'example.com:123456'],
    ['two ports', 'example.com:1:2'],
    ['an IPv6 address without brackets', '::1'],
    ['an IPv6 address with a zone', '[fe80::1%25eth0]'],
    ['half an IPv6 address', '[::1'],
    ['an empty IPv6 address', '[]'],
    ['a short IPv4 address', '127.1'],
    ['an IPv4 address in one number', '2130706433'],
    ['an IPv4 address in hexadecimal', '0x7f.0.0.1'],
    ['an IPv4 address in octal', '0177.0.0.1'],
    ['an IPv4 address out of range', '256.0.0.1'],
    ['a label with a hyphen in front', '-a.example'],
    ['a label with a hyphen at its end', 'a-.example'],
    ['a label of 64 characters', `${'a'.repeat(64)}.example`],
    ['a name of 254 characters', `${LONGEST}b`],
    ['a name whose A-labels are too long', `${'ü'.repeat(60)}.`.repeat(4)],
    ['an A-label that is none', 'xn--\u00fc.example'],
    ['a right-to-left override', 'exa\u202emple.com'],
  ])('%s', (_, text) => {
    expect(normalHostName(text)).toBeUndefined();
  });
});
