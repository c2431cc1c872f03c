/**
 * Feeds mutated inputs to everything that reads a macaroon before it is verified. `npm run fuzz` runs a
 * million of them from a new seed and prints it; a test runs fewer. Whatever comes in, what comes out is a
 * value or a refusal of the catalogue, soon, and nothing is kept.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { encodeBase64url } from '@cardea/shared/bytes/base64url';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { parseMacaroonJson } from '@cardea/shared/macaroon/codec-json';
import { parseMacaroonV1 } from '@cardea/shared/macaroon/codec-v1';
import { encodeMacaroon, parseMacaroon } from '@cardea/shared/macaroon/codec-v2';
import { formatCaveat } from '@cardea/shared/macaroon/format-caveat';
import { readUnverifiedGrant } from '@cardea/shared/macaroon/grant';
import { parseIdentifier } from '@cardea/shared/macaroon/identifier';
import { parseCaveat } from '@cardea/shared/macaroon/parse-caveat';
import { readMacaroonToken, writeMacaroonToken } from '@cardea/shared/macaroon/token-text';
import { verifyMacaroonToken } from '@cardea/shared/macaroon/verify-token';
import { REFUSALS } from '@cardea/shared/refusals';
import type { Result } from '@cardea/shared/result';
import { createRandom, type Random } from '../simulation/random.ts';
import { KEY, NOW, POLICY, randomCaveat, randomToken } from './macaroon-model.ts';
import { makeOurs, randomPlan } from './macaroon-plan.ts';

export interface FuzzTally {
  readonly inputs: number;
  /** Inputs that some reader took. */
  readonly accepted: number;
  readonly reasons: Readonly<Record<string, number>>;
  /** The most that one input took when it was asked again: milliseconds of the processor. */
  readonly slowestMilliseconds: number;
  /** What the heap grew by from the first thousand inputs to the end, bytes. */
  readonly heapGrowthBytes: number;
}

type Bytes = Uint8Array<ArrayBuffer>;

const OPTIONS = { keys: new Map([[KEY.kid, KEY]]), policy: POLICY, nowSeconds: NOW };

/** Genuine inputs of every form, to be mutated. */
function makeCorpus(random: Random): readonly [Bytes, ...Bytes[]] {
  const corpus: Bytes[] = [];
  for (let i = 0; i < 40; i++) {
    const { macaroon, discharges } = makeOurs(randomPlan(random), random);
    const text = writeMacaroonToken({ macaroon, discharges });
    corpus.push(encodeMacaroon(macaroon), encodeUtf8(randomCaveat(random).text));
    corpus.push(encodeUtf8(randomToken(random, 4).text));
    if (text.ok) corpus.push(encodeUtf8(text.value));
  }
  corpus.push(
    encodeUtf8('{"v":2,"l":"x","i":"id","c":[{"i":"a"},{"i64":"_w","v64":"_w"}],"s64":"'),
  );
  corpus.push(encodeUtf8('0014location x\n0011identifier id\n0008cid a\n002fsignature '));
  corpus.push(encodeUtf8(`{"jti":"3f8e5d0a-8c51-4b7e-9d12-6a0f4c2b7e91","kid":"mk-1"}`));
  return [new Uint8Array(), ...corpus];
}

const VALUES = [0, 1, 2, 4, 6, 0x0a, 0x20, 0x22, 0x2e, 0x7f, 0x80, 0xff] as const;

function mutate(corpus: readonly [Bytes, ...Bytes[]], random: Random): Bytes {
  let bytes = [...random.pick(corpus)];
  for (let edits = random.integer(0, 6); edits > 0; edits--) {
    const at = random.integer(0, bytes.length);
    const length = random.integer(0, Math.min(64, bytes.length - at));
    switch (random.integer(0, 7)) {
      case 0:
        bytes[at] = random.pick(VALUES);
        break;
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.integer(0, 7));
        break;
      case 2:
        bytes.splice(at, length);
        break;
      case 3:
        bytes.splice(at, 0, ...bytes.slice(at, at + length));
        break;
      case 4:
        bytes.splice(at, 0, ...Array.from({ length }, () => random.integer(0, 255)));
        break;
      case 5: {
        const other = [...random.pick(corpus)];
        bytes = [...bytes.slice(0, at), ...other.slice(random.integer(0, other.length))];
        break;
      }
      case 6:
        bytes.splice(
          at,
          0,
          ...new Array<number>(random.pick([1, 70, 2000, 9000])).fill(random.pick(VALUES)),
        );
        break;
      default:
        bytes = bytes.slice(0, at);
    }
  }
  return Uint8Array.from(bytes);
}

interface Outcome {
  readonly isAccepted: boolean;
  readonly reasons: readonly string[];
}

/** Asks every reader. Throws if one does, or if what was read is not what was written. */
export function readEverywhere(bytes: Bytes): Outcome {
  const text = new TextDecoder('latin1').decode(bytes);
  const token = text.startsWith('mc_v1_') ? text : `mc_v1_${encodeBase64url(bytes)}`;
  const binary = parseMacaroon(bytes);
  if (binary.ok) assertSame(encodeMacaroon(binary.value), bytes);
  const read = readMacaroonToken(token);
  if (read.ok) {
    const again = writeMacaroonToken(read.value);
    if (!again.ok || again.value !== token) throw new Error('Another text says the same.');
  }
  const caveat = parseCaveat(bytes);
  if (caveat.kind !== 'unknown') assertSame(encodeUtf8(formatCaveat(caveat)), bytes);
  const results: ReadonlyArray<Result<unknown>> = [
    ...[binary, read, parseMacaroonV1(bytes), parseMacaroonJson(text), parseIdentifier(bytes)],
    ...(read.ok ? [readUnverifiedGrant(read.value.macaroon)] : []),
    verifyMacaroonToken(token, OPTIONS),
  ];
  const reasons = results.flatMap((result) => (result.ok ? [] : [result.refusal.reason]));
  for (const reason of reasons) {
    if (!Object.hasOwn(REFUSALS, reason)) throw new Error(`${reason} is in no catalogue.`);
  }
  return { isAccepted: caveat.kind !== 'unknown' || reasons.length < results.length, reasons };
}

function assertSame(written: Bytes, bytes: Bytes): void {
  const isSame = written.length === bytes.length && written.every((byte, i) => byte === bytes[i]);
  if (!isSame) throw new Error('What is read is written in another form.');
}

/** An input that takes longer is asked again: what a busy machine does happens once. */
const SUSPICIOUS_MILLISECONDS = 5;

function quickestOf(bytes: Bytes, tries: number): number {
  let quickest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < tries; i++) {
    const before = process.cpuUsage();
    readEverywhere(bytes);
    const { user, system } = process.cpuUsage(before);
    quickest = Math.min(quickest, (user + system) / 1000);
  }
  return quickest;
}

/** Throws what a reader threw, with the seed and the input in base64url. */
export function fuzzMacaroons({ seed, inputs }: { seed: number; inputs: number }): FuzzTally {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heap = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const random = createRandom(seed);
  const corpus = makeCorpus(random);
  const reasons: Record<string, number> = {};
  let [accepted, slowestMilliseconds, heapAtStart] = [0, 0, 0];
  for (let i = 0; i < inputs; i++) {
    if (i === 1000) heapAtStart = heap();
    const bytes = mutate(corpus, random);
    const startedAt = performance.now();
    let outcome: Outcome;
    try {
      outcome = readEverywhere(bytes);
    } catch (cause) {
      throw new Error(`seed ${seed}, input ${i}: ${encodeBase64url(bytes)}`, { cause });
    }
    if (performance.now() - startedAt > SUSPICIOUS_MILLISECONDS) {
      slowestMilliseconds = Math.max(slowestMilliseconds, quickestOf(bytes, 5));
    }
    if (outcome.isAccepted) accepted++;
    for (const reason of outcome.reasons) reasons[reason] = (reasons[reason] ?? 0) + 1;
  }
  const heapGrowthBytes = heap() - heapAtStart;
  return { inputs, accepted, reasons, slowestMilliseconds, heapGrowthBytes };
}

if (import.meta.main) {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 32));
  const startedAt = performance.now();
  const tally = fuzzMacaroons({ seed, inputs: Number(process.env.INPUTS ?? 1_000_000) });
  console.log(
    JSON.stringify(
      { seed, seconds: (performance.now() - startedAt) / 1000, ...tally },
      undefined,
      1,
    ),
  );
}
