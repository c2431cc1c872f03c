/** A random macaroon and the discharges that it asks for, as a plan that each library can carry out. */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { addThirdPartyCaveat, append, bindDischarge } from '@cardea/shared/macaroon/attenuate';
import type { Macaroon } from '@cardea/shared/macaroon/macaroon';
import { mintMacaroon } from '@cardea/shared/macaroon/mint';
import type { Random } from '../simulation/random.ts';

export interface MacaroonPlan {
  readonly rootKey: string;
  readonly identifier: string;
  readonly location: string;
  /** First-party caveats as texts, third-party caveats as the plans of their discharges. */
  readonly caveats: ReadonlyArray<string | MacaroonPlan>;
}

export interface MadeMacaroon<M> {
  readonly macaroon: M;
  /** Bound to `macaroon`, each after the one that asks for it. */
  readonly discharges: readonly M[];
}

const WORDS = [
  'account = 3735928559',
  'user = alice',
  'time < 2030-01-01T00:00',
  'ünïcödé 🚪',
] as const;

/** Identifiers are different everywhere in a plan: so are the discharges that answer them. */
export function randomPlan(random: Random, depthMax = 2): MacaroonPlan {
  let count = 0;
  const name = (what: string) => `${what} ${count++} ${random.integer(0, 1e9).toString(36)}`;
  const make = (depth: number): MacaroonPlan => ({
    rootKey: name('key'),
    identifier: name('id'),
    location: `https://${random.integer(0, 9)}.example/`,
    caveats: Array.from({ length: random.integer(0, depth === 0 ? 6 : 2) }, () =>
      depth < depthMax && random.chance(0.3)
        ? make(depth + 1)
        : `${random.pick(WORDS)} ${'x'.repeat(random.pick([0, 1, 62, 63, 64, 130]))}.`,
    ),
  });
  return make(0);
}

/** Every first-party caveat of a plan and of its discharges. */
export function conditionsOf({ caveats }: MacaroonPlan): string[] {
  return caveats.flatMap((caveat) =>
    typeof caveat === 'string' ? [caveat] : conditionsOf(caveat),
  );
}

/** The plans of all discharges, nested ones after those that ask for them. */
export function dischargesOf({ caveats }: MacaroonPlan): MacaroonPlan[] {
  return caveats.flatMap((caveat) =>
    typeof caveat === 'string' ? [] : [caveat, ...dischargesOf(caveat)],
  );
}

/** Carried out by Cardea. */
export function makeOurs(plan: MacaroonPlan, random: Random): MadeMacaroon<Macaroon> {
  const one = (each: MacaroonPlan): Macaroon => {
    const { location, identifier } = each;
    const rootKey = encodeUtf8(each.rootKey);
    let macaroon = mintMacaroon({ rootKey, location, identifier, firstPartyCaveats: [] });
    for (const caveat of each.caveats) {
      const next =
        typeof caveat === 'string'
          ? append(macaroon, [{ identifier: encodeUtf8(caveat) }])
          : addThirdPartyCaveat(macaroon, {
              location: caveat.location,
              identifier: encodeUtf8(caveat.identifier),
              caveatKey: encodeUtf8(caveat.rootKey),
              nonce: Uint8Array.from({ length: 24 }, () => random.integer(0, 255)),
            });
      if (!next.ok) throw new Error(next.refusal.reason);
      macaroon = next.value;
    }
    return macaroon;
  };
  const macaroon = one(plan);
  const discharges = dischargesOf(plan).map((each) => bindDischarge(macaroon, one(each)));
  return { macaroon, discharges };
}
