/** Derived macaroons for tests, minted as the control plane mints them. */

import {
  macaroonKeyOf,
  type TestMacaroonKey,
} from '@cardea/shared/feed/testing/sealed-key-fixture';
import { encodeBaseGrant } from '@cardea/shared/macaroon/grant';
import { encodeIdentifier } from '@cardea/shared/macaroon/identifier';
import type { Macaroon } from '@cardea/shared/macaroon/macaroon';
import { mintMacaroon } from '@cardea/shared/macaroon/mint';
import { writeMacaroonToken } from '@cardea/shared/macaroon/token-text';
import type { Result } from '@cardea/shared/result';
import { ACTOR_SCOPE_ID, KEY_ID, TOKEN_ID } from './test-token.ts';

/** The key that tests seal for the edge under test. */
export const macaroonKey = macaroonKeyOf();

export interface MacaroonOptions {
  readonly key?: TestMacaroonKey;
  /** Texts after the base grant. */
  readonly caveats?: readonly string[];
  readonly location?: string;
  /** Members of the identifier beside, or instead of, the token's id and the key's. */
  readonly identifier?: { readonly tokenId?: string; readonly kid?: string };
}

/**
 * A macaroon issued at `nowSeconds` for 15 minutes with the scopes `notes:read` and `notes:write`, as
 * `tokenAt` makes JWTs. A claim that `changes` sets to `undefined` is left out.
 */
export function macaroonAt(
  nowSeconds: number,
  changes: Readonly<Record<string, unknown>> = {},
  { key = macaroonKey, caveats = [], location = key.issuer, identifier = {} }: MacaroonOptions = {},
): Macaroon {
  const claims = {
    ...{ jti: TOKEN_ID, sub: KEY_ID, iss: key.issuer, aud: key.audience, nid: key.tenantId },
    ...{ iat: nowSeconds, nbf: nowSeconds, exp: nowSeconds + 900 },
    ...{ act: 'alice@example.test', act_sid: ACTOR_SCOPE_ID },
    scp: ['notes:read', 'notes:write'],
    ...changes,
  };
  return mintMacaroon({
    rootKey: key.rootKey,
    location,
    identifier: encodeIdentifier({ tokenId: TOKEN_ID, kid: key.kid, ...identifier }),
    firstPartyCaveats: [encodeBaseGrant(JSON.parse(JSON.stringify(claims))), ...caveats],
  });
}

/** The text of {@link macaroonAt}. */
export function macaroonTokenAt(...parameters: Parameters<typeof macaroonAt>): string {
  return tokenOf(macaroonAt(...parameters));
}

export function tokenOf(macaroon: Macaroon, ...discharges: readonly Macaroon[]): string {
  return valueIn(writeMacaroonToken({ macaroon, discharges }));
}

/** For what a test knows to be accepted. */
export function valueIn<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.refusal.reason);
  return result.value;
}
