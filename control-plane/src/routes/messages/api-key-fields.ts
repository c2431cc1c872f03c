/** Fields that several requests about API keys share, with their limits. */

import { parseCidr } from '@cardea/shared/ip/cidr';
import {
  API_KEY_BYTES_MAX,
  CIDRS_MAX,
  METADATA_BYTES_MAX,
  SCOPE_LENGTH_MAX,
  SCOPES_MAX,
  TOKEN_BYTES_MAX,
} from '@cardea/shared/limits';
import { z } from 'zod';
import type { RateLimitPolicy } from '../../api-keys/api-key.ts';
import { isCredentialTooLong } from '../../api-keys/credential-routing.ts';
import {
  protoDuration,
  protoInt64,
  protoMessage,
  protoString,
  protoStruct,
} from '../../http/protojson.ts';
import { CIDR_LENGTH_MAX } from '../../limits.ts';

export const scopesField = () =>
  z
    .array(protoString({ min: 1, max: SCOPE_LENGTH_MAX }), { error: 'must be an array of texts' })
    .max(SCOPES_MAX, { error: `must have at most ${SCOPES_MAX} elements` });

export const metadataField = () => protoStruct({ bytesMax: METADATA_BYTES_MAX });

/** An API key or a derived token: tokens may be longer. Whether it is genuine, its verifier says. */
export const credentialField = () =>
  protoString({ min: 1, max: TOKEN_BYTES_MAX }).refine((text) => !isCredentialTooLong(text), {
    error: `must have at most ${API_KEY_BYTES_MAX} bytes, a token ${TOKEN_BYTES_MAX}`,
  });

/** The allowed ranges; none at all is no restriction. */
export const ipRestrictionField = () =>
  protoMessage({
    allowed_cidrs: z
      .array(
        protoString({ min: 1, max: CIDR_LENGTH_MAX }).refine(
          (text) => parseCidr(text) !== undefined,
          { error: 'must be a range like 10.0.0.0/8 or 2001:db8::/32' },
        ),
        { error: 'must be an array of texts' },
      )
      .max(CIDRS_MAX, { error: `must have at most ${CIDRS_MAX} elements` })
      .optional(),
  }).transform(({ allowed_cidrs: cidrs = [] }) => (cidrs.length === 0 ? null : cidrs));

/** `unit` is ignored: it always reads back as `"requests"`. Half a policy is none, as in Talos. */
export const rateLimitPolicyField = () =>
  protoMessage({
    quota: protoInt64()
      .refine((quota) => BigInt(quota) > 0n, { error: 'must be greater than 0' })
      .optional(),
    window: protoDuration()
      .refine((seconds) => seconds >= 1, { error: 'must be at least 1 second' })
      .optional(),
  }).transform(({ quota, window }): RateLimitPolicy | null =>
    quota === undefined || window === undefined ? null : { quota, windowSeconds: window },
  );
