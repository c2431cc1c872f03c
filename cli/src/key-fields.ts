/** The fields of an API key as options, and as the members of a request. */

import { listOf } from './comma-list.ts';
import type { OptionName, OptionValues } from './command.ts';
import { UsageError } from './failure.ts';
import { parseJsonObject } from './json-object.ts';

/** Options for what can also be changed later. */
export const CHANGEABLE_OPTIONS = [
  'scopes',
  'metadata',
  'allowed-cidrs',
  'rate-limit-quota',
  'rate-limit-window',
] as const satisfies readonly OptionName[];

/** Options for a key that is made. */
export const NEW_KEY_OPTIONS = [
  'actor',
  'ttl',
  'request-id',
  'visibility',
  ...CHANGEABLE_OPTIONS,
] as const satisfies readonly OptionName[];

export const CHANGEABLE_HELP = [
  '--scopes a,b   --metadata a JSON object   --allowed-cidrs 10.0.0.0/8,2001:db8::/32',
  '--rate-limit-quota 100 with --rate-limit-window 60s, 5m, 1h',
];

export const NEW_KEY_HELP = [
  ...CHANGEABLE_HELP,
  '--visibility secret|public   --request-id ID makes the command safe to repeat',
];

type Fields = Readonly<Record<string, unknown>>;

/** The members that the options of {@link CHANGEABLE_OPTIONS} and `--name` stand for. */
export function changeableFields(options: OptionValues): Fields {
  const { metadata, name, scopes, 'allowed-cidrs': cidrs } = options;
  return {
    ...(name === undefined ? {} : { name }),
    ...(scopes === undefined ? {} : { scopes: listOf(scopes) }),
    ...(metadata === undefined ? {} : { metadata: jsonObjectOf(metadata, '--metadata') }),
    ...(cidrs === undefined ? {} : { ip_restriction: { allowed_cidrs: cidrsOf(cidrs) } }),
    ...rateLimitOf(options),
  };
}

/** The members that the options of {@link NEW_KEY_OPTIONS} stand for. */
export function newKeyFields(name: string, options: OptionValues): Fields {
  const { actor = '', ttl, 'request-id': requestId } = options;
  if (actor === '') throw new UsageError('--actor is required: whom does the key belong to?');
  // An empty one is none: the command would not be safe to repeat.
  if (requestId === '') throw new UsageError('--request-id is empty');
  return {
    ...{ name, actor_id: actor, scopes: [] },
    ...(ttl === undefined ? {} : { ttl }),
    ...changeableFields(options),
    ...(requestId === undefined ? {} : { request_id: requestId }),
    ...visibilityField(options),
  };
}

export function visibilityField({ visibility }: OptionValues): Fields {
  if (visibility === undefined) return {};
  if (!['secret', 'public'].includes(visibility)) {
    throw new UsageError('--visibility must be one of secret, public');
  }
  return { visibility: `KEY_VISIBILITY_${visibility.toUpperCase()}` };
}

/** The object that the value of `option` is. */
export function jsonObjectOf(text: string, option: string): Fields {
  const object = parseJsonObject(text);
  if (object === undefined) throw new UsageError(`${option} must be a JSON object`);
  return object;
}

/** An empty variable must not lift a restriction: that takes `--update-mask`. */
function cidrsOf(text: string): readonly string[] {
  const cidrs = listOf(text);
  if (cidrs.length === 0) throw new UsageError('--allowed-cidrs is empty');
  return cidrs;
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** Both or neither: the server takes half a policy for none, which would be no limit. */
function rateLimitOf(options: OptionValues): Fields {
  const { 'rate-limit-quota': quota, 'rate-limit-window': window } = options;
  if (quota === undefined && window === undefined) return {};
  if (quota === undefined || window === undefined) {
    throw new UsageError('--rate-limit-quota and --rate-limit-window go together');
  }
  if (!/^[1-9]\d{0,17}$/.test(quota)) {
    throw new UsageError('--rate-limit-quota must be a number, at least 1');
  }
  const [, count = '', unit = ''] = /^([1-9]\d{0,8})([smhd])$/.exec(window) ?? [];
  if (count === '') throw new UsageError('--rate-limit-window must be like 60s, 5m, 1h or 1d');
  const seconds = Number(count) * SECONDS[unit as keyof typeof SECONDS];
  return { rate_limit_policy: { quota, window: `${seconds}s` } };
}
