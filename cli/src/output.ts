/** How answers are printed. What a server sent is shown without its control characters. */

import type { CommandContext, OptionValues } from './command.ts';
import { UsageError } from './failure.ts';

export type Format = 'table' | 'json' | 'env';

/** `--format`, `table` by default. */
export function formatOf<F extends Format>(
  options: OptionValues,
  allowed: readonly F[],
): F | 'table' {
  if (options.format === undefined) return 'table';
  const format = allowed.find((candidate) => candidate === options.format);
  if (format === undefined) {
    throw new UsageError(`--format must be one of ${allowed.join(', ')}`);
  }
  return format;
}

/** Prints `answer` as one JSON line, or as a column of names and values. */
export function printAnswer(
  context: Pick<CommandContext, 'print'>,
  format: Format,
  answer: Readonly<Record<string, unknown>>,
): void {
  if (format === 'json') {
    context.print(JSON.stringify(answer));
    return;
  }
  const shown = Object.entries(answer).filter(([, value]) => isShown(value));
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  for (const [name, value] of shown) context.print(`${name.padEnd(width)}  ${cell(value)}`);
}

/** `text` with everything that a terminal could act upon replaced. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}/gu, '\u{fffd}');
}

/** A line that a POSIX shell reads as an assignment of exactly `value`. */
export function shellAssignment(name: string, value: string): string {
  return `export ${name}='${value.replaceAll("'", String.raw`'\''`)}'`;
}

/** `text` as a value in a filter of the control plane. */
export function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, String.raw`\$&`)}"`;
}

function isShown(value: unknown): boolean {
  return value !== null && value !== undefined && value !== '';
}

function cell(value: unknown): string {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) {
    return printable(value.join(' '));
  }
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}
