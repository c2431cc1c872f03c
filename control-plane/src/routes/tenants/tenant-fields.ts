/** The fields of a tenant as administrators send them, and which of them a PATCH is about. */

import { z } from 'zod';
import { closedMessage } from '../../http/closed-message.ts';
import { extendedDuration, protoInt64, protoString } from '../../http/protojson.ts';
import { NAME_LENGTH_MAX, TENANT_HOSTS_MAX } from '../../limits.ts';
import { HOST_NAME_LENGTH_MAX } from '../../tenants/host-name.ts';
import type { TenantSettings } from '../../tenants/tenant.ts';
import { SETTING_NAMES } from '../../tenants/tenant-changes.ts';
import {
  AUDIENCE_LENGTH_MAX,
  ISSUER_LENGTH_MAX,
  RETIRED_PREFIXES_MAX,
} from '../../tenants/tenant-settings.ts';

const PREFIX_LENGTH_MAX = 16;

const listOf = (element: z.ZodType<string>, max: number) =>
  z
    .array(element, { error: 'must be an array of texts' })
    .max(max, { error: `must have at most ${max} elements` });

const prefixText = () => protoString({ min: 1, max: PREFIX_LENGTH_MAX });

/** Lengths and types; what the texts must be, `tenants/tenant-settings` says. */
const FIELDS = {
  name: protoString({ min: 1, max: NAME_LENGTH_MAX }).optional(),
  hosts: listOf(protoString({ min: 1, max: HOST_NAME_LENGTH_MAX }), TENANT_HOSTS_MAX).optional(),
  issuer: protoString({ min: 1, max: ISSUER_LENGTH_MAX }).optional(),
  audience: protoString({ min: 1, max: AUDIENCE_LENGTH_MAX }).optional(),
  api_key_prefix: prefixText().optional(),
  public_api_key_prefix: prefixText().optional(),
  retired_api_key_prefixes: listOf(prefixText(), RETIRED_PREFIXES_MAX).optional(),
  api_key_ttl_default: extendedDuration().optional(),
  api_key_ttl_max: extendedDuration().optional(),
  derived_token_ttl_default: extendedDuration().optional(),
  derived_token_ttl_max: extendedDuration().optional(),
  api_keys_max: protoInt64().transform(Number).optional(),
};

export const CreateTenantRequest = closedMessage({
  ...FIELDS,
  name: protoString({ min: 1, max: NAME_LENGTH_MAX }),
});

export const UpdateTenantRequest = closedMessage(FIELDS);

type Sent = z.output<typeof UpdateTenantRequest>;

/** The settings among the sent fields. */
export function settingsOf(sent: Sent): TenantSettings {
  return settingsNamed(sent, new Set(Object.keys(sent)));
}

/** The settings of these names; those that were not sent are `undefined`. */
export function settingsNamed(sent: Sent, names: ReadonlySet<string>): TenantSettings {
  const named = Object.entries(SETTING_NAMES).filter(([, name]) => names.has(name));
  return Object.fromEntries(named.map(([key, name]) => [key, sent[name]]));
}

/**
 * The fields that a PATCH is about: those that the mask names, in snake_case or lowerCamelCase, or
 * without a mask those that were sent. `undefined` if the mask names another one.
 */
export function maskedNames(mask: string, sent: Sent): ReadonlySet<string> | undefined {
  if (mask.trim() === '') return new Set(Object.keys(sent));
  const names = mask.split(',').map((name) => snakeCase(name.trim()));
  return names.every((name) => Object.hasOwn(FIELDS, name)) ? new Set(names) : undefined;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
