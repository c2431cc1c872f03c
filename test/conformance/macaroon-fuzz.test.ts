/** Guarantee: whatever is sent as a macaroon is answered by a value or a refusal, soon, and not kept. */

import { expect, test } from 'vitest';
import { fuzzMacaroons } from './macaroon-fuzz.ts';

const INPUTS = 8000;
const MEBIBYTE = 2 ** 20;

test(`${INPUTS} mutated inputs: nothing thrown, nothing slow, nothing kept`, () => {
  const tally = fuzzMacaroons({ seed: 7, inputs: INPUTS });
  expect(tally.slowestMilliseconds).toBeLessThan(50);
  expect(tally.heapGrowthBytes).toBeLessThan(16 * MEBIBYTE);
  // Positive controls: some inputs are taken, and the mutations reach every refusal about form.
  expect(tally.accepted).toBeGreaterThan(INPUTS / 50);
  for (const reason of [
    'macaroon_malformed',
    'token_too_large',
    'signature_invalid',
    'claims_malformed',
  ]) {
    expect([reason, (tally.reasons[reason] ?? 0) > 0]).toEqual([reason, true]);
  }
}, 120_000);
