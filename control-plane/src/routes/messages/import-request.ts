/** `ImportApiKeyRequest`, and why an import is refused: for one key and for each of a batch. */

import { decodeHex } from '@cardea/shared/bytes/hex';
import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { API_KEY_BYTES_MAX } from '@cardea/shared/limits';
import { z } from 'zod';
import type { ImportItem, ImportOutcome } from '../../api-keys/import-api-key.ts';
import { looksWeak } from '../../api-keys/raw-key-strength.ts';
import { PROBLEMS, type Problem } from '../../http/problem.ts';
import { protoMessage, protoString } from '../../http/protojson.ts';
import { newKeyFields, REQUEST_ID_REUSED, TTL_RULES, toNewKey } from './new-key.ts';

/** The key itself, or its SHA-256 for those who keep no more than that (not in Talos): exactly one. */
export const ImportApiKeyRequest = protoMessage({
  ...newKeyFields(),
  raw_key: protoString({ min: 1, max: API_KEY_BYTES_MAX })
    .refine((text) => encodeUtf8(text).length <= API_KEY_BYTES_MAX, {
      error: `must have at most ${API_KEY_BYTES_MAX} bytes`,
    })
    .optional(),
  raw_key_sha256: z
    .string({ error: 'must be a string' })
    .regex(/^[0-9a-fA-F]{64}$/, { error: 'must be 64 hexadecimal digits' })
    .meta({ description: 'Lets a key be imported that is known by its SHA-256 alone.' })
    .optional(),
}).refine(
  ({ raw_key: text, raw_key_sha256: hash }) => (text === undefined) !== (hash === undefined),
  { error: 'exactly one of raw_key and raw_key_sha256 is required' },
);

export type ImportBody = z.output<typeof ImportApiKeyRequest>;

export function toImportItem(body: ImportBody): ImportItem {
  const { raw_key: text, raw_key_sha256: hex = '' } = body;
  const hash = decodeHex(hex.toLowerCase()) ?? new Uint8Array(0);
  const rawKey = text === undefined ? { kind: 'sha256', hash } : { kind: 'text', text };
  return { ...toNewKey(body), rawKey: rawKey as ImportItem['rawKey'] };
}

/** Of a hash nobody can tell. */
export function isWeakImport({ rawKey }: ImportItem): boolean {
  return rawKey.kind === 'text' && looksWeak(rawKey.text);
}

type Refusal = Exclude<ImportOutcome, { readonly key: unknown }>['outcome'];

export function importProblem(refusal: Refusal): Problem & { readonly message: string } {
  switch (refusal) {
    case 'exists':
      return { code: 'api_key_exists', message: PROBLEMS.api_key_exists.message };
    case 'request_id_reused':
      return { code: 'conflict', message: REQUEST_ID_REUSED };
    case 'looks_issued':
      return { code: 'conflict', message: 'raw_key: looks like a key that this server issues' };
    case 'looks_derived':
      return { code: 'failed_precondition', message: 'raw_key: looks like a JWT or a macaroon' };
    case 'quota_exceeded': {
      const { message } = PROBLEMS.api_key_quota_exceeded;
      return { code: 'api_key_quota_exceeded', message };
    }
    default:
      return { code: 'bad_request', message: TTL_RULES[refusal] };
  }
}
