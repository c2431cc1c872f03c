/**
 * Guarantee: every operation of Talos's v2alpha1 has its route here, and what Cardea adds below that
 * prefix is known. Talos's document is read where it is at hand: beside the checkout, never in it.
 */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { routesOf } from '../app.ts';
import type { Deps } from '../deps.ts';

const DOCUMENT = fileURLToPath(
  new URL('../../../../shared/data/talos-openapi.json', import.meta.url),
);

/** Of these routes Talos knows nothing: `METHOD path`. */
const ADDED = [
  'POST /v2alpha1/admin/apiKeys/{}:revoke', // Its documentation does, its OpenAPI document does not.
  'POST /v2alpha1/admin/issuedApiKeys/{}:disable',
  'POST /v2alpha1/admin/issuedApiKeys/{}:enable',
  'POST /v2alpha1/admin/importedApiKeys/{}:disable',
  'POST /v2alpha1/admin/importedApiKeys/{}:enable',
];

/** Talos calls one parameter by several names. */
const nameOf = (method: string, path: string) =>
  `${method.toUpperCase()} ${path.replace(/\{[^}]+\}/g, '{}')}`;

/** Making routes reads none of the parts: only their handlers do. */
const ours = routesOf({} as Deps, 'all')
  .filter(({ path }) => path.startsWith('/v2alpha1/'))
  .map(({ method, path }) => nameOf(method, path));

/** `undefined` where the document is not at hand: then the routes are only compared with themselves. */
function talosOperations(): string[] | undefined {
  if (!existsSync(DOCUMENT)) return undefined;
  const { paths }: { paths: Record<string, object> } = JSON.parse(readFileSync(DOCUMENT, 'utf8'));
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods)
      .filter((method) => ['get', 'post', 'put', 'patch', 'delete'].includes(method))
      .map((method) => nameOf(method, path)),
  );
}

test('the routes of v2alpha1 are those of Talos and the ones that Cardea adds', () => {
  expect(new Set(ours).size).toBe(ours.length);
  const talos = talosOperations() ?? ours.filter((name) => !ADDED.includes(name));
  expect(talos.length).toBeGreaterThan(15);
  expect([...ours].sort()).toEqual([...talos, ...ADDED].sort());
});

test('what needs nobody at Talos needs an admin here, but for what a client calls itself', () => {
  const anonymous = routesOf({} as Deps, 'all')
    .filter(({ path, permission }) => path.startsWith('/v2alpha1/') && permission === 'anonymous')
    .map(({ operationId }) => operationId);
  expect(anonymous.sort()).toEqual(['getJwks', 'revokeApiKey']);
});
