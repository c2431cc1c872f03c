/**
 * Durations in text, both ways. protojson writes `"60s"` with up to nine fraction digits; `ttl` also
 * takes Go's notation (`1h30m`, `1.5h`) and longer units (`1d`, `1w`, `1mo` = 30 days, `1y` = 365
 * days), whole numbers only. No I/O.
 */

const PROTOJSON = /^(-?[0-9]{1,12}(?:\.[0-9]{1,9})?)s$/;

/** Seconds, or `undefined` unless `text` is a duration of protojson. */
export function parseDuration(text: string): number | undefined {
  const seconds = PROTOJSON.exec(text)?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}

const UNIT_SECONDS: ReadonlyMap<string, number> = new Map([
  ['y', 365 * 86_400],
  ['mo', 30 * 86_400],
  ['w', 7 * 86_400],
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
  ['ms', 1e-3],
  ['us', 1e-6],
  ['µs', 1e-6],
  ['ns', 1e-9],
]);

/** Units that Go has: these take fractions. */
const FRACTIONAL_UNITS: ReadonlySet<string> = new Set(['h', 'm', 's', 'ms', 'us', 'µs', 'ns']);

const EXTENDED_LENGTH_MAX = 64;
const TERM = /([0-9]{1,12})(\.[0-9]{1,9})?(y|mo|ms|w|d|h|m|s|us|µs|ns)/y;

/** Seconds, or `undefined` unless `text` is a duration in one of the notations that `ttl` takes. */
export function parseExtendedDuration(text: string): number | undefined {
  const plain = parseDuration(text);
  if (plain !== undefined) return plain;
  const isNegative = text.startsWith('-');
  const terms = isNegative ? text.slice(1) : text;
  if (terms === '' || text.length > EXTENDED_LENGTH_MAX) return undefined;
  let total = 0;
  TERM.lastIndex = 0;
  while (TERM.lastIndex < terms.length) {
    const [, whole = '', fraction = '', unit = ''] = TERM.exec(terms) ?? [];
    const unitSeconds = UNIT_SECONDS.get(unit);
    if (unitSeconds === undefined) return undefined;
    if (fraction !== '' && !FRACTIONAL_UNITS.has(unit)) return undefined;
    total += Number(whole + fraction) * unitSeconds;
  }
  return isNegative ? -total : total;
}

/** protojson's text of a duration, with 0, 3, 6 or 9 fraction digits. */
export function formatDuration(seconds: number): string {
  const digits = seconds.toFixed(9).replace(/(?:000){1,3}$/, '');
  return `${digits.endsWith('.') ? digits.slice(0, -1) : digits}s`;
}
