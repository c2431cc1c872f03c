/**
 * Signs tokens with the stack's own active signing key, taken out of its database with its own
 * master secret: what an insider could do. So a test can change one claim and nothing else.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StateFolder } from '@cardea/cli/dev-stack/state-folder';
import { decodeBase64url } from '@cardea/shared/bytes/base64url';
import { frame } from '@cardea/shared/bytes/framing';
import { openAead } from '@cardea/shared/crypto/aead';
import { deriveKeyEncryptionKey, importMasterSecret } from '@cardea/shared/crypto/derive-key';
import { importJWK, type JWTPayload, SignJWT } from 'jose';

export type SignToken = (claims: JWTPayload) => Promise<string>;

export async function openActiveSigningKey(state: StateFolder): Promise<SignToken> {
  const row = readActiveRow(state.storagePath);
  const master = await importMasterSecret(state.secrets.cardeaSecret);
  const opened = await openAead(
    await deriveKeyEncryptionKey(master),
    decodeBase64url(row.sealedPrivateJwk) ?? new Uint8Array(),
    frame('signing-key', row.tenantId, row.kid),
  );
  if (opened === undefined) throw new Error('the signing key does not open');
  const key = await importJWK(JSON.parse(Buffer.from(opened).toString('utf8')), 'EdDSA');
  const header = { alg: 'EdDSA', kid: row.kid, typ: 'JWT' };
  return (claims) => new SignJWT(claims).setProtectedHeader(header).sign(key);
}

function readActiveRow(storagePath: string) {
  const database = new DatabaseSync(findDatabaseFile(storagePath), { readOnly: true });
  try {
    const row = database.prepare("SELECT * FROM signing_keys WHERE state = 'active'").get();
    const { nid, kid, sealed_private_jwk: sealed } = row ?? {};
    if (typeof nid !== 'string' || typeof kid !== 'string' || typeof sealed !== 'string') {
      throw new Error('the database has no active signing key');
    }
    return { tenantId: nid, kid, sealedPrivateJwk: sealed };
  } finally {
    database.close();
  }
}

/** Miniflare names the file of a D1 database by a hash. */
export function findDatabaseFile(storagePath: string): string {
  const folder = join(storagePath, 'v3/d1/miniflare-D1DatabaseObject');
  const files = readdirSync(folder).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));
  if (files.length !== 1) throw new Error(`expected one database in ${folder}`);
  return join(folder, files[0] ?? '');
}
