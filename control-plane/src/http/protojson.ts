/**
 * Schemas for the JSON dialect of protobuf, as Talos speaks it: members in snake_case or
 * lowerCamelCase, unknown ones ignored, `null` the same as absent, enums by name or by number, int64
 * as text or as number. Every message names the rule, never the value. `meta` says of each schema what
 * the OpenAPI document shows (`http/openapi`). No I/O.
 */

import { encodeUtf8 } from '@cardea/shared/bytes/utf8';
import { z } from 'zod';
import { parseDuration, parseExtendedDuration } from './duration.ts';

/** A message with the given fields, named in snake_case. Only these are ever read. */
export function protoMessage<Shape extends z.ZodRawShape>(shape: Shape) {
  const names = Object.keys(shape);
  return z.preprocess(
    (value) => pickMembers(value, names),
    z.object(shape, { error: 'must be a JSON object' }),
  );
}

/** The declared members of an object, as own properties of a new one; anything else unchanged. */
function pickMembers(value: unknown, names: readonly string[]): unknown {
  if (!isJsonObject(value)) return value;
  // Without a prototype: a field that is absent must not be found there.
  const picked: Record<string, unknown> = Object.create(null);
  for (const name of names) {
    const member = ownMember(value, name) ?? ownMember(value, lowerCamelCase(name));
    if (member !== undefined && member !== null) picked[name] = member;
  }
  return picked;
}

function ownMember(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

export function lowerCamelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Lengths {
  readonly min: number;
  readonly max: number;
}

/** A string whose length in code points lies between two bounds. */
export function protoString({ min, max }: Lengths) {
  const rule = min === 0 ? `at most ${max}` : `${min} to ${max}`;
  return z
    .string({ error: required('must be a string') })
    .refine((text) => isWithin(codePoints(text), { min, max }), {
      error: `must have ${rule} characters`,
    })
    .meta({ ...(min === 0 ? {} : { minLength: min }), maxLength: max });
}

function isWithin(value: number, { min, max }: Lengths): boolean {
  return value >= min && value <= max;
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function required(rule: string): (issue: { readonly input?: unknown }) => string {
  return (issue) => (issue.input === undefined ? 'is required' : rule);
}

/** An enum: its names in the order of their numbers, and what each means here. */
export function protoEnum<const Value extends string>(values: Readonly<Record<string, Value>>) {
  const names = Object.keys(values);
  const rule = 'is not a value of this enum';
  return z
    .union([z.string(), z.number()], { error: rule })
    .transform((input, context): Value => {
      const name = typeof input === 'number' ? names[input] : input;
      const value = name !== undefined && Object.hasOwn(values, name) ? values[name] : undefined;
      if (value !== undefined) return value;
      context.addIssue({ code: 'custom', message: rule });
      return z.NEVER;
    })
    .meta({ type: 'string', enum: names });
}

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** int64 as its canonical decimal text. */
export function protoInt64() {
  const rule = 'must be an integer of 64 bits';
  return z
    .union([z.string(), z.number()], { error: rule })
    .transform((input, context): string => {
      // A number beyond 2^53 has lost digits already: it has to come as text.
      if (typeof input === 'number' && Number.isSafeInteger(input)) return String(input);
      if (typeof input === 'string' && /^-?[0-9]{1,19}$/.test(input)) {
        const value = BigInt(input);
        if (value >= INT64_MIN && value <= INT64_MAX) return String(value);
      }
      context.addIssue({ code: 'custom', message: rule });
      return z.NEVER;
    })
    .meta({ format: 'int64' });
}

/** A duration in seconds, in protojson's notation alone. */
export function protoDuration() {
  return duration(parseDuration, 'must be a duration like "60s"');
}

/** A duration in seconds, in any notation that `ttl` takes. */
export function extendedDuration() {
  return duration(parseExtendedDuration, 'must be a duration like "60s", "24h" or "90d"');
}

function duration(parse: (text: string) => number | undefined, rule: string) {
  return z
    .string({ error: required(rule) })
    .transform((input, context): number => {
      const seconds = parse(input);
      if (seconds !== undefined) return seconds;
      context.addIssue({ code: 'custom', message: rule });
      return z.NEVER;
    })
    .meta({ description: rule.replace('must be a', 'A').concat('.') });
}

/** google.protobuf.Struct: any JSON object, kept as it was sent, at most so many bytes as JSON. */
export function protoStruct({ bytesMax }: { readonly bytesMax: number }) {
  return z
    .custom<Readonly<Record<string, unknown>>>(isJsonObject, { error: 'must be a JSON object' })
    .refine((value) => encodeUtf8(JSON.stringify(value)).length <= bytesMax, {
      error: `must have at most ${bytesMax} bytes as JSON`,
    })
    .meta({ type: 'object', description: `Any JSON object of at most ${bytesMax} bytes.` });
}

/** The first broken rule of a failed parse, e.g. `scopes.3: must have 1 to 100 characters`. */
export function firstBrokenRule(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'The request is malformed.';
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`;
}
