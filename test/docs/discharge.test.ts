/** Guarantee: the example of docs/discharge.md runs as it stands, and refuses what it should. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeBaseGrant } from '@cardea/shared/macaroon/grant';
import { encodeIdentifier } from '@cardea/shared/macaroon/identifier';
import { mintMacaroon } from '@cardea/shared/macaroon/mint';
import { readMacaroonToken, writeMacaroonToken } from '@cardea/shared/macaroon/token-text';
import { verifyChain } from '@cardea/shared/macaroon/verify-chain';
import { afterAll, expect, test } from 'vitest';
import { ROOT, readText } from '../tidy/source-files.ts';

/** In the folder of the tests, so that the packages are found. */
const folder = mkdtempSync(join(ROOT, 'test', '.discharge-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [, code = ''] = /```ts\n([\s\S]*?)\n```/.exec(readText('docs/discharge.md')) ?? [];
const imports = code.split('\n').filter((line) => line.startsWith('import '));
const body = code.split('\n').filter((line) => !line.startsWith('import '));

const rootKey = new Uint8Array(32).fill(5);
const tokenId = '3f8e5d0a-8c51-4b7e-9d12-6a0f4c2b7e91';
const macaroon = mintMacaroon({
  rootKey,
  identifier: encodeIdentifier({ tokenId, kid: 'k' }),
  firstPartyCaveats: [encodeBaseGrant({ jti: tokenId })],
});
const token = writeMacaroonToken({ macaroon, discharges: [] });

async function run(approvals: ReadonlySet<string>) {
  const path = join(folder, `example-${approvals.size}.mjs`);
  const parameters = '{ sharedSecret, token, approvals }';
  writeFileSync(
    path,
    [
      ...imports,
      `export async function run(${parameters}) {`,
      ...body,
      'return written;',
      '}',
    ].join('\n'),
  );
  const example = await import(/* @vite-ignore */ path);
  const sharedSecret = new Uint8Array(32).fill(9);
  return example.run({ sharedSecret, token: token.ok ? token.value : '', approvals });
}

test('whoever is approved gets a discharge, and the chain verifies with it alone', async () => {
  const written = await run(new Set(['approval 17']));
  const read = readMacaroonToken(written.value);
  if (!read.ok) throw new Error(JSON.stringify(read.refusal));
  expect(read.value.discharges).toHaveLength(1);
  expect(verifyChain(read.value, rootKey)).toMatchObject({ ok: true });
  const bare = verifyChain({ ...read.value, discharges: [] }, rootKey);
  expect(bare).toMatchObject({ refusal: { reason: 'discharge_missing' } });
});

test('whoever is not approved gets none', async () => {
  await expect(run(new Set())).rejects.toThrow('not approved');
});
