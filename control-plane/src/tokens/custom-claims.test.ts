import { RESERVED_CLAIMS } from '@cardea/shared/jwt/claims';
import { expect, test } from 'vitest';
import { customClaimsOf } from './custom-claims.ts';

test('claims of a client are taken over', () => {
  const claims = { team: 'x', nested: { act: 'not reserved here' } };
  expect(customClaimsOf(claims, {})).toEqual({ claims, stripped: [] });
});

test.each([...RESERVED_CLAIMS])('%s is left out', (name) => {
  const { claims, stripped } = customClaimsOf({ [name]: 'mine', team: 'x' }, {});
  expect(claims).toEqual({ team: 'x' });
  expect(stripped).toEqual([name]);
});

test('__proto__ is left out and reaches no prototype', () => {
  const { claims, stripped } = customClaimsOf(JSON.parse('{"__proto__":{"admin":true}}'), {});
  expect(stripped).toEqual(['__proto__']);
  expect(Reflect.get(claims, 'admin')).toBeUndefined();
});

test('a claim of the parent is neither dropped nor changed', () => {
  const { claims, stripped } = customClaimsOf({ read_only: false, more: 1 }, { read_only: true });
  expect(claims).toEqual({ read_only: true, more: 1 });
  expect(stripped).toEqual(['read_only']);
});
