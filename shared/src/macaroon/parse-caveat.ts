/**
 * Reads the caveat language (docs/caveats.md, version 1). Nothing is guessed: a text that is not the one
 * spelling of a known caveat is unknown, keeps its bytes, and prohibits.
 */

import { decodeUtf8 } from '../bytes/utf8.ts';
import { isUuidV4 } from '../bytes/uuid.ts';
import { parseCidr } from '../ip/cidr.ts';
import { formatCidr } from '../ip/format-address.ts';
import {
  CAVEAT_LIST_MAX,
  CAVEAT_VALUE_LENGTH_MAX,
  SCOPE_LENGTH_MAX,
  SCOPES_MAX,
} from '../limits.ts';
import type { KnownCaveat, ParsedCaveat } from './caveat.ts';
import type { Bytes } from './macaroon.ts';
import { type PathPattern, parsePathPattern } from './path-pattern.ts';
import { parseTime } from './time-text.ts';

/** Never refuses: what cannot be read is `unknown`. */
export function parseCaveat(bytes: Bytes): ParsedCaveat {
  const text = decodeUtf8(bytes);
  const known = text === undefined ? undefined : parseCaveatText(text);
  return known ?? { kind: 'unknown', bytes };
}

/** As {@link parseCaveat}, of a text; `undefined` for what is not a caveat in its one spelling. */
export function parseCaveatText(text: string): KnownCaveat | undefined {
  const nameEnd = text.indexOf(' ');
  const headEnd = nameEnd < 0 ? -1 : text.indexOf(' ', nameEnd + 1);
  if (headEnd < 0) return undefined;
  const value = text.slice(headEnd + 1);
  return text.startsWith('ext:')
    ? extension(text.slice(4, headEnd), value)
    : FORMS.get(text.slice(0, headEnd))?.(value);
}

type ParseValue = (value: string) => KnownCaveat | undefined;

/** By name and operator. */
const FORMS: ReadonlyMap<string, ParseValue> = new Map<string, ParseValue>([
  ['time <', (value) => timed('expires', value)],
  ['time >=', (value) => timed('not_before', value)],
  ['scope in', scopes],
  ['method in', methods],
  ['path in', paths],
  ['host in', hosts],
  ['ip in', addresses],
  ['tool in', tools],
  ['audience =', (value) => line(value, { kind: 'audience', value })],
  ['tenant =', (value) => line(value, { kind: 'tenant', value })],
  ['actor =', (value) => line(value, { kind: 'actor', value })],
  ['key =', (value) => line(value, { kind: 'key', value })],
  ['token =', (value) => (isUuidV4(value) ? { kind: 'token', value } : undefined)],
  ['cnf =', (value) => line(value, { kind: 'reserved', name: 'cnf', value })],
  ['max_uses =', (value) => line(value, { kind: 'reserved', name: 'max_uses', value })],
  ['budget =', (value) => line(value, { kind: 'reserved', name: 'budget', value })],
]);

function timed(kind: 'expires' | 'not_before', value: string): KnownCaveat | undefined {
  const atSeconds = parseTime(value);
  return atSeconds === undefined ? undefined : { kind, atSeconds };
}

interface ListRule {
  readonly isElement: (text: string) => boolean;
  readonly lengthMax?: number;
}

/** Elements with one space between, in strictly ascending order: so each once, and in one order. */
function elementsOf(
  value: string,
  { isElement, lengthMax = CAVEAT_LIST_MAX }: ListRule,
): string[] | undefined {
  const elements = value.split(' ', lengthMax + 1);
  if (elements.length > lengthMax) return undefined;
  let previous = ''; // Less than every element: none may be empty.
  for (const element of elements) {
    if (previous >= element || !isElement(element)) return undefined;
    previous = element;
  }
  return elements;
}

function scopes(value: string): KnownCaveat | undefined {
  const elements = elementsOf(value, { isElement: isScope, lengthMax: SCOPES_MAX });
  return elements && { kind: 'scopes', scopes: elements };
}

function methods(value: string): KnownCaveat | undefined {
  const elements = elementsOf(value, { isElement: isMethod });
  return elements && { kind: 'methods', methods: elements };
}

function hosts(value: string): KnownCaveat | undefined {
  const elements = elementsOf(value, { isElement: isHost });
  return elements && { kind: 'hosts', hosts: elements };
}

function addresses(value: string): KnownCaveat | undefined {
  const elements = elementsOf(value, { isElement: isCidr });
  return elements && { kind: 'addresses', cidrs: elements };
}

function tools(value: string): KnownCaveat | undefined {
  const elements = elementsOf(value, { isElement: isToolName });
  return elements && { kind: 'tools', tools: elements };
}

function paths(value: string): KnownCaveat | undefined {
  const patterns: PathPattern[] = [];
  const isElement = (text: string) => {
    const pattern = parsePathPattern(text);
    if (pattern !== undefined) patterns.push(pattern);
    return pattern !== undefined;
  };
  return elementsOf(value, { isElement }) && { kind: 'paths', patterns };
}

const EXTENSION_NAME = /^([a-z0-9][a-z0-9._/-]{0,63}) =$/;

function extension(head: string, value: string): KnownCaveat | undefined {
  const [, name] = EXTENSION_NAME.exec(head) ?? [];
  return name === undefined ? undefined : line(value, { kind: 'extension', name, value });
}

/**
 * A text to the end of the caveat: what a person reads is what is compared. No control characters, no
 * line or paragraph separators, none that change the direction of others or are not seen, and no
 * space at either end.
 */
function line(value: string, caveat: KnownCaveat): KnownCaveat | undefined {
  const isLine =
    value.length > 0 &&
    value.length <= CAVEAT_VALUE_LENGTH_MAX &&
    !value.startsWith(' ') &&
    !value.endsWith(' ') &&
    ![...value].some(isHidden);
  return isLine ? caveat : undefined;
}

/** First and last of each run, in ascending order. A list of Unicode's would differ by runtime. */
const HIDDEN: ReadonlyArray<readonly [first: number, last: number]> = [
  [0x00, 0x1f], // Control characters, and those of 7F to 9F.
  [0x7f, 0x9f],
  [0xad, 0xad], // Soft hyphen.
  [0x61c, 0x61c],
  [0x200b, 0x200f], // Without width, or marks of direction.
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0xfeff, 0xfeff],
  [0xe0000, 0xe007f], // Tags.
];

function isHidden(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return HIDDEN.some(([first, last]) => code >= first && code <= last);
}

/** RFC 6749 §3.3 `scope-token`, of the length that a scope may have. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

function isScope(text: string): boolean {
  return text.length <= SCOPE_LENGTH_MAX && SCOPE.test(text);
}

/** RFC 9110 §9.1: methods are case-sensitive, and all that there are are upper case. */
function isMethod(text: string): boolean {
  return /^[A-Z][A-Z-]{0,31}$/.test(text);
}

/** Name or IPv4 in lower case, or IPv6 in brackets, and a port where it is not the scheme's own. */
const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[1-9][0-9]{0,4})?$/;

function isHost(text: string): boolean {
  return text.length <= 255 && HOST.test(text);
}

function isCidr(text: string): boolean {
  const cidr = parseCidr(text);
  return cidr !== undefined && formatCidr(cidr) === text;
}

/** What a `tool` caveat can name. */
export function isToolName(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/.test(text);
}
