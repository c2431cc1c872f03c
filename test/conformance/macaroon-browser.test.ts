/**
 * Guarantee: holders narrow, discharge and inspect tokens as docs/caveats.md shows it, in a browser too. The
 * examples are bundled for one and run with nothing but Web APIs around them.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { encodeBaseGrant } from '@cardea/shared/macaroon/grant';
import { encodeIdentifier } from '@cardea/shared/macaroon/identifier';
import { mintMacaroon } from '@cardea/shared/macaroon/mint';
import { writeMacaroonToken } from '@cardea/shared/macaroon/token-text';
import { verifyMacaroonToken } from '@cardea/shared/macaroon/verify-token';
import { build } from 'esbuild';
import { expect, test, vi } from 'vitest';
import { KEY, NOW, POLICY } from './macaroon-model.ts';

// Many cases a test: on a busy machine they take longer than vitest waits for one.
vi.setConfig({ testTimeout: 60_000 });

const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const TOKEN_ID = '3f8e5d0a-8c51-4b7e-9d12-6a0f4c2b7e91';

const document = readFileSync(pathOf('../../docs/caveats.md'), 'utf8');
const examples = [...document.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code);
const [, SENTENCES = ''] = /```text\n([\s\S]*?)\n```/.exec(document) ?? [];

function makeToken(): string {
  const macaroon = mintMacaroon({
    ...{ rootKey: KEY.rootKey, location: POLICY.issuer },
    identifier: encodeIdentifier({ tokenId: TOKEN_ID, kid: KEY.kid }),
    firstPartyCaveats: [
      encodeBaseGrant({
        ...{ jti: TOKEN_ID, sub: 'key-1', iss: POLICY.issuer, aud: POLICY.audience },
        ...{
          nid: POLICY.tenantId,
          iat: NOW,
          exp: NOW + 3600,
          scp: ['orders:read', 'orders:write'],
        },
      }),
    ],
  });
  const text = writeMacaroonToken({ macaroon, discharges: [] });
  if (!text.ok) throw new Error(text.refusal.reason);
  return text.value;
}

/** What the named constants of an example hold after it has run. */
async function runInBrowser(
  code: string,
  names: readonly string[],
): Promise<Record<string, unknown>> {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: `${code}\nglobalThis.results = { ${names.join(', ')} };`,
      loader: 'ts',
      resolveDir: pathOf('..'),
    },
    ...{ bundle: true, platform: 'browser', format: 'iife', target: 'es2024' },
    ...{ write: false, metafile: true, logLevel: 'silent' },
  });
  expect(Object.keys(metafile.inputs).filter((path) => path.includes('node:'))).toEqual([]);
  const context = createContext({
    ...{ TextEncoder, TextDecoder, atob, btoa, URL, Uint8Array },
    ...{ token: makeToken(), caveatKey: encodeUtf8('shared'), nonce: new Uint8Array(24).fill(5) },
  });
  runInContext(outputFiles[0]?.text ?? '', context);
  return runInContext('results', context) as Record<string, unknown>;
}

const verify = (text: unknown) =>
  verifyMacaroonToken(String(text), {
    keys: new Map([[KEY.kid, KEY]]),
    policy: POLICY,
    nowSeconds: NOW,
  });

test('there are the two examples', () => expect(examples).toHaveLength(2));

test('narrowing: the token verifies with its caveats, and the sentences are those of the page', async () => {
  const { narrowed, sentences } = await runInBrowser(examples[0] ?? '', ['narrowed', 'sentences']);
  const text = (narrowed as { value: string }).value;
  expect([...(sentences as string[])].join('\n')).toBe(SENTENCES);
  const verified = verify(text);
  expect(verified.ok && verified.value.caveats.map(({ kind }) => kind)).toEqual([
    ...['expires', 'scopes', 'methods', 'paths'],
  ]);
});

test('a third-party caveat: the discharged token verifies, without its discharge it does not', async () => {
  const { discharged } = await runInBrowser(examples[1] ?? '', ['discharged']);
  const text = (discharged as { value: string }).value;
  expect(verify(text)).toMatchObject({ ok: true, value: { caveats: [{ kind: 'expires' }] } });
  expect(verify(text.split('.')[0])).toMatchObject({ refusal: { reason: 'discharge_missing' } });
});

test('a module of Node would be noticed', async () => {
  await expect(runInBrowser("import 'node:crypto'; const x = 1;", ['x'])).rejects.toThrow(
    'node:crypto',
  );
});
