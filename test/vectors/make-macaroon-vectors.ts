/**
 * Our own vectors for macaroons, all from one seed: `node test/vectors/make-macaroon-vectors.ts` prints the
 * file beside it. What is expected follows from how a case is made, never from asking the verifier; a
 * test asks npm's `macaroon` too. Cases are only ever added, behind those that there are.
 */

import { encodeBase64url } from '@cardea/shared/bytes/base64url';
import { concatBytes } from '@cardea/shared/bytes/framing';
import { encodeHex } from '@cardea/shared/bytes/hex';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { append, bindDischarge } from '@cardea/shared/macaroon/attenuate';
import { encodeMacaroon } from '@cardea/shared/macaroon/codec-v2';
import type { Macaroon } from '@cardea/shared/macaroon/macaroon';
import {
  conditionsOf,
  dischargesOf,
  type MacaroonPlan,
  type MadeMacaroon,
  makeOurs,
  randomPlan,
} from '../conformance/macaroon-plan.ts';
import { createRandom } from '../simulation/random.ts';

const SEED = 20_261_128;
const PLANS = 9;

export interface VerifyVector {
  readonly id: string;
  readonly root_key: string;
  readonly macaroon: string;
  readonly discharges: readonly string[];
  readonly satisfied: readonly string[];
  readonly expect: 'authorized' | 'unauthorized';
}
export interface ParseVector {
  readonly id: string;
  readonly v2: string;
  readonly expect: 'parses' | 'rejected';
}
export interface SignatureVector {
  readonly id: string;
  readonly root_key: string;
  readonly identifier: string;
  readonly caveats: readonly string[];
  readonly signature_hex: string;
  readonly v2: string;
}
export interface MacaroonVectors {
  readonly verify: readonly VerifyVector[];
  readonly parse: readonly ParseVector[];
  readonly signature: readonly SignatureVector[];
}

const textOf = (macaroon: Macaroon) => encodeBase64url(encodeMacaroon(macaroon));

function extended(macaroon: Macaroon, condition: string): Macaroon {
  const longer = append(macaroon, [{ identifier: encodeUtf8(condition) }]);
  if (!longer.ok) throw new Error(longer.refusal.reason);
  return longer.value;
}

/** One plan, well made and then wrong in one way after the other. */
function verifyVectorsOf(
  plan: MacaroonPlan,
  made: MadeMacaroon<Macaroon>,
): Omit<VerifyVector, 'id'>[] {
  const { macaroon, discharges } = made;
  const satisfied = conditionsOf(plan);
  const vector = (changes: Partial<MadeMacaroon<Macaroon>>, more: Partial<VerifyVector> = {}) => {
    const all = { ...made, ...changes };
    return {
      root_key: plan.rootKey,
      macaroon: textOf(all.macaroon),
      discharges: all.discharges.map(textOf),
      satisfied,
      expect: 'unauthorized' as const,
      ...more,
    };
  };
  const { caveats } = macaroon;
  const narrowed = extended(macaroon, 'one more');
  const [first, second] = [caveats[0], caveats[1]];
  return [
    vector({}, { expect: 'authorized' }),
    vector({}, { root_key: `${plan.rootKey} ` }),
    vector({ macaroon: { ...macaroon, location: 'elsewhere' } }, { expect: 'authorized' }),
    vector({ macaroon: { ...macaroon, identifier: encodeUtf8('other') } }),
    vector({ macaroon: { ...macaroon, signature: new Uint8Array(32) } }),
    vector({ macaroon: { ...narrowed, caveats } }, { satisfied: [...satisfied, 'one more'] }),
    ...(first === undefined
      ? []
      : [vector({ macaroon: { ...macaroon, caveats: caveats.slice(1) } })]),
    ...(first === undefined || second === undefined
      ? []
      : [vector({ macaroon: { ...macaroon, caveats: [second, first, ...caveats.slice(2)] } })]),
    ...(satisfied.length === 0
      ? []
      : [vector({}, { satisfied: satisfied.slice(1).filter((each) => each !== satisfied[0]) })]),
    ...(discharges.length === 0
      ? [
          vector(
            { macaroon: narrowed },
            { satisfied: [...satisfied, 'one more'], expect: 'authorized' },
          ),
          vector({ macaroon: narrowed }),
          vector({ discharges: [bindDischarge(macaroon, macaroon)] }),
        ]
      : [
          vector({ discharges: [...discharges].reverse() }, { expect: 'authorized' }),
          vector({ discharges: discharges.slice(1) }),
          vector({ discharges: [...discharges, ...discharges.slice(0, 1)] }),
          vector({ discharges: discharges.map((each) => bindDischarge(macaroon, each)) }),
          vector({ macaroon: narrowed }, { satisfied: [...satisfied, 'one more'] }),
        ]),
  ];
}

/** What a lenient reader takes for the same macaroon, and what is none. */
function parseVectorsOf(bytes: Uint8Array, cutAt: number): Omit<ParseVector, 'id'>[] {
  const rejected = (v2: Uint8Array) => ({ v2: encodeBase64url(v2), expect: 'rejected' as const });
  const signatureAt = bytes.length - 34;
  const [before, signature] = [bytes.subarray(0, signatureAt), bytes.subarray(signatureAt + 2)];
  const headEnd = 3 + (bytes[2] ?? 0);
  return [
    { v2: encodeBase64url(bytes), expect: 'parses' },
    rejected(bytes.subarray(0, cutAt)),
    rejected(concatBytes(bytes, Uint8Array.of(0))),
    rejected(concatBytes(bytes, bytes)),
    rejected(concatBytes(Uint8Array.of(1), bytes.subarray(1))),
    rejected(concatBytes(before, Uint8Array.of(6, 31), signature.subarray(1))),
    rejected(concatBytes(before, Uint8Array.of(6, 33), signature, Uint8Array.of(0))),
    rejected(concatBytes(before, Uint8Array.of(6, 0xa0, 0), signature)),
    rejected(concatBytes(bytes.subarray(0, headEnd), bytes.subarray(1))), // The location twice.
    rejected(concatBytes(before, signature)),
    rejected(concatBytes(before, Uint8Array.of(7, 32), signature)),
  ];
}

export function makeMacaroonVectors(): MacaroonVectors {
  const random = createRandom(SEED);
  const vectors = { verify: [], parse: [], signature: [] } as {
    [Kind in keyof MacaroonVectors]: Array<MacaroonVectors[Kind][number]>;
  };
  for (let i = 0; i < PLANS; i++) {
    const plan = randomPlan(random, i % 3);
    const made = makeOurs(plan, random);
    for (const each of verifyVectorsOf(plan, made)) {
      vectors.verify.push({ id: `verify-${vectors.verify.length + 1}`, ...each });
    }
    const bytes = encodeMacaroon(made.macaroon);
    for (const each of parseVectorsOf(bytes, random.integer(0, bytes.length - 1))) {
      vectors.parse.push({ id: `parse-${vectors.parse.length + 1}`, ...each });
    }
    if (dischargesOf(plan).length > 0) continue;
    vectors.signature.push({
      ...{ id: `signature-${vectors.signature.length + 1}`, root_key: plan.rootKey },
      ...{ identifier: plan.identifier, caveats: conditionsOf(plan) },
      ...{ signature_hex: encodeHex(made.macaroon.signature), v2: encodeBase64url(bytes) },
    });
  }
  return vectors;
}

if (import.meta.main) console.log(JSON.stringify(makeMacaroonVectors(), undefined, 1));
