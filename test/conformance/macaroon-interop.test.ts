/**
 * Guarantee: what other implementations make, Cardea verifies, and the reverse: signatures, sealed keys,
 * bindings and forms are the same, on random macaroons with nested discharges.
 */

import { encodeBase64url } from '@cardea/shared/bytes/base64url';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { encodeMacaroonJson, parseMacaroonJson } from '@cardea/shared/macaroon/codec-json';
import { encodeMacaroon, parseMacaroon } from '@cardea/shared/macaroon/codec-v2';
import { isThirdParty, type Macaroon } from '@cardea/shared/macaroon/macaroon';
import { importMacaroon, type JsMacaroon, newMacaroon } from 'macaroon';
import {
  type JMacaroon,
  MacaroonsBuilder,
  MacaroonsVerifier,
  Macaroon as TheirMacaroon,
} from 'macaroons.js';
import CaveatPacket from 'macaroons.js/lib/CaveatPacket.js';
import CaveatPacketType from 'macaroons.js/lib/CaveatPacketType.js';
import { describe, expect, test, vi } from 'vitest';
import { createRandom } from '../simulation/random.ts';
import { verifyMacaroon } from './adapter.mjs';
import {
  conditionsOf,
  dischargesOf,
  type MacaroonPlan,
  type MadeMacaroon,
  makeOurs,
  randomPlan,
} from './macaroon-plan.ts';

// Many cases a test: on a busy machine they take longer than vitest waits for one.
vi.setConfig({ testTimeout: 60_000 });

const CASES = 200;

function makeWithNpmMacaroon(plan: MacaroonPlan): MadeMacaroon<JsMacaroon> {
  const one = ({ identifier, location, rootKey, caveats }: MacaroonPlan) => {
    const made = newMacaroon({ version: 2, identifier, location, rootKey: encodeUtf8(rootKey) });
    for (const each of caveats) {
      if (typeof each === 'string') made.addFirstPartyCaveat(each);
      else made.addThirdPartyCaveat(encodeUtf8(each.rootKey), each.identifier, each.location);
    }
    return made;
  };
  const macaroon = one(plan);
  const discharges = dischargesOf(plan).map(one);
  for (const each of discharges) each.bindToRoot(macaroon.signature);
  return { macaroon, discharges };
}

function makeWithMacaroonsJs(plan: MacaroonPlan): MadeMacaroon<JMacaroon> {
  const one = ({ identifier, location, rootKey, caveats }: MacaroonPlan) => {
    const builder = new MacaroonsBuilder(location, rootKey, identifier);
    for (const each of caveats) {
      if (typeof each === 'string') builder.add_first_party_caveat(each);
      else builder.add_third_party_caveat(each.location, each.rootKey, each.identifier);
    }
    return builder.getMacaroon();
  };
  const macaroon = one(plan);
  const discharges = dischargesOf(plan).map((each) =>
    new MacaroonsBuilder(macaroon).prepare_for_request(one(each)).getMacaroon(),
  );
  return { macaroon, discharges };
}

/**
 * As made, but for what macaroons.js itself refuses: it lets another thread fill the buffer with random
 * bytes that it has just copied a caveat's key to, and now and then that thread comes late.
 */
function makeSoundWithMacaroonsJs({ plan, conditions }: Case): MadeMacaroon<JMacaroon> {
  for (let tries = 0; tries < 100; tries++) {
    const made = makeWithMacaroonsJs(plan);
    if (macaroonsJsVerifies(plan, made, conditions)) return made;
  }
  throw new Error('macaroons.js verifies nothing of what it makes.');
}

/** The packets of version 1, which is all that macaroons.js reads and Cardea does not write. */
function forMacaroonsJs({ location = '', identifier, caveats, signature }: Macaroon): JMacaroon {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
  const packets = caveats.flatMap((caveat) => [
    new CaveatPacket(CaveatPacketType.cid, text(caveat.identifier)),
    ...(isThirdParty(caveat)
      ? [
          new CaveatPacket(CaveatPacketType.vid, Buffer.from(caveat.sealedKey)),
          new CaveatPacket(CaveatPacketType.cl, caveat.location ?? ''),
        ]
      : []),
  ]);
  return new TheirMacaroon(location, text(identifier), Buffer.from(signature), packets);
}

function npmMacaroonVerifies(
  plan: MacaroonPlan,
  { macaroon, discharges }: MadeMacaroon<JsMacaroon>,
  conditions: readonly string[],
): boolean {
  const check = (condition: string) => (conditions.includes(condition) ? null : 'not satisfied');
  try {
    macaroon.verify(encodeUtf8(plan.rootKey), check, discharges);
    return true;
  } catch {
    return false;
  }
}

function macaroonsJsVerifies(
  plan: MacaroonPlan,
  { macaroon, discharges }: MadeMacaroon<JMacaroon>,
  conditions: readonly string[],
): boolean {
  const verifier = new MacaroonsVerifier(macaroon);
  for (const each of conditions) verifier.satisfyExact(each);
  for (const each of discharges) verifier.satisfy3rdParty(each);
  try {
    return verifier.isValid(plan.rootKey);
  } catch {
    return false; // It throws where a discharge of a discharge is not good.
  }
}

async function cardeaVerifies(
  plan: MacaroonPlan,
  made: MadeMacaroon<unknown>,
  satisfied: readonly string[],
): Promise<boolean> {
  return (await verifyMacaroon({ ...made, rootKey: plan.rootKey, satisfied })).ok;
}

interface Case {
  readonly seed: number;
  readonly plan: MacaroonPlan;
  readonly conditions: readonly string[];
  /** One condition less than there must be; `undefined` where there is none. */
  readonly lacking: readonly string[] | undefined;
}

const cases: readonly Case[] = Array.from({ length: CASES }, (_, seed) => {
  const plan = randomPlan(createRandom(seed));
  const conditions = conditionsOf(plan);
  const dropped = conditions[0];
  const lacking =
    dropped === undefined ? undefined : conditions.filter((condition) => condition !== dropped);
  return { seed, plan, conditions, lacking };
});

test('the cases have what they are there for', () => {
  const nested = cases.filter(({ plan }) =>
    dischargesOf(plan).some((d) => dischargesOf(d).length > 0),
  );
  const plain = cases.filter(({ plan }) => dischargesOf(plan).length === 0);
  expect([nested.length > 20, plain.length > 20]).toEqual([true, true]);
  expect(cases.filter(({ lacking }) => lacking !== undefined).length).toBeGreaterThan(100);
});

describe('npm macaroon', () => {
  test('made there, verified here', async () => {
    for (const { seed, plan, conditions, lacking } of cases) {
      const { macaroon, discharges } = makeWithNpmMacaroon(plan);
      const made = {
        macaroon: macaroon.exportJSON(),
        discharges: discharges.map((d) => d.exportJSON()),
      };
      expect([seed, await cardeaVerifies(plan, made, conditions)]).toEqual([seed, true]);
      const other = { ...plan, rootKey: `${plan.rootKey}x` };
      expect([seed, await cardeaVerifies(other, made, conditions)]).toEqual([seed, false]);
      if (lacking) expect([seed, await cardeaVerifies(plan, made, lacking)]).toEqual([seed, false]);
    }
  });

  test('made here, verified there, in binary and in JSON', () => {
    for (const { seed, plan, conditions, lacking } of cases) {
      const { macaroon, discharges } = makeOurs(plan, createRandom(seed));
      const binary = {
        macaroon: importMacaroon(encodeBase64url(encodeMacaroon(macaroon))),
        discharges: discharges.map((d) => importMacaroon(encodeBase64url(encodeMacaroon(d)))),
      };
      const json = {
        macaroon: importMacaroon(JSON.parse(encodeMacaroonJson(macaroon))),
        discharges: discharges.map((d) => importMacaroon(JSON.parse(encodeMacaroonJson(d)))),
      };
      for (const made of [binary, json]) {
        expect([seed, npmMacaroonVerifies(plan, made, conditions)]).toEqual([seed, true]);
        if (lacking) {
          expect([seed, npmMacaroonVerifies(plan, made, lacking)]).toEqual([seed, false]);
        }
      }
    }
  });

  test('what it exports and imports, Cardea reads and writes, field by field', () => {
    for (const { plan } of cases) {
      const { macaroon, discharges } = makeWithNpmMacaroon(plan);
      for (const each of [macaroon, ...discharges]) {
        const read = parseMacaroonJson(JSON.stringify(each.exportJSON()));
        if (!read.ok) throw new Error(read.refusal.reason);
        const bytes = encodeMacaroon(read.value);
        expect(parseMacaroon(bytes)).toEqual(read);
        expect(importMacaroon(encodeBase64url(bytes)).exportJSON()).toEqual(each.exportJSON());
      }
    }
  });
});

describe('macaroons.js', () => {
  test('made there, verified here, in version 1', async () => {
    for (const each of cases) {
      const { seed, plan, conditions, lacking } = each;
      const { macaroon, discharges } = makeSoundWithMacaroonsJs(each);
      const made = {
        macaroon: macaroon.serialize(),
        discharges: discharges.map((d) => d.serialize()),
      };
      expect([seed, await cardeaVerifies(plan, made, conditions)]).toEqual([seed, true]);
      if (lacking) expect([seed, await cardeaVerifies(plan, made, lacking)]).toEqual([seed, false]);
    }
  });

  test('made here, verified there', () => {
    for (const { seed, plan, conditions, lacking } of cases) {
      const { macaroon, discharges } = makeOurs(plan, createRandom(seed));
      const made = {
        macaroon: forMacaroonsJs(macaroon),
        discharges: discharges.map(forMacaroonsJs),
      };
      expect([seed, macaroonsJsVerifies(plan, made, conditions)]).toEqual([seed, true]);
      if (lacking) expect([seed, macaroonsJsVerifies(plan, made, lacking)]).toEqual([seed, false]);
    }
  });
});
