/** The document and the page are made from the routes that are really served. */

import { expect, test } from 'vitest';
import { z } from 'zod';
import { admin, anonymous, ISSUED, outcomeOf } from '../../testing/api.ts';

const document = await (await anonymous('/openapi.json')).json();

test('it is OpenAPI 3.1, with every operation under a name of its own', () => {
  expect(document.openapi).toBe('3.1.0');
  const ids = Object.values(
    document.paths as Record<string, Record<string, { operationId: string }>>,
  )
    .flatMap((methods) => Object.values(methods))
    .map(({ operationId }) => operationId);
  expect(ids.length).toBeGreaterThan(15);
  expect(new Set(ids).size).toBe(ids.length);
});

test('what its schema refuses, the server refuses, and the other way round', async () => {
  const { schema } = document.paths[ISSUED].post.requestBody.content['application/json'];
  const check = z.fromJSONSchema(schema);
  const good = { name: 'n', actor_id: 'a' };
  const bodies = [
    [good, '201'],
    [{ actor_id: 'a' }, '400 bad_request'],
    [{ ...good, name: 'x'.repeat(256) }, '400 bad_request'],
    [{ ...good, scopes: Array(101).fill('s') }, '400 bad_request'],
    [{ ...good, scopes: [''] }, '400 bad_request'],
    [{ ...good, visibility: 'KEY_VISIBILITY_NONE' }, '400 bad_request'],
    [{ ...good, metadata: [] }, '400 bad_request'],
    [{ ...good, rate_limit_policy: { quota: '5', window: '1s' } }, '201'],
  ] as const;
  for (const [body, outcome] of bodies) {
    expect([body, await outcomeOf(await admin(ISSUED, { body }))]).toEqual([body, outcome]);
    expect([body, check.safeParse(body).success]).toEqual([body, outcome === '201']);
  }
});

test('the page shows every operation, and loads nothing', async () => {
  const response = await anonymous('/reference');
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(response.headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]+=*'; /,
  );
  const html = await response.text();
  for (const path of Object.keys(document.paths)) expect(html).toContain(path);
  expect(html).not.toMatch(/<script|<img|<link|src=|https?:\/\//);
});
