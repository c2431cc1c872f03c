/** A signing key as JSON: the public half and the dates of its life. */

import { type UnixSeconds, unixMilliseconds } from '@cardea/shared/time';
import { z } from 'zod';
import { publicMembers } from '../../signing-keys/public-members.ts';
import type { SigningKey } from '../../signing-keys/signing-key.ts';
import { publicJwkMembers, timestampText } from '../messages/answers.ts';
import { timestamp } from '../messages/issued-api-key.ts';

export const signingKeyAnswer = z.strictObject({
  kid: z.string(),
  algorithm: z.enum(['EdDSA', 'ES256', 'RS256']),
  state: z.enum(['pending', 'active', 'retiring', 'retired']),
  create_time: timestampText(),
  publish_time: timestampText().optional(),
  activate_time: timestampText().optional(),
  retire_time: timestampText().optional(),
  jwk: z.strictObject(publicJwkMembers()),
});

export const signingKeysAnswer = z.strictObject({ signing_keys: z.array(signingKeyAnswer) });

export function signingKeyMessage(key: SigningKey) {
  return {
    kid: key.kid,
    algorithm: key.algorithm,
    state: key.state,
    create_time: timeOf(key.createdAtSeconds),
    publish_time: timeOf(key.publishedAtSeconds),
    activate_time: timeOf(key.activatedAtSeconds),
    retire_time: timeOf(key.retiresAtSeconds),
    jwk: publicMembers(key.publicJwk),
  };
}

/** `undefined` members are left out of JSON. */
function timeOf(seconds: UnixSeconds | undefined): string | undefined {
  return seconds === undefined ? undefined : timestamp(unixMilliseconds(seconds * 1000));
}
