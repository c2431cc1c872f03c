/**
 * The benchmark's peer: better-auth's API keys behind the plainest server that Node has. Runs in a
 * folder of its own, where the packages have been installed for this one run (`install-better-auth`).
 * POST /verify {"key"} → 200 or 401. Prints one line when it listens: {"port","keys"}.
 */

import { createServer } from 'node:http';
import { apiKey } from '@better-auth/api-key';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import pg from 'pg';

const [databaseUrl, keyCount = '100'] = process.argv.slice(2);
const auth = betterAuth({
  database: new pg.Pool({ connectionString: databaseUrl, max: 10 }),
  secret: 'benchmark-benchmark-benchmark-benchmark',
  baseURL: 'http://127.0.0.1',
  emailAndPassword: { enabled: true },
  telemetry: { enabled: false },
  plugins: [apiKey({ rateLimit: { enabled: false } })],
});
const { runMigrations } = await getMigrations(auth.options);
await runMigrations();
const { user } = await auth.api.signUpEmail({
  body: { email: 'bench@example.com', password: 'benchmark-password', name: 'bench' },
});
const keys = [];
for (let i = 0; i < Number(keyCount); i++) {
  const { key } = await auth.api.createApiKey({ body: { name: `key ${i}`, userId: user.id } });
  keys.push(key);
}

const server = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  const { valid } = await auth.api.verifyApiKey({ body: { key: JSON.parse(text).key } });
  response.writeHead(valid ? 200 : 401, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ valid }));
});
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ port: server.address().port, keys }));
});
process.on('SIGTERM', () => process.exit(0));
