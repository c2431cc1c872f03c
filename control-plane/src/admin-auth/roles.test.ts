/** Guarantee: nobody may do more than the table says, which is the one in docs/admin-access.md. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ADMIN_ROLES } from '../admin-credentials/admin-credential.ts';
import type { AdminPermission, Principal } from '../http/principal.ts';
import { highestRole, mayGrant, permits, ROLES_WITH } from './roles.ts';

const PERMISSIONS = Object.keys(ROLES_WITH) as AdminPermission[];

test('the table in docs/admin-access.md is the one that decides', () => {
  const url = new URL('../../../docs/admin-access.md', import.meta.url);
  const rows = [...readFileSync(url, 'utf8').matchAll(/^\| `([a-z_]+\.[a-z_]+)` \|(.+)$/gm)];
  const documented = rows.map(([, permission = '', cells = '']) => {
    const marks = cells.split('|').slice(0, ADMIN_ROLES.length);
    return [permission, ADMIN_ROLES.filter((_, i) => marks[i]?.trim() === 'yes')];
  });
  expect(Object.fromEntries(documented)).toEqual(ROLES_WITH);
  expect(documented).toHaveLength(PERMISSIONS.length);
});

test('the roles are what their names promise', () => {
  const of = (role: (typeof ADMIN_ROLES)[number]) =>
    PERMISSIONS.filter((permission) => permits({ kind: 'bootstrap', id: '', role }, permission));
  expect(of('owner')).toEqual(PERMISSIONS);
  expect(PERMISSIONS.filter((each) => !of('operator').includes(each))).toEqual([
    ...['mass_revocations.write', 'admin_credentials.write', 'tenants.write'],
  ]);
  const ofAuditor = of('auditor').filter((each) => each !== 'own_credential.write');
  expect(ofAuditor).toEqual(PERMISSIONS.filter((each) => each.endsWith('.read')));
  expect(of('issuer')).toEqual([
    ...['api_keys.read', 'api_keys.write', 'api_keys.verify', 'tokens.derive'],
    'own_credential.write',
  ]);
});

test('nobody is permitted what needs nobody: such a route has no principal to ask about', () => {
  expect(permits({ kind: 'bootstrap', id: '', role: 'owner' }, 'anonymous')).toBe(false);
});

test('whoever is bound to a tenant has nothing to say about tenants, edges and the feed', () => {
  const bound: Principal = { kind: 'admin_credential', id: 'x', role: 'owner', tenantId: 't' };
  const refused = PERMISSIONS.filter((permission) => !permits(bound, permission));
  expect(refused.sort()).toEqual([
    ...['edges.read', 'edges.write', 'feed.read', 'tenants.read', 'tenants.write'],
  ]);
});

describe('granting', () => {
  test.each([
    ['owner', ['owner', 'operator', 'issuer', 'auditor']],
    ['operator', ['operator', 'issuer', 'auditor']],
    ['issuer', ['issuer']],
    ['auditor', ['auditor']],
  ] as const)('%s has what it takes to grant %j', (granter, granted) => {
    expect(ADMIN_ROLES.filter((role) => mayGrant(granter, role))).toEqual(granted);
  });
});

test('of several roles the first in the order of the names counts', () => {
  expect(highestRole(['auditor', 'operator', 'issuer'])).toBe('operator');
  expect(highestRole(['auditor', 'issuer'])).toBe('issuer');
  expect(highestRole([])).toBeUndefined();
});
