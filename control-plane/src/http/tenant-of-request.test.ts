/** Guarantee: nobody acts on a tenant but his own, or, if he is bound to none, on the one he means. */

import { DEFAULT_TENANT_ID } from '@cardea/shared/tenant';
import { expect, test } from 'vitest';
import { chooseTenant, type TenantChoice } from './tenant-of-request.ts';

const [own, other] = [
  '11111111-1111-4111-8111-111111111111',
  '22222222-2222-4222-8222-222222222222',
];
const OF_HOST: TenantChoice = { choice: 'of_host' };
const FORBIDDEN: TenantChoice = { choice: 'forbidden' };
const byId = (tenantId: string): TenantChoice => ({ choice: 'by_id', tenantId });

test.each<[string, string | undefined, string, string | undefined, TenantChoice]>([
  ['unbound, on the default host', undefined, DEFAULT_TENANT_ID, undefined, OF_HOST],
  ["unbound, on a tenant's host", undefined, own, undefined, OF_HOST],
  ['unbound, naming a tenant', undefined, DEFAULT_TENANT_ID, own, byId(own)],
  ["unbound, naming another than the host's", undefined, own, other, byId(other)],
  ['unbound, naming nonsense', undefined, own, '', byId('')],
  ['bound, on the default host', own, DEFAULT_TENANT_ID, undefined, byId(own)],
  ['bound, on a host of its own', own, own, undefined, OF_HOST],
  ['bound, naming its own', own, DEFAULT_TENANT_ID, own, byId(own)],
  ['bound, naming its own on its own host', own, own, own, OF_HOST],
  ['bound, naming another', own, DEFAULT_TENANT_ID, other, FORBIDDEN],
  ["bound, naming the host's", own, other, other, FORBIDDEN],
  ['bound, naming nothing in particular', own, own, '', FORBIDDEN],
  ["bound, on another's host", own, other, undefined, FORBIDDEN],
  ["bound, on another's host, naming its own", own, other, own, FORBIDDEN],
  [
    'bound to the default one, on its host',
    DEFAULT_TENANT_ID,
    DEFAULT_TENANT_ID,
    undefined,
    OF_HOST,
  ],
  ["bound to the default one, on a tenant's host", DEFAULT_TENANT_ID, own, undefined, FORBIDDEN],
])('%s', (_, ...[tenantId, hostTenant, named, expected]) => {
  const principal = tenantId === undefined ? {} : { tenantId };
  const ofHost = { tenantId: hostTenant };
  expect(chooseTenant({ principal, ofHost, named })).toEqual(expected);
});
