/**
 * The public keys of the issuer of administrators' JWTs, as its JWKS (RFC 7517 §5) shows them. Keys
 * are remembered as plain data; a promise never is, because Workers let no request wait for another's
 * (so jose's `createRemoteJWKSet`, which keeps one, is not used here, nor does it bound the size).
 */

import { decodeUtf8 } from '@cardea/shared/bytes/utf8';
import {
  importVerificationKey,
  type VerificationKey,
} from '@cardea/shared/crypto/verification-key';
import {
  isJsonObject,
  type JsonValue,
  ownMember,
  parseStrictJson,
} from '@cardea/shared/json/strict-json';
import type { UnixMilliseconds } from '@cardea/shared/time';
import type { Clock } from '../clock.ts';
import { JWKS_KEYS_MAX } from '../limits.ts';
import type { Log } from '../log.ts';
import type { FetchJwks } from './fetch-jwks.ts';

export type FoundKey =
  | { readonly outcome: 'found'; readonly key: VerificationKey }
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'unavailable' };

export interface IssuerKeys {
  find(kid: string): Promise<FoundKey>;
}

export interface IssuerKeyParts {
  readonly jwksUrl: string;
  readonly fetchJwks: FetchJwks;
  readonly clock: Clock;
  readonly log: Log;
}

/** After so long the keys are asked for again: a key that the issuer withdraws dies by then. */
export const KEYS_FRESH_MILLISECONDS = 10 * 60 * 1000;
/** So long they are used if the issuer does not answer. */
export const KEYS_USED_MILLISECONDS_MAX = 60 * 60 * 1000;
/** Between two questions while there are keys to go by: forged tokens must not cost one each. */
export const COOLDOWN_MILLISECONDS = 30 * 1000;
/** The same while there are none. */
export const RETRY_MILLISECONDS = 2000;

interface Known {
  readonly keys: ReadonlyMap<string, VerificationKey>;
  readonly askedAt: UnixMilliseconds;
}

export function createIssuerKeys(parts: IssuerKeyParts): IssuerKeys {
  const { clock } = parts;
  let known: Known | undefined;
  let askedAt: UnixMilliseconds | undefined;
  let failedAt: UnixMilliseconds | undefined;
  /** Questions asked, and the youngest that has an answer: answers may overtake each other. */
  let questions = 0;
  let answered = 0;

  const isUsable = (now: UnixMilliseconds): boolean =>
    known !== undefined && isWithin(known.askedAt, now, KEYS_USED_MILLISECONDS_MAX);

  const mayAsk = (now: UnixMilliseconds): boolean =>
    isUsable(now)
      ? !isWithin(askedAt, now, COOLDOWN_MILLISECONDS)
      : !isWithin(failedAt, now, RETRY_MILLISECONDS);

  const ask = async (now: UnixMilliseconds): Promise<void> => {
    askedAt = now;
    const question = ++questions;
    try {
      const keys = await readKeys(parts);
      if (question < answered) return;
      answered = question;
      known = { keys, askedAt: now };
    } catch (error) {
      // Whatever it was, the answer is the same: go on with what is known, if it is not too old.
      failedAt = clock.now();
      parts.log('error', 'admin_jwks_unavailable', { error: nameOf(error) });
    }
  };

  return {
    async find(kid) {
      const now = clock.now();
      const isFresh = isWithin(known?.askedAt, now, KEYS_FRESH_MILLISECONDS);
      if (!(isFresh && known?.keys.has(kid)) && mayAsk(now)) await ask(now);
      if (!isUsable(now)) return { outcome: 'unavailable' };
      const key = known?.keys.get(kid);
      return key === undefined ? { outcome: 'unknown' } : { outcome: 'found', key };
    },
  };
}

/** Whether less than `milliseconds` have passed since then. A clock that went back says no. */
function isWithin(
  then: UnixMilliseconds | undefined,
  now: UnixMilliseconds,
  milliseconds: number,
): boolean {
  return then !== undefined && now >= then && now - then < milliseconds;
}

/** Every sound key by its `kid`. Keys that we do not take are left out: an issuer may have others. */
async function readKeys({
  jwksUrl,
  fetchJwks,
  log,
}: IssuerKeyParts): Promise<ReadonlyMap<string, VerificationKey>> {
  const text = decodeUtf8(await fetchJwks(jwksUrl));
  const document = text === undefined ? undefined : parseStrictJson(text);
  const listed = isJsonObject(document) ? ownMember(document, 'keys') : undefined;
  if (!Array.isArray(listed) || listed.length > JWKS_KEYS_MAX) throw new JwksMalformed();
  const keys = new Map<string, VerificationKey>();
  const elements: readonly JsonValue[] = listed;
  for (const jwk of elements) {
    const kid = isJsonObject(jwk) ? ownMember(jwk, 'kid') : undefined;
    if (typeof kid !== 'string' || kid === '' || keys.has(kid)) continue;
    const key = await importVerificationKey(jwk);
    if (key.ok) keys.set(kid, key.value);
  }
  log('debug', 'admin_jwks_read', { listed: elements.length, taken: keys.size });
  return keys;
}

class JwksMalformed extends Error {
  override readonly name = 'JwksMalformed';
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}
