/** The two forms of a derived token: which key vouches for it, for which audience, and how it is written. */

import type { JsonObject } from '@cardea/shared/json/strict-json';
import { encodeBaseGrant } from '@cardea/shared/macaroon/grant';
import { encodeIdentifier } from '@cardea/shared/macaroon/identifier';
import type { Bytes } from '@cardea/shared/macaroon/macaroon';
import { mintMacaroon } from '@cardea/shared/macaroon/mint';
import { writeMacaroonToken } from '@cardea/shared/macaroon/token-text';
import { secondsOf } from '@cardea/shared/time';
import { type MacaroonKey, mintingKey } from '../macaroons/macaroon-key.ts';
import type { ReadTenantKeys } from '../macaroons/tenant-keys.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { MintingMoment } from './minting-store.ts';
import type { TokenForm } from './parent-caveats.ts';
import type { TokenParent } from './token-parent.ts';
import type { SignToken } from './token-signer.ts';

export interface FormParts {
  readonly sign: SignToken;
  readonly macaroonKeys: ReadTenantKeys;
}

export interface FormMeans {
  readonly audience: string;
  /** The key that vouches for tokens at this moment; `undefined` while there is none. */
  readonly keyAt: (moment: MintingMoment) => TokenKey | undefined;
}

export interface TokenKey {
  readonly kid: string;
  /** The token's text; `undefined` if no reader would take it for its length. */
  readonly write: (tokenId: string, claims: object) => Promise<string | undefined>;
}

export interface FormRequest {
  readonly tenant: Tenant;
  readonly form: TokenForm;
  readonly audience?: string;
}

/** `undefined`: a token of this form cannot be for the audience. Throws `StoreUnavailable`. */
export async function formMeansOf(
  { macaroonKeys, sign }: FormParts,
  parent: TokenParent,
  request: FormRequest,
): Promise<FormMeans | undefined> {
  const { tenant } = request;
  const parentAudience = parent.kind === 'derived_token' ? parent.audience : undefined;
  const audience = request.audience ?? parentAudience ?? tenant.audience;
  // A token is for one audience: one for another would be more than it says.
  if (parentAudience !== undefined && audience !== parentAudience) return undefined;
  if (request.form === 'jwt') {
    return audience === tenant.audience ? jwtMeans(sign, audience) : undefined;
  }
  const { audiences, keys } = await macaroonKeys(tenant);
  if (!audiences.has(audience)) return undefined;
  const carriedCaveats = parent.kind === 'derived_token' ? parent.carriedCaveats : [];
  return {
    audience,
    keyAt: ({ now }) => {
      const key = mintingKey(keys.values(), { audience, nowSeconds: secondsOf(now) });
      return key === undefined ? undefined : macaroonWriter(key, carriedCaveats);
    },
  };
}

function jwtMeans(sign: SignToken, audience: string): FormMeans {
  return {
    audience,
    keyAt: ({ signingKey }) =>
      signingKey === undefined
        ? undefined
        : { kid: signingKey.kid, write: (_tokenId, claims) => sign(signingKey, claims) },
  };
}

function macaroonWriter(
  { issuer, kid, rootKey }: MacaroonKey,
  carriedCaveats: readonly Bytes[],
): TokenKey {
  return {
    kid,
    write: async (tokenId, claims) => {
      const macaroon = mintMacaroon({
        rootKey,
        location: issuer,
        identifier: encodeIdentifier({ tokenId, kid }),
        // Ours, or JSON of a request that was read strictly: no member is anything but JSON.
        firstPartyCaveats: [encodeBaseGrant(claims as JsonObject), ...carriedCaveats],
      });
      const written = writeMacaroonToken({ macaroon, discharges: [] });
      return written.ok ? written.value : undefined;
    },
  };
}
