/**
 * What a token may still do, for whoever holds it and has no key: read off its text, in data and in words.
 * Nothing of it is verified, and a server may refuse for reasons of its own (revocation, limits). Pure;
 * runs in Node, workerd and browsers.
 */

import type { TokenClaims } from '../jwt/claims.ts';
import { accept, type Result } from '../result.ts';
import { type UnixSeconds, unixSeconds } from '../time.ts';
import type { KnownCaveat, ParsedCaveat } from './caveat.ts';
import { formatCaveat } from './format-caveat.ts';
import { readUnverifiedGrant } from './grant.ts';
import { isThirdParty, type Macaroon } from './macaroon.ts';
import { parseCaveat } from './parse-caveat.ts';
import { formatTime } from './time-text.ts';
import { readMacaroonToken } from './token-text.ts';

export interface Inspection {
  /** Of the base grant, before any caveat. */
  readonly unverifiedClaims: TokenClaims;
  /** All caveats behind it, those of discharges last. */
  readonly caveats: readonly ParsedCaveat[];
  /** The latest of all beginnings, and the earliest of all ends: the token is good from and before. */
  readonly notBeforeSeconds: UnixSeconds;
  readonly expiresAtSeconds: UnixSeconds;
  /** In the grant and in every `scope` caveat. */
  readonly scopes: readonly string[];
  /** In every caveat of their kind; `undefined` where there is none: then any will do. */
  readonly methods: readonly string[] | undefined;
  readonly hosts: readonly string[] | undefined;
  readonly tools: readonly string[] | undefined;
  /** Third-party caveats whose discharge does not come with the token. */
  readonly missingDischarges: readonly MissingDischarge[];
  /** Why no request at all can be allowed; empty for a token that is good for something. */
  readonly prohibitions: readonly string[];
  /** All of it in sentences, for a person. */
  readonly sentences: readonly string[];
}

export interface MissingDischarge {
  /** Where to ask for it, as whoever added the caveat wrote it. */
  readonly location: string | undefined;
  /** What to ask for. */
  readonly identifier: Uint8Array<ArrayBuffer>;
}

/** Refuses as {@link readMacaroonToken} and {@link readUnverifiedGrant} do. */
export function inspectToken(text: string): Result<Inspection> {
  const token = readMacaroonToken(text);
  if (!token.ok) return token;
  const { macaroon, discharges } = token.value;
  const claims = readUnverifiedGrant(macaroon);
  if (!claims.ok) return claims;
  const [, ...own] = macaroon.caveats;
  const caveats = [own, ...discharges.map((each) => each.caveats)]
    .flat()
    .flatMap((caveat) => (isThirdParty(caveat) ? [] : [parseCaveat(caveat.identifier)]));
  const limits = limitsOf(claims.value, caveats);
  const missingDischarges = missingOf(macaroon, discharges);
  const prohibitions = prohibitionsOf(caveats, limits);
  const inspection = {
    ...{ unverifiedClaims: claims.value, caveats, ...limits, missingDischarges, prohibitions },
  };
  return accept({ ...inspection, sentences: sentencesOf(inspection) });
}

type Limits = Pick<
  Inspection,
  'notBeforeSeconds' | 'expiresAtSeconds' | 'scopes' | 'methods' | 'hosts' | 'tools'
>;

function limitsOf(claims: TokenClaims, caveats: readonly ParsedCaveat[]): Limits {
  const { issuedAtSeconds, notBeforeSeconds = issuedAtSeconds, expiresAtSeconds } = claims;
  const starts = caveats.flatMap((each) => (each.kind === 'not_before' ? [each.atSeconds] : []));
  const ends = caveats.flatMap((each) => (each.kind === 'expires' ? [each.atSeconds] : []));
  const lists = {
    scopes: caveats.flatMap((each) => (each.kind === 'scopes' ? [each.scopes] : [])),
    methods: caveats.flatMap((each) => (each.kind === 'methods' ? [each.methods] : [])),
    hosts: caveats.flatMap((each) => (each.kind === 'hosts' ? [each.hosts] : [])),
    tools: caveats.flatMap((each) => (each.kind === 'tools' ? [each.tools] : [])),
  };
  return {
    notBeforeSeconds: unixSeconds(Math.max(notBeforeSeconds, ...starts)),
    expiresAtSeconds: unixSeconds(Math.min(expiresAtSeconds, ...ends)),
    scopes: inAll([claims.scopes, ...lists.scopes]) ?? [],
    methods: inAll(lists.methods),
    hosts: inAll(lists.hosts),
    tools: inAll(lists.tools),
  };
}

/** What stands in every list, in the order of the first; `undefined` without any list. */
function inAll(lists: ReadonlyArray<readonly string[]>): readonly string[] | undefined {
  const [first, ...others] = lists;
  return first?.filter((element) => others.every((list) => list.includes(element)));
}

/** As the verifier counts: one discharge for each third-party caveat, by its identifier. */
function missingOf(macaroon: Macaroon, discharges: readonly Macaroon[]): MissingDischarge[] {
  const nameOf = (identifier: Uint8Array) => identifier.join();
  const there = new Set(discharges.map(({ identifier }) => nameOf(identifier)));
  return [macaroon, ...discharges]
    .flatMap(({ caveats }) => caveats.filter(isThirdParty))
    .filter(({ identifier }) => !there.delete(nameOf(identifier)))
    .map(({ location, identifier }) => ({ location, identifier }));
}

function prohibitionsOf(caveats: readonly ParsedCaveat[], limits: Limits): string[] {
  const { notBeforeSeconds, expiresAtSeconds, methods, hosts, tools } = limits;
  const isEmpty = (list: readonly string[] | undefined) => list?.length === 0;
  const unknown = caveats.filter(({ kind }) => kind === 'unknown').length;
  const reserved = caveats.flatMap((each) =>
    each.kind === 'reserved' ? [formatCaveat(each)] : [],
  );
  return [
    ...(unknown > 0 ? [`${unknown} of its caveats are in no language that is known here`] : []),
    ...reserved.map((text) => `"${text}" is reserved and not enforced yet`),
    ...(notBeforeSeconds < expiresAtSeconds ? [] : ['it ends before it begins']),
    ...(isEmpty(methods) ? ['its caveats leave no method'] : []),
    ...(isEmpty(hosts) ? ['its caveats leave no host'] : []),
    ...(isEmpty(tools) ? ['its caveats leave no tool'] : []),
  ];
}

function sentencesOf(inspection: Omit<Inspection, 'sentences'>): string[] {
  const { notBeforeSeconds, expiresAtSeconds, scopes, missingDischarges } = inspection;
  const { methods, hosts, tools, caveats, prohibitions } = inspection;
  return [
    `Good from ${formatTime(notBeforeSeconds)} and before ${formatTime(expiresAtSeconds)}.`,
    scopes.length === 0 ? 'It has no scope left.' : `Scopes: ${scopes.join(', ')}.`,
    ...(methods ? [`Only with the methods ${methods.join(', ') || '(none)'}.`] : []),
    ...(hosts ? [`Only at the hosts ${hosts.join(', ') || '(none)'}.`] : []),
    ...(tools ? [`Only for the tools ${tools.join(', ') || '(none)'}.`] : []),
    ...caveats.flatMap(sentenceOf),
    ...missingDischarges.map(({ location }) =>
      location === undefined
        ? 'A third party has to discharge it, nobody says which.'
        : `Only with a discharge from ${location}, which is not there.`,
    ),
    ...prohibitions.map((why) => `It allows nothing: ${why}.`),
  ];
}

/** Of a caveat that is told on its own: the others are in the sentences above. */
function sentenceOf(caveat: ParsedCaveat): string[] {
  switch (caveat.kind) {
    case 'paths':
      return [`Only for the paths ${valueOfText(caveat)}.`];
    case 'addresses':
      return [`Only from ${caveat.cidrs.join(', ')}.`];
    case 'audience':
    case 'tenant':
    case 'actor':
    case 'key':
    case 'token':
      return [`Only if the ${caveat.kind} is ${caveat.value}.`];
    case 'extension':
      return [`Only where "${formatCaveat(caveat)}" is checked, and holds.`];
    default:
      return [];
  }
}

function valueOfText(caveat: Extract<KnownCaveat, { kind: 'paths' }>): string {
  return formatCaveat(caveat).slice('path in '.length).replaceAll(' ', ', ');
}
