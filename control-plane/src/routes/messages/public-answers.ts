/** Schemas of what the routes answer that need nobody, for the OpenAPI document: see `answers.ts`. */

import { z } from 'zod';
import { publicJwkMembers } from './answers.ts';

export const healthAnswer = z.strictObject({ status: z.literal('ok') });

export const versionAnswer = z.strictObject({
  version: z.string(),
  commit: z.string().meta({ description: 'Empty where the build does not say.' }),
  build_time: z.string().meta({ description: 'Empty where the build does not say.' }),
  config_hash: z.string().regex(/^[0-9a-f]{64}$/),
});

/** RFC 8414 §2. */
export const serverMetadataAnswer = z.strictObject({
  issuer: z.string(),
  token_endpoint: z.string(),
  jwks_uri: z.string(),
  grant_types_supported: z.array(z.string()),
  token_endpoint_auth_methods_supported: z.array(z.string()),
  response_types_supported: z.array(z.string()),
});

/** docs/feed.md; `shared/src/feed/keyset` writes it. */
export const feedKeysetAnswer = z.strictObject({
  v: z.literal(1),
  keys: z.array(
    z.strictObject({
      nid: z.string(),
      iss: z.string(),
      aud: z.string(),
      alg: z.string(),
      kid: z.string(),
      state: z.enum(['pending', 'active', 'retiring']),
      nbf: z.int(),
      exp: z.int(),
      jwk: z.strictObject(publicJwkMembers()),
    }),
  ),
  /** Macaroon keys; each box opens for one edge. */
  sealed: z.array(
    z.strictObject({
      edge: z.string(),
      nid: z.string(),
      iss: z.string(),
      aud: z.string(),
      kid: z.string(),
      nbf: z.int(),
      exp: z.int(),
      box: z.string(),
    }),
  ),
});

export const openApiAnswer = z.strictObject({
  openapi: z.literal('3.1.0'),
  info: z.looseObject({ title: z.string(), version: z.string() }),
  servers: z.array(z.strictObject({ url: z.string() })),
  paths: z.record(z.string(), z.unknown()),
  components: z.record(z.string(), z.unknown()),
});
