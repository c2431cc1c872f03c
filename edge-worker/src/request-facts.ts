/** What is known of one request, as caveats ask for it (`docs/caveats.md`). Pure. */

import type { RequestFacts } from '@cardea/shared/macaroon/clear';
import type { UnixSeconds } from '@cardea/shared/time';
import type { Narrowing } from './verified-token-cache.ts';

/** The parts of a request, as it was received, that a caveat can be about. */
export interface CalledWith {
  readonly method: string;
  readonly url: string;
  /** Decoded, from `readTarget`: what the route was matched by. */
  readonly segments: readonly string[];
  /** The tool that the matching route stands for. */
  readonly tool: string | undefined;
  /** The client's address as the platform saw it; `undefined` is in no range. */
  readonly clientAddress: string | undefined;
}

/** Who can clear `ext:` caveats, by name. Each is given the caveat's value. */
export type CaveatCheckers = ReadonlyMap<string, (value: string) => boolean>;

export interface Surroundings {
  readonly nowSeconds: UnixSeconds;
  /** Of this edge. */
  readonly audience: string;
  readonly requiredScopes: readonly string[];
  readonly checkers: CaveatCheckers | undefined;
}

export function factsOf(
  called: CalledWith,
  { claims }: Narrowing,
  { nowSeconds, audience, requiredScopes, checkers }: Surroundings,
): RequestFacts {
  return {
    nowSeconds,
    method: called.method,
    host: hostOf(called.url),
    path: called.segments,
    clientAddress: called.clientAddress,
    tool: called.tool,
    audience,
    tenantId: claims.tenantId,
    keyId: claims.keyId,
    tokenId: claims.tokenId,
    actor: claims.actor,
    grantedScopes: claims.scopes,
    requiredScopes,
    extensions: checkers,
  };
}

/**
 * The host of an absolute URL in lower case, with the port unless it is the scheme's own. The authority
 * has no user (`readTarget` has looked). It comes from the client's Host header: a caveat about it
 * narrows where the platform accepts the token, and proves nothing to the origin.
 */
export function hostOf(url: string): string {
  const start = url.indexOf('://') + 3;
  const host = url.slice(start, url.indexOf('/', start)).toLowerCase();
  const ownPort = url.startsWith('https:') ? ':443' : ':80';
  return host.endsWith(ownPort) ? host.slice(0, -ownPort.length) : host;
}
