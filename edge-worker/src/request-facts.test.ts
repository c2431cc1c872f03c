/** Guarantee: a caveat about the host is compared with one spelling of the host that was called. */

import { expect, test } from 'vitest';
import { hostOf } from './request-facts.ts';

test.each([
  ['https://api.example/v1', 'api.example'],
  ['https://API.Example/V1/Notes', 'api.example'],
  ['https://api.example:443/', 'api.example'],
  ['http://api.example:80/', 'api.example'],
  ['http://127.0.0.1:8787/v1', '127.0.0.1:8787'],
  ['https://[2001:DB8::1]/', '[2001:db8::1]'],
  ['https://[2001:db8::1]:443/', '[2001:db8::1]'],
])('%s is called at %s', (url, host) => {
  expect(hostOf(url)).toBe(host);
});

test.each([
  ['https://api.example:80/', 'api.example:80'],
  ['http://api.example:443/', 'api.example:443'],
  ['https://api.example:8443/', 'api.example:8443'],
  ['https://api.example.:443/', 'api.example.'],
  ['https://api.example/?next=https://other.example/', 'api.example'],
])('%s is called at %s and nowhere else', (url, host) => {
  expect(hostOf(url)).toBe(host);
});
