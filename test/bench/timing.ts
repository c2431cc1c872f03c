/**
 * `node test/bench/timing.ts [samples]`: whether the time that a refused key takes tells what is wrong
 * with it (threat 15). Welch's t over samples of two classes in random order, the slowest tenth of
 * both left out: |t| ≥ 4.5 says that the classes can be told apart. Run by hand: on a machine that is
 * shared, one run proves little, and a test that failed now and then would be ignored.
 */

import { authenticateApiKey } from '@cardea/control-plane/api-keys/authenticate';
import { generateApiKey } from '@cardea/control-plane/api-keys/generate-api-key';
import { deriveMasterKeys } from '@cardea/control-plane/master-keys';
import { Secret } from '@cardea/control-plane/secret';
import { defaultTenant } from '@cardea/control-plane/tenants/tenant';
import { decodeBase58, encodeBase58 } from '@cardea/shared/bytes/base58';
import { randomBytes } from '@cardea/shared/crypto/random';

const T_MAX = 4.5;
const KEPT = 0.9;
const KEYS = 64;

const samples = Number(process.argv[2] ?? 100_000);
const keys = await deriveMasterKeys({ secrets: [new Secret('a'.repeat(40))] });
const tenant = defaultTenant({
  ...{ issuer: 'http://x', audience: 'http://x', retiredApiKeyPrefixes: [] },
  ...{ apiKeyPrefix: 'ck', publicApiKeyPrefix: 'ckp' },
} as never);
const generate = () => generateApiKey({ keys, randomBytes }, tenant, 'secret');

const known = await Promise.all(Array.from({ length: KEYS }, generate));
const unknown = await Promise.all(Array.from({ length: KEYS }, generate));
const wrongHash = (hash: string, at: number) =>
  hash.slice(0, at) + (hash[at] === '0' ? '1' : '0') + hash.slice(at + 1);

/** A store whose rows are ready, so that it takes no time of its own: what is timed is our work. */
function storeOf(hashOf: (hash: string) => string) {
  const rows = new Map(
    known.map(({ keyId, secretHash }) => {
      const key = { keyId, kind: 'issued', state: 'active' };
      return [keyId, { key, secretHash: hashOf(secretHash), now: 0 }] as const;
    }),
  );
  for (const { keyId } of unknown) rows.set(keyId, undefined as never);
  return {
    keys,
    importPepper: () => Promise.reject(new Error('No key is imported here.')),
    apiKeys: { find: async (_tenantId: string, keyId: string) => rows.get(keyId) },
  };
}

const genuine = storeOf((hash) => hash);
const wrongFirst = storeOf((hash) => wrongHash(hash, 0));
const wrongLast = storeOf((hash) => wrongHash(hash, 63));

/** A key whose checksum has one bit of this byte turned. */
function withBadChecksum(text: string, byte: number): string {
  const at = text.lastIndexOf('_') + 1;
  const checksum = decodeBase58(text.slice(at)) ?? new Uint8Array(8);
  checksum[byte] = (checksum[byte] ?? 0) ^ 1;
  return text.slice(0, at) + encodeBase58(checksum);
}

type Attempt = () => Promise<{ readonly ok: boolean }>;
const attempts = (parts: object, texts: readonly string[]): Attempt[] =>
  texts.map((text) => () => authenticateApiKey(parts as never, text, { tenant }));
const texts = (list: ReadonlyArray<{ text: string }>) => list.map(({ text }) => text);

const PAIRS: Record<string, readonly [readonly Attempt[], readonly Attempt[]]> = {
  // The control: the same class twice.
  'same / same': [attempts(genuine, texts(unknown)), attempts(genuine, texts(unknown))],
  'unknown id / wrong secret': [
    attempts(genuine, texts(unknown)),
    attempts(wrongLast, texts(known)),
  ],
  'secret wrong at its first / last byte': [
    attempts(wrongFirst, texts(known)),
    attempts(wrongLast, texts(known)),
  ],
  'checksum wrong at its first / last byte': [
    attempts(
      genuine,
      texts(known).map((text) => withBadChecksum(text, 0)),
    ),
    attempts(
      genuine,
      texts(known).map((text) => withBadChecksum(text, 7)),
    ),
  ],
  // By design (ARCHITECTURE.md, decision 2): a checksum that is wrong costs no read.
  'wrong checksum / unknown id': [
    attempts(
      genuine,
      texts(unknown).map((text) => withBadChecksum(text, 7)),
    ),
    attempts(genuine, texts(unknown)),
  ],
};

async function measure(pair: readonly [readonly Attempt[], readonly Attempt[]]) {
  const times: [number[], number[]] = [[], []];
  for (let i = 0; i < samples * 2; i++) {
    const side = Math.random() < 0.5 ? 0 : 1;
    const attempt = pair[side][Math.floor(Math.random() * KEYS)];
    const startedAt = process.hrtime.bigint();
    const result = await attempt?.();
    const took = Number(process.hrtime.bigint() - startedAt);
    if (result?.ok !== false) throw new Error('It should have been refused.');
    if (i > samples / 10) times[side].push(took); // The first tenth warms up.
  }
  return times;
}

/** Welch's t of two samples, cropped at the same bound. */
function welch([one, other]: readonly [readonly number[], readonly number[]]) {
  const all = [...one, ...other].sort((a, b) => a - b);
  const bound = all[Math.floor(all.length * KEPT)] ?? Number.POSITIVE_INFINITY;
  const [a, b] = [one, other].map((times) => moments(times.filter((time) => time <= bound)));
  if (a === undefined || b === undefined) throw new Error('There are two sides.');
  const t = (a.mean - b.mean) / Math.sqrt(a.variance / a.count + b.variance / b.count);
  return { t, difference: a.mean - b.mean, mean: b.mean };
}

function moments(times: readonly number[]) {
  const count = times.length;
  const mean = times.reduce((sum, time) => sum + time, 0) / count;
  const variance = times.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (count - 1);
  return { count, mean, variance };
}

for (const [name, pair] of Object.entries(PAIRS)) {
  const { t, difference, mean } = welch(await measure(pair));
  const verdict = Math.abs(t) < T_MAX ? 'alike' : 'told apart';
  const figures = `t ${t.toFixed(1)}, ${difference.toFixed(0)} ns of ${(mean / 1000).toFixed(1)} µs`;
  console.log(`${name.padEnd(42)} ${figures}: ${verdict}`);
}
