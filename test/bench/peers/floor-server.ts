/**
 * The floor under any exchange that looks at a database: one indexed select and one Ed25519
 * signature, behind the plainest server that Node has. POST / {"id"} → 200 with a JWT.
 * Arguments: the database's URL. Prints one line when it listens: {"port","ids"}.
 */

import { generateKeyPairSync, randomUUID, webcrypto } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import postgres from 'postgres';

const ROWS = 10_000;

const sql = postgres(process.argv[2] ?? '', { max: 10, onnotice: () => {} });
await sql`CREATE TABLE IF NOT EXISTS floor_keys (
  id text PRIMARY KEY, secret_hash text NOT NULL, scopes text NOT NULL)`;
const ids = Array.from({ length: ROWS }, () => randomUUID());
for (let from = 0; from < ROWS; from += 1000) {
  const rows = ids.slice(from, from + 1000).map((id) => ({
    ...{ id, secret_hash: id.repeat(2).slice(0, 64), scopes: '["notes:read"]' },
  }));
  await sql`INSERT INTO floor_keys ${sql(rows)}`;
}
const { privateKey } = generateKeyPairSync('ed25519');
const key = await webcrypto.subtle.importKey(
  'pkcs8',
  privateKey.export({ format: 'der', type: 'pkcs8' }),
  'Ed25519',
  false,
  ['sign'],
);

async function mint(id: string): Promise<string | undefined> {
  const [row] = await sql<{ scopes: string }[]>`SELECT * FROM floor_keys WHERE id = ${id}`;
  if (row === undefined) return undefined;
  const iat = Math.floor(Date.now() / 1000);
  const claims = { sub: id, jti: randomUUID(), iat, exp: iat + 600, scp: JSON.parse(row.scopes) };
  const input = `${encode('{"alg":"EdDSA","typ":"JWT"}')}.${encode(JSON.stringify(claims))}`;
  const signature = await webcrypto.subtle.sign('Ed25519', key, Buffer.from(input));
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}

const server = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  const token = await mint(JSON.parse(text).id);
  response.writeHead(token === undefined ? 404 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ access_token: token }));
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ port, ids: ids.slice(0, 200) }));
});
process.on('SIGTERM', () => process.exit(0));
