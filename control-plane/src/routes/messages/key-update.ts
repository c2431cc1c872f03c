/**
 * What a PATCH of a key asks for: its `update_mask`, or without one the members of its body, name the
 * fields; what is named and not there is cleared. The body is the key itself, or wraps it as Talos's
 * documentation does. Nothing outside of the fields that are named is ever changed.
 */

import { z } from 'zod';
import type { ApiKey } from '../../api-keys/api-key.ts';
import type { UpdateRequest } from '../../api-keys/update-api-key.ts';
import {
  firstBrokenRule,
  isJsonObject,
  lowerCamelCase,
  protoMessage,
  protoString,
} from '../../http/protojson.ts';
import { NAME_LENGTH_MAX, UPDATE_MASK_LENGTH_MAX } from '../../limits.ts';
import {
  ipRestrictionField,
  metadataField,
  rateLimitPolicyField,
  scopesField,
} from './api-key-fields.ts';

const UpdatableFields = protoMessage({
  name: protoString({ min: 0, max: NAME_LENGTH_MAX }).optional(),
  scopes: scopesField().optional(),
  metadata: metadataField().optional(),
  rate_limit_policy: rateLimitPolicyField().optional(),
  ip_restriction: ipRestrictionField().optional(),
});

const UPDATABLE = ['name', 'scopes', 'metadata', 'rate_limit_policy', 'ip_restriction'] as const;
type Updatable = (typeof UPDATABLE)[number];

/** By either spelling. */
const BY_NAME: ReadonlyMap<string, Updatable> = new Map(
  UPDATABLE.flatMap((name) => [
    [name, name],
    [lowerCamelCase(name), name],
  ]),
);

/** The body as it came: which members are there matters. */
export const KeyUpdateBody = z
  .custom<Readonly<Record<string, unknown>>>(isJsonObject, { error: 'must be a JSON object' })
  .meta({
    type: 'object',
    properties: z.toJSONSchema(UpdatableFields, { io: 'input', unrepresentable: 'any' }).properties,
    description: 'The fields to change; `null` clears one.',
  });

export const KeyUpdateQuery = protoMessage({
  update_mask: protoString({ min: 0, max: UPDATE_MASK_LENGTH_MAX }).optional(),
  /** Also cuts off the tokens that were derived before. */
  revoke_derived: z.enum(['true', 'false'], { error: 'must be true or false' }).optional(),
});

type Changes = UpdateRequest['changes'];

export type KeyUpdateRead =
  | { readonly ok: true; readonly changes: Changes }
  /** Public text: names the rule that was broken, never a value. */
  | { readonly ok: false; readonly rule: string };

export function readKeyUpdate(
  body: Readonly<Record<string, unknown>>,
  { kind, mask }: { readonly kind: ApiKey['kind']; readonly mask: string },
): KeyUpdateRead {
  const sent = unwrap(body, `${kind}_api_key`);
  if (sent === undefined) return broken(WRAPPER_RULE);
  if (mask !== '' && sent.mask !== '' && mask !== sent.mask) return broken(TWO_MASKS_RULE);
  const chosen = mask === '' ? sent.mask : mask;
  const paths = chosen === '' ? Object.keys(sent.key) : chosen.split(',');
  if (paths.length === 0) return broken(EMPTY_RULE);
  const names = paths.map(nameOfPath);
  if (!names.every((name) => name !== undefined)) {
    return broken(chosen === '' ? MEMBER_RULE : MASK_RULE);
  }
  const fields = UpdatableFields.safeParse(sent.key);
  if (!fields.success) return broken(firstBrokenRule(fields.error));
  return { ok: true, changes: changesOf(fields.data, new Set(names)) };
}

const EMPTY_RULE = 'nothing to change: no update_mask, and no field in the body';
const MASK_RULE = 'update_mask: names a field that is unknown or cannot be changed';
const MEMBER_RULE =
  'without update_mask every member of the body must be a field that can be changed';
const TWO_MASKS_RULE = 'update_mask: the query and the body name different fields';
const WRAPPER_RULE =
  'the body must be the key itself, or the key and its update_mask by their names';

interface Sent {
  readonly key: Readonly<Record<string, unknown>>;
  /** '' for none. */
  readonly mask: string;
}

/** The key inside of its wrapper, or the body; `undefined` for something in between. */
function unwrap(body: Readonly<Record<string, unknown>>, wrapper: string): Sent | undefined {
  const present = (name: string) =>
    [name, lowerCamelCase(name)].find((spelling) => Object.hasOwn(body, spelling));
  const wrapperName = present(wrapper);
  if (wrapperName === undefined) return { key: body, mask: '' };
  const maskName = present('update_mask');
  const key = body[wrapperName];
  const mask = maskName === undefined ? '' : body[maskName];
  const members = maskName === undefined ? 1 : 2;
  if (!isJsonObject(key) || typeof mask !== 'string') return undefined;
  return Object.keys(body).length === members ? { key, mask } : undefined;
}

/** The field that a path leads to or into: a part of a field counts as the whole of it. */
function nameOfPath(path: string): Updatable | undefined {
  const [first = '', ...rest] = path.trim().split('.');
  return rest.every((part) => /^[A-Za-z_]+$/.test(part)) ? BY_NAME.get(first) : undefined;
}

function changesOf(fields: z.output<typeof UpdatableFields>, names: ReadonlySet<string>): Changes {
  const { metadata, name, scopes } = fields;
  const { ip_restriction: allowedCidrs, rate_limit_policy: rateLimitPolicy } = fields;
  return {
    ...(names.has('name') ? { name: name ?? '' } : {}),
    ...(names.has('scopes') ? { scopes: scopes ?? [] } : {}),
    ...(names.has('metadata') ? { metadata: metadata ?? null } : {}),
    ...(names.has('rate_limit_policy') ? { rateLimitPolicy: rateLimitPolicy ?? null } : {}),
    ...(names.has('ip_restriction') ? { allowedCidrs: allowedCidrs ?? null } : {}),
  };
}

function broken(rule: string): KeyUpdateRead {
  return { ok: false, rule };
}
