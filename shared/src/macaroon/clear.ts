/**
 * Whether one request satisfies every caveat of a verified macaroon. A caveat only takes away: each is
 * asked on its own, none can answer for another, and what is unknown, reserved or about something that
 * is not known of the request prohibits. No clock: the request's facts carry the time.
 */

import { isAddressAllowed } from '../ip/cidr.ts';
import { accept, type Result, refuse } from '../result.ts';
import type { UnixSeconds } from '../time.ts';
import type { ParsedCaveat } from './caveat.ts';
import { matchesPath } from './path-pattern.ts';

/** What is known of a request and of the token it came with. What is not known clears nothing. */
export interface RequestFacts {
  readonly nowSeconds: UnixSeconds;
  /** As sent, upper case. */
  readonly method?: string | undefined;
  /** In lower case, with a port where it is not the scheme's own. */
  readonly host?: string | undefined;
  /** Decoded segments (`path/read-path.ts`). */
  readonly path?: readonly string[] | undefined;
  readonly clientAddress?: string | undefined;
  /** The name of the tool that is being called. */
  readonly tool?: string | undefined;
  /** The audience that the request is for. */
  readonly audience?: string | undefined;
  /** Of the verified claims. */
  readonly tenantId: string;
  readonly keyId: string;
  readonly tokenId: string;
  readonly actor?: string | undefined;
  readonly grantedScopes: readonly string[];
  /** What the request needs of them. */
  readonly requiredScopes: readonly string[];
  /** Who can clear `ext:` caveats, by name; each is given the caveat's value. */
  readonly extensions?: ReadonlyMap<string, (value: string) => boolean> | undefined;
}

/** What is left of a grant when every caveat has been cleared. */
export interface Cleared {
  /** Granted, and in every `scope` caveat. */
  readonly scopes: readonly string[];
}

type Refused = ReturnType<typeof refuse>;

/**
 * Refuses with `caveat_unknown`, `token_expired`, `token_not_yet_valid`, `audience_mismatch`,
 * `tenant_mismatch`, `ip_not_allowed`, `caveat_not_cleared` (every other kind; the evidence names it) for
 * the first caveat that is not satisfied, and with `scope_insufficient` for a required scope that is not
 * left. No skew is granted to either time. Pass the caveats of discharges too.
 */
export function clearCaveats(
  caveats: readonly ParsedCaveat[],
  facts: RequestFacts,
): Result<Cleared> {
  let scopes = facts.grantedScopes;
  for (const caveat of caveats) {
    const refused = prohibition(caveat, facts);
    if (refused !== undefined) return refused;
    if (caveat.kind === 'scopes') {
      scopes = scopes.filter((scope) => caveat.scopes.includes(scope));
    }
  }
  for (const scope of facts.requiredScopes) {
    if (!scopes.includes(scope)) return refuse('scope_insufficient', { scope });
  }
  return accept({ scopes });
}

/** What one caveat has against the request, but for scopes, which are counted at the end. */
function prohibition(caveat: ParsedCaveat, facts: RequestFacts): Refused | undefined {
  const unless = (isCleared: boolean) =>
    isCleared ? undefined : refuse('caveat_not_cleared', { caveat: caveat.kind });
  switch (caveat.kind) {
    case 'expires':
      return facts.nowSeconds < caveat.atSeconds ? undefined : refuse('token_expired');
    case 'not_before':
      return facts.nowSeconds >= caveat.atSeconds ? undefined : refuse('token_not_yet_valid');
    case 'scopes':
      return undefined;
    case 'audience':
      return facts.audience === caveat.value ? undefined : refuse('audience_mismatch');
    case 'tenant':
      return facts.tenantId === caveat.value ? undefined : refuse('tenant_mismatch');
    case 'actor':
      return unless(facts.actor === caveat.value);
    case 'key':
      return unless(facts.keyId === caveat.value);
    case 'token':
      return unless(facts.tokenId === caveat.value);
    case 'methods':
      return unless(isAmong(caveat.methods, facts.method));
    case 'hosts':
      return unless(isAmong(caveat.hosts, facts.host));
    case 'tools':
      return unless(isAmong(caveat.tools, facts.tool));
    case 'paths': {
      const { path } = facts;
      return unless(
        path !== undefined && caveat.patterns.some((pattern) => matchesPath(pattern, path)),
      );
    }
    case 'addresses':
      return isAddressAllowed(facts.clientAddress ?? '', caveat.cidrs)
        ? undefined
        : refuse('ip_not_allowed');
    case 'extension':
      return unless(facts.extensions?.get(caveat.name)?.(caveat.value) === true);
    case 'reserved':
      return unless(false);
    case 'unknown':
      return refuse('caveat_unknown');
  }
}

function isAmong(allowed: readonly string[], value: string | undefined): boolean {
  return value !== undefined && allowed.includes(value);
}
