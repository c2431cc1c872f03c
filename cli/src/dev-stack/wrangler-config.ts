/**
 * The few facts that the local stack needs from the wrangler.toml files. Not a TOML reader: it
 * knows tables, and `name = "text"` on one line, as those files are written.
 */

import { readFileSync } from 'node:fs';
import { StackFailed } from './stack-failed.ts';

export interface BindingQuery {
  readonly file: string;
  /** The table's name: `kv_namespaces`, `d1_databases`. */
  readonly table: string;
  readonly binding: string;
  /** Whose value: `id`, `database_id`. */
  readonly field: string;
}

/** The `field` of the `[[table]]` whose `binding` is asked for. Fails if there is none. */
export function readBinding({ file, table, binding, field }: BindingQuery): string {
  for (const block of readFileSync(file, 'utf8').split(/^(?=\[)/m)) {
    if (!block.startsWith(`[[${table}]]`)) continue;
    if (readText(block, 'binding') !== binding) continue;
    const value = readText(block, field);
    if (value !== undefined) return value;
  }
  throw new StackFailed(`${file} has no [[${table}]] with binding "${binding}" and ${field}`);
}

/** The settings of `[vars]` that stand on one line. Longer ones are for the worker itself. */
export function readVars(file: string): Readonly<Record<string, string>> {
  const withoutLongTexts = readFileSync(file, 'utf8').replaceAll(/"""[\s\S]*?"""/g, "''");
  const blocks = withoutLongTexts.split(/^(?=\[)/m);
  const table = blocks.find((block) => block.startsWith('[vars]')) ?? '';
  const rows = table.matchAll(/^([A-Z0-9_]+)\s*=\s*"([^"]*)"\s*(?:#.*)?$/gm);
  return Object.fromEntries([...rows].map(([, name = '', value = '']) => [name, value]));
}

function readText(block: string, name: string): string | undefined {
  return new RegExp(`^${name}\\s*=\\s*"([^"]*)"`, 'm').exec(block)?.[1];
}
