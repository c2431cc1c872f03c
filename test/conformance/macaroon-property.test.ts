/**
 * Guarantee: a caveat only takes away. Over random chains and requests, a token is accepted exactly if its
 * grant and every caveat allow the request, whatever was added by whom; and nothing that was altered,
 * left out or moved before the end verifies. Seeded: a failure names its case.
 */

import { decodeBase64url, encodeBase64url } from '@cardea/shared/bytes/base64url';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { addThirdPartyCaveat, append, bindDischarge } from '@cardea/shared/macaroon/attenuate';
import type { ParsedCaveat } from '@cardea/shared/macaroon/caveat';
import { clearCaveats, type RequestFacts } from '@cardea/shared/macaroon/clear';
import { encodeMacaroon } from '@cardea/shared/macaroon/codec-v2';
import type { Caveat, Macaroon } from '@cardea/shared/macaroon/macaroon';
import { mintMacaroon } from '@cardea/shared/macaroon/mint';
import { readMacaroonToken, writeMacaroonToken } from '@cardea/shared/macaroon/token-text';
import { verifyMacaroonToken } from '@cardea/shared/macaroon/verify-token';
import { expect, test } from 'vitest';
import { createRandom, type Random } from '../simulation/random.ts';
import {
  KEY,
  type ModelToken,
  NOW,
  POLICY,
  randomCaveat,
  randomRequest,
  randomToken,
} from './macaroon-model.ts';

const CHAINS = 10_000;
const REQUESTS_A_CHAIN = 11;
const ALTERATIONS = 40_000;
const SECONDS_MAX = 300;

const keys = new Map([[KEY.kid, KEY]]);

function verified(text: string) {
  return verifyMacaroonToken(text, { keys, policy: POLICY, nowSeconds: NOW });
}

type Clear = typeof clearCaveats;
interface Decision {
  readonly isAccepted: boolean;
  readonly scopes: readonly string[];
}
const REFUSED: Decision = { isAccepted: false, scopes: [] };

/** As the edge decides: the chain once, the caveats for every request. */
function decider(text: string, clear: Clear): (request: RequestFacts) => Decision {
  const token = verified(text);
  if (!token.ok) return () => REFUSED;
  const { claims, caveats } = token.value;
  return (request) => {
    const cleared = clear(caveats, { ...request, grantedScopes: claims.scopes });
    return cleared.ok ? { isAccepted: true, scopes: cleared.value.scopes } : REFUSED;
  };
}

/** What the token may do, by the second opinion. */
function expectedOf({ scopes, caveats }: ModelToken, request: RequestFacts): Decision {
  const isGranted = request.requiredScopes.every((scope) => scopes.includes(scope));
  if (!isGranted || !caveats.every(({ allows }) => allows(request))) return REFUSED;
  const left = scopes.filter((scope) =>
    caveats.every((caveat) => caveat.scopes === undefined || caveat.scopes.includes(scope)),
  );
  return { isAccepted: true, scopes: left };
}

/** The token after its holder added a caveat, in whatever words. */
function narrow(token: ModelToken, random: Random): ModelToken {
  const added = randomCaveat(random);
  const read = readMacaroonToken(token.text);
  if (!read.ok) throw new Error(read.refusal.reason);
  const longer = append(read.value.macaroon, [{ identifier: encodeUtf8(added.text) }]);
  const text = longer.ok ? writeMacaroonToken({ macaroon: longer.value, discharges: [] }) : longer;
  if (!text.ok) throw new Error(text.refusal.reason);
  return { ...token, text: text.value, caveats: [...token.caveats, added] };
}

interface Discharged {
  readonly token: ModelToken;
  readonly macaroon: Macaroon;
  readonly discharge: Macaroon;
}

/** The token after its holder demanded a discharge, with that: its caveats count like the token's own. */
function demand(token: ModelToken, random: Random): Discharged {
  const read = readMacaroonToken(token.text);
  if (!read.ok) throw new Error(read.refusal.reason);
  const fill = (length: number) => Uint8Array.from({ length }, () => random.integer(0, 255));
  const caveat = { identifier: encodeUtf8('ask'), location: 'https://d.example' };
  const caveatKey = fill(32);
  const asked = { ...caveat, caveatKey, nonce: fill(24) };
  const longer = addThirdPartyCaveat(read.value.macaroon, asked);
  if (!longer.ok) throw new Error(longer.refusal.reason);
  const added = Array.from({ length: random.integer(0, 2) }, () => randomCaveat(random));
  const minted = mintMacaroon({
    ...{ rootKey: caveatKey, identifier: caveat.identifier },
    firstPartyCaveats: added.map(({ text }) => text),
  });
  const discharge = bindDischarge(longer.value, minted);
  const text = writeMacaroonToken({ macaroon: longer.value, discharges: [discharge] });
  if (!text.ok) throw new Error(text.refusal.reason);
  const discharged = { ...token, text: text.value, caveats: [...token.caveats, ...added] };
  return { token: discharged, macaroon: longer.value, discharge };
}

/** The text without the discharge at its end. */
const withoutDischarge = (text: string) => text.slice(0, text.lastIndexOf('.'));

interface Finding {
  readonly case: string;
  readonly what: string;
}
interface Tally {
  readonly cases: number;
  readonly accepted: number;
  readonly cutOff: number;
  readonly discharged: number;
  readonly finding?: Finding;
}

/** Looks for a request that a caveat lets in, or that the model and the code decide differently. */
function hunt(seed: number, clear: Clear, chains = CHAINS): Tally {
  const tally = { cases: 0, accepted: 0, cutOff: 0, discharged: 0 };
  for (let chain = 0; chain < chains; chain++) {
    const random = createRandom(seed + chain);
    const token = randomToken(random, 4);
    const isDemanding = random.chance(0.4);
    const added = narrow(token, random);
    const narrowed = isDemanding ? demand(added, random).token : added;
    if (isDemanding && verified(withoutDischarge(narrowed.text)).ok) {
      return { ...tally, finding: { case: `${seed + chain}`, what: 'no discharge is missed' } };
    }
    const [decide, decideNarrowed] = [decider(token.text, clear), decider(narrowed.text, clear)];
    for (let i = 0; i < REQUESTS_A_CHAIN; i++) {
      const request = randomRequest(random);
      const [wide, now] = [decide(request), decideNarrowed(request)];
      const found = (what: string) => ({
        ...tally,
        finding: { case: `${seed + chain}/${i}`, what },
      });
      if (now.isAccepted && !wide.isAccepted) return found('a caveat turned a no into a yes');
      if (!now.scopes.every((scope) => wide.scopes.includes(scope))) return found('a scope more');
      for (const [decision, of] of [
        [wide, token],
        [now, narrowed],
      ] as const) {
        const expected = expectedOf(of, request);
        if (decision.isAccepted !== expected.isAccepted) return found('the model says otherwise');
        if (decision.scopes.join() !== expected.scopes.join())
          return found('other scopes are left');
      }
      tally.cases++;
      if (now.isAccepted) tally.accepted++;
      if (now.isAccepted && isDemanding) tally.discharged++;
      if (wide.isAccepted && !now.isAccepted) tally.cutOff++;
    }
  }
  return tally;
}

test(
  `over ${CHAINS * REQUESTS_A_CHAIN} cases no caveat adds authority and none is passed over`,
  () => {
    const tally = hunt(1_000_000, clearCaveats);
    expect(tally).not.toHaveProperty('finding');
    expect(tally.cases).toBeGreaterThanOrEqual(100_000);
    // Positive controls: neither side of the decision is rare.
    expect(tally.accepted).toBeGreaterThan(5000);
    expect(tally.cutOff).toBeGreaterThan(5000);
    expect(tally.discharged).toBeGreaterThan(1000);
  },
  SECONDS_MAX * 1000,
);

/** Bugs that macaroon verifiers have had, or that one can have in a hurry. */
const PLANTED: ReadonlyArray<readonly [name: string, clear: Clear]> = [
  [
    'later scopes are ignored, as Talos does',
    (caveats, facts) => clearCaveats(caveats.filter(isFirstOfScopes(caveats)), facts),
  ],
  [
    'all scopes but the grant’s are ignored',
    (caveats, facts) =>
      clearCaveats(
        caveats.filter(({ kind }) => kind !== 'scopes'),
        facts,
      ),
  ],
  [
    'unknown caveats are passed over',
    (caveats, facts) =>
      clearCaveats(
        caveats.filter(({ kind }) => kind !== 'unknown'),
        facts,
      ),
  ],
  ['the last caveat is forgotten', (caveats, facts) => clearCaveats(caveats.slice(0, -1), facts)],
  [
    'what is not known clears',
    (caveats, facts) =>
      clearCaveats(
        caveats.filter(({ kind }) => kind !== 'tools' || facts.tool !== undefined),
        facts,
      ),
  ],
];

function isFirstOfScopes(caveats: readonly ParsedCaveat[]) {
  const first = caveats.findIndex(({ kind }) => kind === 'scopes');
  return (caveat: ParsedCaveat, index: number) => caveat.kind !== 'scopes' || index === first;
}

test.each(PLANTED)('planted bug found: %s', (_, clear) => {
  expect(hunt(1_000_000, clear, 3000).finding).toBeDefined();
});

/** One change to a chain, before its end or at it; `undefined` if this one cannot be changed so. */
function alter(text: string, random: Random): string | undefined {
  const read = readMacaroonToken(text);
  if (!read.ok) throw new Error(read.refusal.reason);
  const { macaroon } = read.value;
  const { caveats } = macaroon;
  const withCaveats = (changed: readonly Caveat[]) =>
    `mc_v1_${encodeBase64url(encodeMacaroon({ ...macaroon, caveats: changed }))}`;
  const at = random.integer(0, caveats.length - 1);
  switch (random.integer(0, 5)) {
    case 0:
      return withCaveats(caveats.toSpliced(at, 1));
    case 1: {
      const to = random.integer(0, caveats.length - 1);
      const moved = caveats.toSpliced(at, 1).toSpliced(to, 0, ...caveats.slice(at, at + 1));
      return withCaveats(moved);
    }
    case 2:
      return withCaveats(caveats.toSpliced(at, 0, ...caveats.slice(at, at + 1)));
    case 3: {
      const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const index = random.integer(0, text.length - 1);
      return text.slice(0, index) + characters[random.integer(0, 63)] + text.slice(index + 1);
    }
    case 4: {
      const bytes = decodeBase64url(text.slice(6)) ?? new Uint8Array();
      const index = random.integer(0, bytes.length - 1);
      bytes[index] = (bytes[index] ?? 0) ^ (1 << random.integer(0, 7));
      return `mc_v1_${encodeBase64url(bytes)}`;
    }
    default:
      return text.slice(0, random.integer(0, text.length - 1));
  }
}

test('of 10,000 alterations of a discharge none verifies', () => {
  for (let seed = 0; seed < 1000; seed++) {
    const random = createRandom(3_000_000 + seed);
    const { macaroon, discharge, token } = demand(randomToken(random, 2), random);
    if (!verified(token.text).ok) throw new Error(`${seed}: the token itself is refused`);
    const other = demand(randomToken(random, 2), random);
    const borrowed = writeMacaroonToken({ macaroon, discharges: [other.discharge] });
    expect(borrowed.ok && verified(borrowed.value).ok).toBe(false);
    const bytes = encodeMacaroon(discharge);
    for (let i = 0; i < 10; i++) {
      const changed = bytes.slice();
      const index = random.integer(0, bytes.length - 1);
      changed[index] = (changed[index] ?? 0) ^ (1 << random.integer(0, 7));
      const text = `${withoutDischarge(token.text)}.${encodeBase64url(changed)}`;
      expect(verified(text).ok).toBe(false);
    }
  }
});

test(
  `of ${ALTERATIONS} alterations none verifies`,
  () => {
    let altered = 0;
    for (let seed = 0; altered < ALTERATIONS; seed++) {
      const random = createRandom(2_000_000 + seed);
      const { text } = narrow(randomToken(random, 4), random);
      if (!verified(text).ok) throw new Error(`${seed}: the token itself is refused`);
      const original = readMacaroonToken(text);
      for (let i = 0; i < 100; i++) {
        const changed = alter(text, random);
        if (changed === undefined || changed === text) continue;
        altered++;
        if (verified(changed).ok) expect({ seed, i, changed, original }).toBeUndefined();
      }
    }
  },
  SECONDS_MAX * 1000,
);
